#include "features/voice_activity.h"

#include <cmath>

namespace voxconv {
namespace {

constexpr double nepers_per_db = 0.11512925464970229;  // ln(10) / 20
constexpr double quiet_share = 0.1;
constexpr double most_noise_db = -40;

}  // namespace

double noise_loudness(const torch::Tensor& loudness) {
  return std::min(loudness.quantile(quiet_share).item<double>(), most_noise_db * nepers_per_db);
}

torch::Tensor voice_activity(const torch::Tensor& loudness, const torch::Tensor& f0, const VoiceActivityConfig& config) {
  const torch::NoGradGuard guard;
  if (loudness.size(0) == 0) return torch::zeros({0}, torch::kBool);
  const torch::Tensor level = loudness.to(torch::kCPU, torch::kFloat);
  const double noise = noise_loudness(level);
  const double floor = config.floor_db * nepers_per_db;
  const torch::Tensor audible = level > floor;
  const torch::Tensor active = audible & ((f0.to(torch::kCPU) > 0) | (level > noise + config.over_noise_db * nepers_per_db));
  const auto hold = static_cast<std::int64_t>(std::lround(config.hold_s * frame_rate));
  const torch::Tensor wide = torch::max_pool1d(active.to(torch::kFloat).view({1, 1, -1}), 2 * hold + 1, /*stride=*/1, /*padding=*/hold);
  return wide.view(-1) > 0;
}

std::vector<FrameSpan> active_spans(const torch::Tensor& activity) {
  const torch::Tensor flags = activity.to(torch::kCPU, torch::kBool).contiguous();
  std::vector<FrameSpan> spans;
  for (std::int64_t t = 0; t < flags.size(0); ++t) {
    if (!flags.data_ptr<bool>()[t]) continue;
    if (spans.empty() || spans.back().end != t) spans.push_back({t, t});
    spans.back().end = t + 1;
  }
  return spans;
}

}  // namespace voxconv
