#include "features/background.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "features/frames.h"
#include "features/loudness.h"

namespace voxconv {
namespace {

constexpr std::int64_t phrase_frames = 15;  // around a pitch: consonants, and what a phrase ends with
constexpr std::int64_t reach_frames = 300;  // the background's neighbourhood
constexpr std::size_t least_frames = 30;    // to know a background by
constexpr std::int64_t step_frames = 50;    // it is interpolated between
constexpr double quiet_share = 0.1;
constexpr double noise_db = 4, breath_db = 8;  // above the background
constexpr std::int64_t shortest_breath = 9, border_frames = 7;
constexpr double most_between_words_db = 10;  // consonants are not to be lost

torch::Tensor widest(const torch::Tensor& x, std::int64_t frames) {
  return torch::max_pool1d(x.view({1, 1, -1}), frames, /*stride=*/1, /*padding=*/frames / 2).view(-1);
}

/// Frames within a phrase, [T] 0 or 1.
torch::Tensor phrases(const torch::Tensor& f0) { return widest((f0 > 0).to(torch::kFloat), 2 * phrase_frames + 1); }

}  // namespace

torch::Tensor background_loudness(const torch::Tensor& loudness, const torch::Tensor& f0) {
  const torch::NoGradGuard guard;
  const std::int64_t count = loudness.size(0);
  const torch::Tensor level = loudness.to(torch::kCPU, torch::kFloat).contiguous(), phrase = phrases(f0.to(torch::kCPU)).contiguous();
  const float *levels = level.data_ptr<float>(), *in_phrase = phrase.data_ptr<float>();
  const auto quiet_level = [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> pause;
    for (std::int64_t t = std::max<std::int64_t>(0, begin); t < std::min(end, count); ++t)
      if (in_phrase[t] == 0) pause.push_back(levels[t]);
    if (pause.size() < least_frames) return -std::numeric_limits<float>::infinity();
    const auto quiet = pause.begin() + std::ptrdiff_t(quiet_share * double(pause.size()));
    std::nth_element(pause.begin(), quiet, pause.end());
    return *quiet;
  };
  const float everywhere = quiet_level(0, count);
  std::vector<float> points;
  for (std::int64_t t = 0; t < count + step_frames; t += step_frames) {
    const float near = quiet_level(t - reach_frames, t + reach_frames + 1);
    points.push_back(std::isfinite(near) ? near : everywhere);
  }
  torch::Tensor background = torch::empty({count});
  for (std::int64_t t = 0; t < count; ++t) {
    const auto left = std::size_t(t / step_frames);
    const float part = float(t % step_frames) / float(step_frames);
    background.data_ptr<float>()[t] = std::isfinite(everywhere) ? points[left] * (1 - part) + points[left + 1] * part : everywhere;
  }
  return background;
}

torch::Tensor lower_background(const torch::Tensor& loudness, const torch::Tensor& f0, double db) {
  const torch::NoGradGuard guard;
  if (loudness.size(0) == 0 || db <= 0) return loudness;
  const torch::Tensor above = (loudness - background_loudness(loudness, f0)).clamp_max(10);  // nepers
  const torch::Tensor rise = ((above * db_per_neper - noise_db) / (breath_db - noise_db)).clamp(0, 1);
  const torch::Tensor lasting = widest(-widest(-rise, shortest_breath), shortest_breath + border_frames - 1);
  const torch::Tensor in_pause = (1 - lasting) * (db / db_per_neper);

  const double between_words = std::min(db, most_between_words_db) / db_per_neper;
  const torch::Tensor noise_share = (-2 * above).exp();  // of a frame's power
  const torch::Tensor in_phrase = -0.5 * (1 - noise_share).clamp_min(std::exp(-2 * between_words)).log();
  const torch::Tensor unvoiced = torch::where(f0 > 0, torch::zeros_like(in_phrase), in_phrase);
  const torch::Tensor less = torch::where(phrases(f0) > 0, unvoiced, in_pause).view({1, 1, -1});
  return loudness - torch::avg_pool1d(less, border_frames, 1, border_frames / 2, false, false).view(-1);
}

}  // namespace voxconv
