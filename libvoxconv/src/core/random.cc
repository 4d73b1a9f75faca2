#include "core/random.h"

#include <cmath>
#include <numbers>

namespace voxconv {
namespace {

/// splitmix64 of a counter (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t hash(std::uint64_t seed, std::uint64_t position) {
  std::uint64_t z = seed * 0xD1342543DE82EF95ull + (position + 1) * 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

struct Pair {
  float even, odd;
};

/// Samples 2 * pair and 2 * pair + 1.
Pair normal_pair(std::uint64_t seed, std::uint64_t pair) {
  const auto length = static_cast<float>((hash(seed, 2 * pair) >> 32) + 1) * 0x1p-32f;  // (0, 1]
  const auto angle = static_cast<float>(hash(seed, 2 * pair + 1) >> 40) * (2 * std::numbers::pi_v<float> * 0x1p-24f);
  const float radius = std::sqrt(-2 * std::log(length));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

void fill_uniform_noise(std::uint64_t seed, std::int64_t position, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(static_cast<std::int64_t>(hash(seed, static_cast<std::uint64_t>(position) + i)) >> 40) * 0x1p-23f;
}

void fill_normal_noise(std::uint64_t seed, std::int64_t position, std::span<float> out) {
  const auto first = static_cast<std::uint64_t>(position);
  std::size_t i = 0;
  if (first % 2 == 1 && !out.empty()) out[i++] = normal_pair(seed, first / 2).odd;
  for (; i < out.size(); i += 2) {
    const Pair pair = normal_pair(seed, (first + i) / 2);
    out[i] = pair.even;
    if (i + 1 < out.size()) out[i + 1] = pair.odd;
  }
}

}  // namespace voxconv
