#pragma once
#include <torch/torch.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "convert/reverb.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// The late reverberation that a room gives a voice: noise that decays as the room does (Moorer 1979), the same for each room at a rate,
/// convolved with the voice. Every channel of the voice excites both channels of the result, which have the room's balance and correlation.
class ReverbTail {
 public:
  /// One or two channels. `block`: frames of a push.
  ReverbTail(const Reverb& reverb, int rate, std::size_t channels, std::size_t block);
  /// The reverberation during that block; a shorter one is the last.
  AudioBuffer push(const AudioBuffer& voice);

 private:
  const int rate_;
  const std::size_t channels_, block_;
  const double left_, correlation_;
  torch::Tensor responses_;            ///< spectra: part, output, channel, frequency
  std::deque<torch::Tensor> spectra_;  ///< of the last blocks, the newest first: channel, frequency
  torch::Tensor carried_;              ///< what the blocks so far give to the next one
};

}  // namespace voxconv
