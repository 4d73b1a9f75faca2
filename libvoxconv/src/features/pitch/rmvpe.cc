#include "features/pitch/rmvpe.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "features/frames.h"

namespace voxconv {
namespace {

constexpr std::int64_t classes = 360, peak_reach = 4;
constexpr double cents_per_class = 20, first_cents = 1997.3794084376191, reference_hz = 10;
constexpr float threshold = 0.03f;  // of the salience: voiced above it
constexpr std::int64_t frame_multiple = 32;
constexpr double context = 2.56;  // seconds, a multiple of frame_multiple

MelConfig mel_config(std::int64_t bins) {
  MelConfig config;
  config.sample_rate = feature_rate;
  config.n_fft = 1024;
  config.hop = feature_hop;
  config.bins = int(bins);
  config.f_min = 30;
  config.f_max = 8000;
  config.scale = MelConfig::Scale::htk;
  config.power = 1;
  config.log = MelConfig::Log::natural;
  config.floor = 1e-5;
  return config;
}

double class_of(double hz) { return (1200 * std::log2(hz / reference_hz) - first_cents) / cents_per_class; }

}  // namespace

Rmvpe::Rmvpe(const nn::StateDict& tensors, const std::string& source, const F0Range& range, torch::Device device)
    : network_(tensors, source, device), mel_(mel_config(network_.mel_bins()), device) {
  if (frame_multiple % network_.frame_multiple() != 0)
    fail(ErrorCode::bad_model, "{} holds an RMVPE that halves its input more often than five times.", source);
  low_ = std::clamp<std::int64_t>(std::llround(std::floor(class_of(range.min_hz))), 0, classes - 1);
  high_ = std::clamp<std::int64_t>(std::llround(std::ceil(class_of(range.max_hz))) + 1, low_ + 1, classes);
}

double Rmvpe::context_s() const { return context; }

torch::Tensor Rmvpe::mel(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  return mel_(audio.to(network_.device(), torch::kFloat)).transpose(-1, -2);
}

torch::Tensor Rmvpe::salience(const torch::Tensor& mel) const {
  const torch::NoGradGuard guard;
  const std::int64_t frames = mel.size(-2), padded = (frames + frame_multiple - 1) / frame_multiple * frame_multiple;
  const torch::Tensor images = torch::constant_pad_nd(mel.dim() == 2 ? mel.unsqueeze(0) : mel, {0, 0, 0, padded - frames});
  const torch::Tensor salience = network_(images).slice(1, 0, frames);
  return mel.dim() == 2 ? salience[0] : salience;
}

F0Frames Rmvpe::decode(const torch::Tensor& salience) const {
  const torch::NoGradGuard guard;
  const auto [confidence, peak] = salience.slice(-1, low_, high_).max(-1, /*keepdim=*/true);
  const torch::Tensor around = peak + low_ + torch::arange(-peak_reach, peak_reach + 1, peak.options());
  // Beyond the classes there is nothing.
  const torch::Tensor weight =
      torch::constant_pad_nd(salience, {peak_reach, peak_reach}).gather(-1, around + peak_reach).to(torch::kDouble);
  const torch::Tensor cents = (weight * (around * cents_per_class + first_cents)).sum(-1) / weight.sum(-1);
  const torch::Tensor hz = torch::exp2(cents / 1200) * reference_hz;
  const torch::Tensor strength = confidence.squeeze(-1);
  return {torch::where(strength > threshold, hz, torch::zeros_like(hz)).to(torch::kFloat), strength};
}

F0Frames Rmvpe::estimate(const torch::Tensor& audio) const { return decode(salience(mel(audio))); }

F0Frames Rmvpe::estimate_windows(const torch::Tensor& audio) const { return estimate(audio); }

}  // namespace voxconv
