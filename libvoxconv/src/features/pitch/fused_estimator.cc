#include "features/pitch/fused_estimator.h"

#include <array>
#include <cmath>

#include "features/frames.h"
#include "features/pitch/clock.h"
#include "features/pitch/fcpe_classes.h"
#include "features/pitch/subharmonics.h"

namespace voxconv {
namespace {

constexpr std::size_t candidate_count = 4;
constexpr std::int64_t path_reach = 50;    // frames: the start of the path has no effect after half a second
constexpr double octave = 1200;            // cents
constexpr double agreement = 60;           // cents: closer candidates are one pitch
constexpr double voiced_above = 0.25;      // of the mean sureness; docs/f0.md
constexpr double jump_cost = 0.005;        // nats per cent, up to an octave
constexpr double octave_cost = 1;          // nats: an octave neither estimator named
constexpr double outside_cost = 8;         // nats: beyond the range
constexpr double doubt = 0.02;             // sureness that is as good as none
constexpr double least_activation = 0.03;  // FCPE's pitch is not read below
constexpr double other_weight = 0.5;       // of the other's sureness in the mean pitch: FCPE is the more exact

struct Peak {
  double cents, activation;
};

/// FCPE's peak between two classes: the mean of the classes around, weighted by activation.
Peak peak_between(const float* activation, std::int64_t low, std::int64_t high) {
  const std::int64_t top = std::max_element(activation + low, activation + high) - activation;
  double sum = 0, weighted = 0;
  for (std::int64_t i = std::max<std::int64_t>(0, top - FcpeClasses::peak_reach);
       i <= std::min(FcpeClasses::count - 1, top + FcpeClasses::peak_reach); ++i) {
    sum += activation[i];
    weighted += activation[i] * FcpeClasses::cents_of(i);
  }
  return {sum > 0 ? weighted / sum : FcpeClasses::cents_of(top), activation[top]};
}

Peak peak_near(const float* activation, double cents) {
  const std::int64_t centre = FcpeClasses::nearest(cents), reach = static_cast<std::int64_t>(agreement / FcpeClasses::step());
  return peak_between(activation, std::max<std::int64_t>(0, centre - reach), std::min(FcpeClasses::count, centre + reach + 1));
}

struct Candidate {
  double cents, score;
};
using Candidates = std::array<Candidate, candidate_count>;

/// The candidate of each frame on the best path.
std::vector<std::size_t> best_path(const std::vector<Candidates>& frames) {
  std::vector<std::array<std::size_t, candidate_count>> from(frames.size());
  std::array<double, candidate_count> total{};
  for (std::size_t t = 0; t < frames.size(); ++t) {
    std::array<double, candidate_count> next;
    for (std::size_t k = 0; k < candidate_count; ++k) {
      double best = t == 0 ? 0 : -INFINITY;
      for (std::size_t i = 0; t > 0 && i < candidate_count; ++i) {
        const double move = std::min(std::abs(frames[t][k].cents - frames[t - 1][i].cents), octave);
        if (total[i] - jump_cost * move > best) best = total[i] - jump_cost * move, from[t][k] = i;
      }
      next[k] = best + frames[t][k].score;
    }
    total = next;
  }
  std::vector<std::size_t> path(frames.size());
  std::size_t k = std::max_element(total.begin(), total.end()) - total.begin();
  for (std::size_t t = frames.size(); t-- > 0;) path[t] = k, k = from[t][k];
  return path;
}

}  // namespace

F0Frames fuse_pitch(const torch::Tensor& activation, const F0Frames& other, const F0Range& range) {
  const torch::Tensor scores = activation.to(torch::kCPU, torch::kFloat).contiguous();
  const torch::Tensor other_hz = other.hz.to(torch::kCPU, torch::kFloat),
                      other_confidence = other.confidence.to(torch::kCPU, torch::kFloat);
  const auto hz = other_hz.accessor<float, 1>(), sure = other_confidence.accessor<float, 1>();
  const auto [low, high] = FcpeClasses::within(range);
  const double lowest = FcpeClasses::cents(range.min_hz), highest = FcpeClasses::cents(range.max_hz);
  const std::size_t count = scores.size(0);
  const auto row = [&](std::size_t t) { return scores.data_ptr<float>() + t * FcpeClasses::count; };
  const auto agreed = [&](std::size_t t, double cents) { return std::abs(cents - FcpeClasses::cents(hz[t])) < agreement; };

  std::vector<Candidates> frames(count);
  for (std::size_t t = 0; t < count; ++t) {
    const double second = FcpeClasses::cents(hz[t]);
    frames[t] = {
        {{peak_between(row(t), low, high).cents, 0}, {second, 0}, {second - octave, -octave_cost}, {second + octave, -octave_cost}}};
    for (Candidate& c : frames[t]) {
      c.score += std::log(doubt + peak_near(row(t), c.cents).activation + (agreed(t, c.cents) ? sure[t] : 0));
      if (c.cents < lowest || c.cents > highest) c.score -= outside_cost;
    }
  }
  const std::vector<std::size_t> path = best_path(frames);

  torch::Tensor result = torch::zeros({static_cast<std::int64_t>(count)}), confidence = torch::zeros_like(result);
  for (std::size_t t = 0; t < count; ++t) {
    double cents = frames[t][path[t]].cents;
    const double other_sure = agreed(t, cents) ? sure[t] : 0;
    const Peak peak = peak_near(row(t), cents);
    if (peak.activation > least_activation) {
      const double weight = agreed(t, cents) ? peak.activation / (peak.activation + other_weight * other_sure) : 1;
      cents = weight * peak.cents + (1 - weight) * (agreed(t, cents) ? FcpeClasses::cents(hz[t]) : cents);
    }
    const double level = (std::min(peak.activation, 1.0) + other_sure) / 2;
    confidence.data_ptr<float>()[t] = static_cast<float>(level);
    if (level > voiced_above) result.data_ptr<float>()[t] = static_cast<float>(FcpeClasses::hz(std::clamp(cents, lowest, highest)));
  }
  return {result.to(activation.device()), confidence.to(activation.device())};
}

F0Frames FusedEstimator::estimate(const torch::Tensor& audio) const { return estimate_part(audio, 0, frame_count(audio.size(0))); }

F0Frames FusedEstimator::estimate_part(const torch::Tensor& audio, std::int64_t begin, std::int64_t end) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = frame_count(audio.size(0));
  const F0Frames swift = to_frame_clock(swift_->analyse(audio), SwiftF0::hop, frames, /*threshold=*/0);
  const std::int64_t from = std::max<std::int64_t>(0, begin - path_reach), to = std::min(frames, end + path_reach);
  const torch::Tensor activation = torch::constant_pad_nd(fcpe_->activation(fcpe_->mel(audio), from, to), {0, 0, from, frames - to});
  F0Frames fused = fuse_pitch(activation, swift, range_);
  fused.hz = raise_subharmonics(audio, fused.hz, range_.max_hz);
  return fused;
}

double FusedEstimator::context_s() const { return std::max(fcpe_->context_s(), swift_->context_s()) + double(path_reach) / frame_rate; }

}  // namespace voxconv
