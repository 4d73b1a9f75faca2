#pragma once
#include <cstdint>

#include "features/frames.h"

namespace voxconv::native {

constexpr int sample_rate = 44100;
constexpr int hop = sample_rate / frame_rate;  ///< 441 samples: one frame of the common clock

constexpr std::int64_t content_dim = 512;   ///< of the content encoder (whisper-base)
constexpr std::int64_t speaker_dim = 256;   ///< of the speaker embedding (GE2E)
constexpr std::int64_t envelope_bins = 80;  ///< points of the spectral envelope, on the slaney mel scale
constexpr double envelope_top_hz = 20000;

/// The synthesis filter bank: a Hann window of three hops (they sum to 3/2) in a larger FFT that leaves the filters room to ring.
constexpr std::int64_t window_size = 3 * hop;
constexpr std::int64_t fft_size = 2048;
constexpr std::int64_t fft_bins = fft_size / 2 + 1;
constexpr std::int64_t window_offset = 256;  ///< where the window lies in the FFT frame: room for a little ringing before, more after

}  // namespace voxconv::native
