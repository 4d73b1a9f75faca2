#pragma once
#include <cstdint>
#include <span>

namespace voxconv {

/// Uniform noise in [-1, 1) that depends on nothing but (seed, position): however the samples are cut into chunks, they are the same.
void fill_uniform_noise(std::uint64_t seed, std::int64_t position, std::span<float> out);

/// Normal noise, mean 0 and deviation 1, of the same property (Box & Muller 1958, two samples from two hashes; nothing beyond 6.7).
void fill_normal_noise(std::uint64_t seed, std::int64_t position, std::span<float> out);

}  // namespace voxconv
