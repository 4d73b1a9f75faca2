#pragma once
#include <array>

namespace voxconv {

/// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]
struct Biquad {
  double b0, b1, b2, a1, a2;
};

/// The K-weighting of ITU-R BS.1770 at any rate: the filters of which the recommendation's coefficients are the ones at 48 kHz.
std::array<Biquad, 2> k_weighting(double rate);

/// The same of one channel of a stream, sample by sample.
class KWeighting {
 public:
  explicit KWeighting(double rate) : filters_(k_weighting(rate)) {}
  double operator()(double sample) {
    for (std::size_t f = 0; f < filters_.size(); ++f) {  // transposed direct form II
      const Biquad& c = filters_[f];
      auto& state = state_[f];
      const double out = c.b0 * sample + state[0];
      state[0] = c.b1 * sample - c.a1 * out + state[1];
      state[1] = c.b2 * sample - c.a2 * out;
      sample = out;
    }
    return sample;
  }

 private:
  std::array<Biquad, 2> filters_;
  std::array<std::array<double, 2>, 2> state_{};
};

}  // namespace voxconv
