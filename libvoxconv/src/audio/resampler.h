#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Filters of libsamplerate: signal-to-noise ratio about 145, 121 and 97 dB, at falling cost (docs/audio.md has figures).
enum class ResamplerQuality { best, medium, fastest };

/// Changes the sample rate of a stream. Linear phase and aligned: output frame n stands for the time n / to_rate of the input, and the
/// total length is round(frames * to_rate / from_rate). push() lags behind by the filter's half length; finish() gives the rest. The result
/// does not depend on how the stream is cut into pushes.
class StreamResampler {
 public:
  /// Rates > 0 with a ratio within 1/256 .. 256, else Error(usage).
  StreamResampler(int channels, int from_rate, int to_rate, ResamplerQuality quality = ResamplerQuality::best);
  ~StreamResampler();
  StreamResampler(StreamResampler&&) noexcept;
  StreamResampler& operator=(StreamResampler&&) noexcept;

  AudioBuffer push(const AudioBuffer& audio);  ///< throws Error(usage) if rate or channels differ from the constructor's
  AudioBuffer finish();                        ///< the last frames; the resampler then starts anew

 private:
  struct State;
  void feed(const float* interleaved, std::size_t frames, std::vector<float>& out);
  AudioBuffer emit(const std::vector<float>& interleaved, std::int64_t frames);

  int channels_, from_rate_, to_rate_;
  std::unique_ptr<State> state_;
  std::int64_t frames_in_ = 0, frames_out_ = 0;
};

/// The whole of `audio` at another rate; unchanged where the rates agree.
AudioBuffer resample(const AudioBuffer& audio, int to_rate, ResamplerQuality quality = ResamplerQuality::best);

}  // namespace voxconv
