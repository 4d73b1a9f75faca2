#include "eval/level_measures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "audio/k_weighting.h"
#include "eval/periodicity.h"
#include "eval/spectrum_measures.h"
#include "features/background.h"
#include "features/frames.h"
#include "features/loudness.h"

namespace voxconv::eval {
namespace {

constexpr double rest_below_db = 45, breath_below_db = 15, over_noise_db = 6;
constexpr double most_periodic = 0.5;
constexpr std::int64_t rest_edge = 5, breath_gap = 30, breath_edge = 8;  // frames
constexpr std::size_t least_frames = 10;
constexpr double least_power = 1e-12;

double lufs(double power) { return -0.691 + 10 * std::log10(power); }
double power_of(double lufs) { return std::pow(10, (lufs + 0.691) / 10); }

/// Mean square of 20 ms around each of `frames`.
std::vector<double> powers(const torch::Tensor& audio, const std::vector<std::int64_t>& frames) {
  std::vector<double> result;
  for (const std::int64_t frame : frames) {
    const torch::Tensor part =
        audio.slice(0, std::max<std::int64_t>(0, (frame - 1) * full_band_hop), std::min(audio.size(0), (frame + 1) * full_band_hop));
    result.push_back(part.numel() == 0 ? 0 : part.to(torch::kDouble).square().mean().item<double>());
  }
  return result;
}

/// Calls visit(begin, end) for every run of frames for which `holds(frame)`.
template <class Holds, class Visit>
void each_run(std::int64_t frames, const Holds& holds, const Visit& visit) {
  for (std::int64_t begin = 0; begin < frames;) {
    std::int64_t end = begin;
    while (end < frames && holds(end)) ++end;
    if (end > begin) visit(begin, end);
    begin = std::max(end, begin + 1);
  }
}

double mean_level_db(const std::vector<double>& powers) {
  if (powers.size() < least_frames) return undefined_figure;
  double sum = 0;
  for (const double power : powers) sum += power;
  return 10 * std::log10(std::max(sum / double(powers.size()), least_power));
}

}  // namespace

double integrated_loudness(const torch::Tensor& audio) {
  constexpr std::int64_t step = full_band_rate / 10;  // blocks overlap by three quarters
  constexpr std::size_t steps_per_block = 4;
  const torch::Tensor samples = audio.to(torch::kFloat).contiguous();
  const float* x = samples.const_data_ptr<float>();
  KWeighting weighted(full_band_rate);
  std::vector<double> step_power(std::size_t(samples.size(0) / step), 0);
  for (std::int64_t i = 0; i < std::ssize(step_power) * step; ++i) {
    const double value = weighted(x[i]);
    step_power[std::size_t(i / step)] += value * value / double(step);
  }
  std::vector<double> blocks;
  for (std::size_t i = 0; i + steps_per_block <= step_power.size(); ++i) {
    double power = 0;
    for (std::size_t k = 0; k < steps_per_block; ++k) power += step_power[i + k] / double(steps_per_block);
    blocks.push_back(power);
  }
  const auto mean_above = [&](double least) {
    double sum = 0;
    int count = 0;
    for (const double power : blocks)
      if (power > least) sum += power, ++count;
    return count > 0 ? sum / count : 0;
  };
  const double absolute = power_of(-70), loud = mean_above(absolute);
  return loud > 0 ? lufs(mean_above(std::max(absolute, loud / 10))) : undefined_figure;
}

PauseLevels pause_levels(const torch::Tensor& source, const torch::Tensor& result, const torch::Tensor& loudness,
                         std::span<const float> pitch) {
  const std::int64_t frames = std::min<std::int64_t>(loudness.size(0), std::ssize(pitch));
  if (frames == 0) return {};
  const torch::Tensor curve = loudness.to(torch::kDouble).contiguous() * db_per_neper;
  const double* level = curve.const_data_ptr<double>();
  const double loudest = *std::max_element(level, level + frames);
  const torch::Tensor f0 = torch::tensor(at::ArrayRef<float>(pitch.data(), std::size_t(frames)));
  const torch::Tensor background = (background_loudness(loudness.slice(0, 0, frames), f0) * db_per_neper).contiguous();
  const float* noise = background.const_data_ptr<float>();

  std::vector<std::int64_t> rests, quiet;
  each_run(
      frames, [&](std::int64_t t) { return level[t] < loudest - rest_below_db; },
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin + rest_edge; t < end - rest_edge; ++t) rests.push_back(t);
      });
  each_run(
      frames, [&](std::int64_t t) { return pitch[std::size_t(t)] <= 0; },
      [&](std::int64_t begin, std::int64_t end) {
        if (end - begin < breath_gap) return;
        for (std::int64_t t = begin + breath_edge; t < end - breath_edge; ++t)
          if (level[t] <= loudest - breath_below_db && level[t] >= loudest - rest_below_db && level[t] >= double(noise[t]) + over_noise_db)
            quiet.push_back(t);
      });
  const std::vector<float> period = strongest_period(source, quiet);
  std::vector<std::int64_t> breaths;
  for (std::size_t i = 0; i < quiet.size(); ++i)
    if (period[i] < most_periodic) breaths.push_back(quiet[i]);

  PauseLevels levels{mean_level_db(powers(result, rests)), mean_level_db(powers(source, rests)), undefined_figure};
  if (breaths.size() < least_frames) return levels;
  const std::vector<double> before = powers(source, breaths), after = powers(result, breaths);
  levels.breath_change_db = 0;
  for (std::size_t i = 0; i < breaths.size(); ++i)
    levels.breath_change_db += 10 * std::log10(std::max(after[i], least_power) / std::max(before[i], least_power)) / double(breaths.size());
  return levels;
}

}  // namespace voxconv::eval
