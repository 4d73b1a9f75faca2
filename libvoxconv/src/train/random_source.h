#pragma once
#include <cstdint>

namespace voxconv::train {

/// Random numbers of one training step, from (seed, step) alone: a run that is stopped and resumed draws what it would have drawn.
class RandomSource {
 public:
  // Mixed twice: a state that grows with the step by what each draw adds would give every step the draws of the one before.
  RandomSource(std::uint64_t seed, std::int64_t step) : state_(mixed(mixed(seed) + std::uint64_t(step))) {}
  /// Uniform in [0, 1).
  double uniform() {
    state_ += 0x9E3779B97F4A7C15ull;  // splitmix64
    return double(mixed(state_) >> 11) * 0x1p-53;
  }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, count).
  std::int64_t below(std::int64_t count) { return std::int64_t(uniform() * double(count)); }

 private:
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace voxconv::train
