#pragma once
#include "audio/pitch_shift.h"
#include "convert/spectral_filter.h"
#include "nn/torch.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// Music at another pitch with the formants of its instruments where they were: PitchShift, whose result then gets, frame by frame, the
/// spectral envelope of what it was made of (means of power over 500 Hz and more, in all channels together, within 12 dB). Below 500 Hz,
/// where single notes are the envelope, less and less of that, below 200 Hz nothing. Its tempo and length stay. The result does not depend
/// on how the stream is cut into pushes. One instance per stream.
class MusicShift {
 public:
  MusicShift(int channels, int rate, double semitones);  ///< as PitchShift
  MusicShift(const MusicShift&) = delete;                ///< the filter calls back to this object
  MusicShift& operator=(const MusicShift&) = delete;

  AudioBuffer push(const AudioBuffer& audio);  ///< lags behind by up to a second; may be empty
  AudioBuffer finish();                        ///< the rest: as many frames in all as came in

 private:
  AudioBuffer match(const AudioBuffer& shifted);
  torch::Tensor matched(const torch::Tensor& spectra) const;

  PitchShift shift_;
  torch::Tensor to_points_, to_bins_;  ///< [bins, points] means of power, [points, bins] gains between the points
  SpectralFilter filter_;              ///< of the channels as they were, and shifted
  AudioBuffer original_;               ///< of which the shifted sound is not there yet
};

}  // namespace voxconv
