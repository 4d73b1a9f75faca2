#include "core/random.h"

namespace voxconv {

void fill_uniform_noise(std::uint64_t seed, std::int64_t position, std::span<float> out) {
  // splitmix64 of a counter (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t z = seed * 0xD1342543DE82EF95ull + (static_cast<std::uint64_t>(position) + i + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    out[i] = static_cast<float>(static_cast<std::int64_t>(z) >> 40) * 0x1p-23f;
  }
}

}  // namespace voxconv
