#include "audio/k_weighting.h"

#include <cmath>
#include <numbers>

namespace voxconv {

std::array<Biquad, 2> k_weighting(double rate) {
  // A shelf of 4 dB around 1682 Hz (the head), then a high-pass at 38 Hz; bilinear transforms of analogue filters whose parameters give the
  // recommendation's coefficients at 48 kHz (B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018).
  const double shelf_k = std::tan(std::numbers::pi * 1681.974450955533 / rate), shelf_q = 0.7071752369554196;
  const double high = std::pow(10, 3.999843853973347 / 20), band = std::pow(high, 0.4996667741545416);
  const double shelf_0 = 1 + shelf_k / shelf_q + shelf_k * shelf_k;
  const double pass_k = std::tan(std::numbers::pi * 38.13547087602444 / rate), pass_q = 0.5003270373238773;
  const double pass_0 = 1 + pass_k / pass_q + pass_k * pass_k;
  return {{{(high + band * shelf_k / shelf_q + shelf_k * shelf_k) / shelf_0, 2 * (shelf_k * shelf_k - high) / shelf_0,
            (high - band * shelf_k / shelf_q + shelf_k * shelf_k) / shelf_0, 2 * (shelf_k * shelf_k - 1) / shelf_0,
            (1 - shelf_k / shelf_q + shelf_k * shelf_k) / shelf_0},
           {1, -2, 1, 2 * (pass_k * pass_k - 1) / pass_0, (1 - pass_k / pass_q + pass_k * pass_k) / pass_0}}};
}

}  // namespace voxconv
