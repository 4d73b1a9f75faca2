#include "features/pitch/rmvpe.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "features/frames.h"
#include "features/pitch/crepe_classes.h"

namespace voxconv {
namespace {

constexpr float salience_threshold = 0.03f;  // of the salience: voiced above it
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

}  // namespace

Rmvpe::Rmvpe(const nn::StateDict& tensors, const std::string& source, const F0Range& range, torch::Device device)
    : network_(tensors, source, device), mel_(mel_config(network_.mel_bins()), device) {
  if (frame_multiple % network_.frame_multiple() != 0)
    fail(ErrorCode::bad_model, "{} holds an RMVPE that halves its input more often than five times.", source);
  low_ = std::clamp<std::int64_t>(std::llround(std::floor(CrepeClasses::of(range.min_hz))), 0, CrepeClasses::count - 1);
  high_ = std::clamp<std::int64_t>(std::llround(std::ceil(CrepeClasses::of(range.max_hz))) + 1, low_ + 1, CrepeClasses::count);
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
  const torch::Tensor around = peak + low_ + torch::arange(-CrepeClasses::peak_reach, CrepeClasses::peak_reach + 1, peak.options());
  // Beyond the classes there is nothing.
  const torch::Tensor weight = torch::constant_pad_nd(salience, {CrepeClasses::peak_reach, CrepeClasses::peak_reach})
                                   .gather(-1, around + CrepeClasses::peak_reach)
                                   .to(torch::kDouble);
  const torch::Tensor cents = (weight * (around * CrepeClasses::step + CrepeClasses::first_cents)).sum(-1) / weight.sum(-1);
  const torch::Tensor hz = torch::exp2(cents / 1200) * CrepeClasses::reference_hz;
  const torch::Tensor strength = confidence.squeeze(-1);
  return {torch::where(strength > salience_threshold, hz, torch::zeros_like(hz)).to(torch::kFloat), strength};
}

F0Frames Rmvpe::estimate(const torch::Tensor& audio) const { return decode(salience(mel(audio))); }

F0Frames Rmvpe::estimate_windows(const torch::Tensor& audio) const { return estimate(audio); }

}  // namespace voxconv
