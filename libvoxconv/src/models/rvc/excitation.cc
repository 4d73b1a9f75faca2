#include "models/rvc/excitation.h"

#include <cmath>
#include <complex>
#include <numbers>

#include "core/fail.h"

namespace voxconv::rvc {
namespace {

constexpr float sine_amplitude = 0.1F, voiced_noise = 0.003F, unvoiced_noise = sine_amplitude / 3;
constexpr double two_pi = 2 * std::numbers::pi;

/// Adds weight * sin of a partial at a steady `step` cycles a sample, and moves `phase` on. By complex rotation: its error within a frame
/// is below 1e-12.
void add_steady(float* out, std::int64_t samples, double step, double weight, double& phase) {
  const std::complex<double> rotation = std::polar(1.0, two_pi * step);
  const double cosine = rotation.real(), sine = rotation.imag();
  double x = std::cos(two_pi * phase), y = std::sin(two_pi * phase);
  for (std::int64_t i = 0; i < samples; ++i) {
    const double next = x * cosine - y * sine;
    y = x * sine + y * cosine;
    x = next;
    out[i] += static_cast<float>(weight * y);
  }
  phase = std::fmod(phase + step * static_cast<double>(samples), 1.0);
}

void moving_phase(float& out, float hz, int sample_rate, double weight, double& phase) {
  phase = std::fmod(phase + static_cast<double>(hz / static_cast<float>(sample_rate)), 1.0);
  if (hz > 0) out += static_cast<float>(weight * std::sin(two_pi * phase));
}

}  // namespace

Excitation::Excitation(const torch::Tensor& weight, const torch::Tensor& bias, int sample_rate, std::int64_t hop, Pitch pitch)
    : sample_rate_(sample_rate), hop_(hop), pitch_(pitch) {
  const torch::Tensor row = weight.detach().to(torch::kCPU, torch::kFloat).reshape({-1}).contiguous();
  weights_.assign(row.data_ptr<float>(), row.data_ptr<float>() + row.numel());
  if (bias.defined()) bias_ = bias.item<float>();
}

torch::Tensor Excitation::operator()(const torch::Tensor& f0, const torch::Tensor& noise, std::vector<double>& phase) const {
  const torch::NoGradGuard guard;
  const std::int64_t given = f0.size(0), frames = noise.size(0) / hop_, count = partials();
  if (noise.dim() != 2 || noise.size(0) % hop_ != 0 || noise.size(1) != count || (given != frames && given != frames + 1))
    fail(ErrorCode::usage, "The noise of the excitation has the wrong shape: expected [{}, {}].", given * hop_, count);
  const torch::Tensor pitch = f0.to(torch::kCPU, torch::kFloat).contiguous();
  const torch::Tensor random = noise.to(torch::kCPU, torch::kFloat).contiguous();
  torch::Tensor out = torch::full({frames * hop_}, bias_);
  const float* hz = pitch.data_ptr<float>();
  const float* drawn = random.data_ptr<float>();
  float* y = out.data_ptr<float>();

  if (phase.empty()) phase.assign(static_cast<std::size_t>(count), 0.0);
  const bool interpolated = pitch_ == Pitch::interpolated;
  if (interpolated && phase.size() == weights_.size() && frames > 0) phase.push_back(hz[0]);
  std::vector<float> track;  // f0 of a frame's samples
  for (std::int64_t t = 0; t < frames; ++t, y += hop_) {
    if (interpolated) {
      const float before = t > 0 ? hz[t - 1] : static_cast<float>(phase.back()), after = hz[std::min(t + 1, given - 1)];
      track.resize(static_cast<std::size_t>(hop_));
      for (std::int64_t i = 0; i < hop_; ++i) {
        const float at = (static_cast<float>(i) + 0.5F) / static_cast<float>(hop_) - 0.5F;
        track[static_cast<std::size_t>(i)] = at < 0 ? hz[t] * (1 + at) - before * at : hz[t] * (1 - at) + after * at;
      }
    }
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      const double weight = static_cast<double>(sine_amplitude) * static_cast<double>(weights_[k]);
      const float multiple = static_cast<float>(k + 1);
      if (interpolated) {
        for (std::int64_t i = 0; i < hop_; ++i)
          moving_phase(y[i], track[static_cast<std::size_t>(i)] * multiple, sample_rate_, weight, phase[k]);
      } else if (hz[t] > 0) {
        add_steady(y, hop_, static_cast<double>(hz[t] * multiple / static_cast<float>(sample_rate_)), weight, phase[k]);
      }
    }
    for (std::int64_t i = 0; i < hop_; ++i) {
      const bool voiced = interpolated ? track[static_cast<std::size_t>(i)] > 0 : hz[t] > 0;
      float mixed = 0;
      for (std::size_t k = 0; k < weights_.size(); ++k) mixed += weights_[k] * *drawn++;
      y[i] += (voiced ? voiced_noise : unvoiced_noise) * mixed;
    }
  }
  if (interpolated && frames > 0) phase.back() = static_cast<double>(hz[frames - 1]);
  return out.tanh_().to(f0.device());
}

}  // namespace voxconv::rvc
