#pragma once
#include "models/rvc/frame_buffer.h"

namespace voxconv::rvc {

/// RVC's formant shift: the decoder synthesizes `ratio` times as many frames at 1 / ratio of the pitch, and its output is then resampled to
/// be that much faster: the pitch is right again, the formants lie `ratio` times as high. This maps between the two frame rates.
class FormantClock {
 public:
  /// The ratio nearest to `semitones` that a resampler between whole rates gives.
  FormantClock(double semitones, int sample_rate);

  double ratio() const { return static_cast<double>(decoder_rate_) / sample_rate_; }
  int decoder_rate() const { return decoder_rate_; }  ///< Hz of the decoder's output, such that its frames have the song's length
  bool shifts() const { return decoder_rate_ != sample_rate_; }

  /// How many of the decoder's frames can be had from the first `frames` latent frames; `last`: no more of these follow.
  std::int64_t decoder_frames(std::int64_t frames, bool last) const;
  /// The first of the song's frames that the decoder's frame `frame` needs.
  std::int64_t song_frame(std::int64_t frame) const;
  /// The decoder's frames [first, last) of `latent`, whose frames are along dimension 1: linear between the song's frames.
  torch::Tensor latent(const FrameBuffer& latent, std::int64_t first, std::int64_t last) const;
  /// Hz for the decoder in its frames [first, last): that of the nearest frame of the song, lowered. Frames behind the song are as its
  /// last.
  torch::Tensor pitch(const FrameBuffer& f0, std::int64_t first, std::int64_t last) const;

 private:
  torch::Tensor places(std::int64_t first, std::int64_t last, std::int64_t end) const;

  int sample_rate_, decoder_rate_;
};

}  // namespace voxconv::rvc
