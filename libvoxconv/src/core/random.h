#pragma once
#include <cstdint>
#include <span>

namespace voxconv {

/// Uniform noise in [-1, 1) that depends on nothing but (seed, position): however the samples are cut into chunks, they are the same.
void fill_uniform_noise(std::uint64_t seed, std::int64_t position, std::span<float> out);

}  // namespace voxconv
