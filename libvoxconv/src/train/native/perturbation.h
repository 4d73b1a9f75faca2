#pragma once
#include <cstdint>

#include "nn/torch.h"

namespace voxconv::train {

// Recordings as another voice or another room would have them, for the content that the acoustic model learns from. What a clip meets
// follows from its key: it is the same in every run.

/// A number in [0, 1).
double hash_fraction(std::uint64_t key);

/// Audio [N] at feature_rate through a random smooth equaliser (NANSY, Choi et al. 2021): up to `range_db` up or down at eight frequencies
/// from 60 Hz to 8 kHz, interpolated over log frequency.
torch::Tensor equalise(const torch::Tensor& audio, std::uint64_t key, double range_db);

/// Audio [N] at feature_rate as a microphone in some room has it: late reverberation (exponentially decaying noise, T60 of 0.2 to 0.8 s, 3
/// to 18 dB below the voice) and stationary noise of a random spectrum, 5 to 35 dB below it.
torch::Tensor in_noisy_room(const torch::Tensor& audio, std::uint64_t key);

}  // namespace voxconv::train
