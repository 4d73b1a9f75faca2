#pragma once
#include <cstdint>
#include <span>

#include "models/native/vocoder.h"
#include "nn/torch.h"
#include "voxconv/progress.h"

namespace voxconv::eval {

/// What the native vocoder makes of a recording's own spectral envelope and pitch, without an acoustic model: the best that it can do.
/// audio [N] 44.1 kHz, f0 in Hz at 100 frames a second (0 = unvoiced; frame t centred at sample t * 441), N / 441 frames at least -> [N] on
/// the CPU. The same seed gives the same noise. `vocoder` as load_vocoder() gives it. Throws Error(cancelled).
torch::Tensor copy_synthesis(native::Vocoder vocoder, const torch::Tensor& audio, std::span<const float> f0, std::uint64_t seed,
                             torch::Device device, const CancelToken& cancel = {});

}  // namespace voxconv::eval
