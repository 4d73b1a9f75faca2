#include "features/pitch/clock.h"

#include <cmath>

#include "features/frames.h"

namespace voxconv {
namespace {

constexpr double jump = 2.0 / 12;  // octaves: more between two frames is no glide

/// Catmull-Rom spline between b (t = 0) and c (t = 1).
double cubic(double a, double b, double c, double d, double t) {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

}  // namespace

F0Frames to_frame_clock(const F0Frames& coarse, std::int64_t hop, std::int64_t frames, double threshold) {
  const torch::Tensor log_hz = coarse.hz.cpu().to(torch::kDouble).log2(), confidence = coarse.confidence.cpu().to(torch::kDouble);
  const auto pitch = log_hz.accessor<double, 1>(), sure = confidence.accessor<double, 1>();
  const std::int64_t last = log_hz.size(0) - 1;
  torch::Tensor hz = torch::zeros({frames}), sureness = torch::zeros({frames});
  auto hz_out = hz.accessor<float, 1>(), sure_out = sureness.accessor<float, 1>();
  const auto usable = [&](std::int64_t i) { return i >= 0 && i <= last && sure[i] >= threshold; };
  const auto near = [&](std::int64_t i, std::int64_t j) { return usable(i) && usable(j) && std::abs(pitch[i] - pitch[j]) < jump; };
  for (std::int64_t t = 0; t < frames; ++t) {
    const double position = std::min(double(t * feature_hop) / double(hop), double(last));
    const std::int64_t i = std::min(static_cast<std::int64_t>(position), std::max<std::int64_t>(last - 1, 0));
    const std::int64_t next = std::min(i + 1, last);
    const double part = position - double(i);
    const double level = (1 - part) * sure[i] + part * sure[next];
    sure_out[t] = static_cast<float>(level);
    if (level < threshold) continue;
    double value = part < 0.5 ? pitch[i] : pitch[next];
    if (near(i, next)) {
      const bool smooth = near(i - 1, i) && near(next, next + 1);
      value = smooth ? cubic(pitch[i - 1], pitch[i], pitch[next], pitch[next + 1], part) : (1 - part) * pitch[i] + part * pitch[next];
    } else if (!usable(part < 0.5 ? i : next)) {
      value = part < 0.5 ? pitch[next] : pitch[i];
    }
    hz_out[t] = static_cast<float>(std::exp2(value));
  }
  return {hz.to(coarse.hz.device()), sureness.to(coarse.hz.device())};
}

}  // namespace voxconv
