#include "models/rvc/sinc_decimator.h"

#include <cmath>
#include <numbers>

namespace voxconv::rvc {
namespace {

constexpr double zero_crossings = 64, rolloff = 0.9475937167399596, beta = 14.769656459379492;
constexpr std::int64_t together = 32;  // samples that one row of the matrix product makes

}  // namespace

torch::Tensor sinc_decimator(std::int64_t rate) {
  if (rate == 1) return torch::ones({1});
  const double orig = static_cast<double>(rate);
  const std::int64_t reach = static_cast<std::int64_t>(std::ceil(zero_crossings * orig / rolloff));
  const torch::Tensor t = (torch::arange(-reach, reach + rate, torch::kDouble) / orig * rolloff).clamp(-zero_crossings, zero_crossings);
  const torch::Tensor window =
      torch::i0(beta * (1 - (t / zero_crossings).square()).sqrt()) / torch::i0(torch::full({}, beta, torch::kDouble));
  return (torch::sinc(t) * window * (rolloff / orig)).to(torch::kFloat);
}

torch::Tensor decimate(const torch::Tensor& rows, const torch::Tensor& kernel, std::int64_t rate) {
  const std::int64_t taps = kernel.size(0), channels = rows.size(1), count = (rows.size(0) - taps) / rate + 1;
  // A product of windows that overlap with a matrix of shifted kernels.
  const std::int64_t groups = (count + together - 1) / together, window = (together - 1) * rate + taps;
  torch::Tensor shifted = torch::zeros({together, window}, kernel.options());
  for (std::int64_t i = 0; i < together; ++i) shifted[i].narrow(0, i * rate, taps).copy_(kernel);
  const std::int64_t length = (groups - 1) * together * rate + window;
  torch::Tensor signals = torch::constant_pad_nd(rows.t(), {0, length - rows.size(0)}).contiguous();
  const torch::Tensor windows = signals.unfold(1, window, together * rate);  // [C, groups, window]
  const torch::Tensor out = torch::matmul(windows, shifted.t());             // [C, groups, together]
  return out.reshape({channels, groups * together}).narrow(1, 0, count).t().contiguous();
}

}  // namespace voxconv::rvc
