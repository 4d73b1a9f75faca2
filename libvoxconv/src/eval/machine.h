#pragma once
#include <cstdint>

#include "nn/torch.h"

namespace voxconv::eval {

/// The most multiplications and additions a second (10^9) that LibTorch's own kernels reach on `device` in `type`: the faster of a large
/// convolution and a large matrix product. Takes about a second.
double peak_gflops(torch::Device device, torch::ScalarType type);

/// Bytes of this process in memory: now, and at most so far; 0 where the system does not tell.
std::uint64_t resident_bytes();
std::uint64_t most_resident_bytes();

}  // namespace voxconv::eval
