#include "features/pitch/pitch_path.h"

#include <algorithm>
#include <cmath>

namespace voxconv {
namespace {

constexpr double least = 1e-30;

}  // namespace

PitchPath::PitchPath(int bins, int reach, double switch_probability)
    : bins_(bins), reach_(reach), stay_(std::log(1 - switch_probability)), change_(std::log(switch_probability)) {
  for (int step = 0; step <= reach; ++step) move_.push_back(std::log(double(reach + 1 - step)) - 2 * std::log(double(reach + 1)));
}

void PitchPath::add(std::span<const double> voiced, double unvoiced) {
  const double silent = std::log(std::max(unvoiced, least));
  std::vector<double> next(2 * bins_);
  const std::size_t base = back_.size();
  back_.resize(base + 2 * bins_);
  for (int bin = 0; bin < bins_; ++bin) {
    double best[2] = {0, 0};
    int from[2] = {bin, bin};
    if (!score_.empty()) {
      for (int kind = 0; kind < 2; ++kind) {
        best[kind] = -INFINITY;
        const double* score = &score_[kind * bins_];
        for (int i = std::max(0, bin - reach_); i <= std::min(bins_ - 1, bin + reach_); ++i) {
          const double value = score[i] + move_[std::abs(i - bin)];
          if (value > best[kind]) best[kind] = value, from[kind] = i;
        }
      }
    }
    for (int kind = 0; kind < 2; ++kind) {
      const double same = best[kind] + stay_, other = best[1 - kind] + change_;
      const int origin = same >= other ? kind : 1 - kind;
      next[kind * bins_ + bin] = std::max(same, other) + (kind == 0 ? std::log(std::max(voiced[bin], least)) : silent);
      back_[base + kind * bins_ + bin] = std::uint16_t(origin * bins_ + from[origin]);
    }
  }
  score_ = std::move(next);
}

std::vector<int> PitchPath::best() const {
  const std::size_t states = 2 * std::size_t(bins_), frames = back_.size() / states;
  std::vector<int> path(frames);
  if (frames == 0) return path;
  std::size_t state = std::max_element(score_.begin(), score_.end()) - score_.begin();
  for (std::size_t t = frames; t-- > 0;) {
    path[t] = state < std::size_t(bins_) ? int(state) : -1;
    state = back_[t * states + state];
  }
  return path;
}

}  // namespace voxconv
