#include "eval/timbre.h"

#include <cmath>

#include "features/frames.h"
#include "features/mel.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {
namespace {

constexpr std::int64_t least_speech_frames = 100;  // a second
constexpr double even_distance = 4.5;              // squared, at which two recordings are as likely of one voice as of two
constexpr double ridge = 1e-3;                     // dB²: keeps the covariance of a lifeless sound invertible
constexpr double voiced_level = 0.05;              // RMS that the audio is brought to, so that the floor of the mel powers lies alike

MelConfig mfcc_mel() {
  MelConfig config;
  config.sample_rate = feature_rate;
  config.n_fft = 512;
  config.hop = feature_hop;
  config.bins = 40;
  config.f_max = 6000;
  config.padding = MelConfig::Padding::zero;
  config.log = MelConfig::Log::log10;
  config.floor = 1e-8;
  return config;
}

/// Rows 1 to `coefficients` of the orthonormal DCT-II: [coefficients, bands].
torch::Tensor cosine_transform(std::int64_t bands) {
  const torch::Tensor k = torch::arange(1, Timbre::coefficients + 1, torch::kDouble).unsqueeze(1);
  const torch::Tensor n = torch::arange(bands, torch::kDouble).unsqueeze(0);
  return torch::cos(k * (n + 0.5) * (M_PI / double(bands))) * std::sqrt(2.0 / double(bands));
}

}  // namespace

void Timbre::add(const Timbre& other) {
  frames += other.frames;
  sum = sum + other.sum;
  products = products + other.products;
}

Timbre analyse_timbre(const torch::Tensor& audio, std::span<const float> f0) {
  const torch::NoGradGuard guard;
  static const MelSpectrogram mel(mfcc_mel());
  static const torch::Tensor transform = cosine_transform(mel.config().bins);
  const double rms = audio.numel() > 0 ? std::sqrt(audio.to(torch::kDouble).square().mean().item<double>()) : 0;
  if (rms == 0) return {};
  const torch::Tensor levels = 10 * mel(audio * (voiced_level / rms)).t().to(torch::kDouble);
  std::vector<std::int64_t> voiced;
  for (std::int64_t t = 0; t < std::min<std::int64_t>(levels.size(0), std::ssize(f0)); ++t)
    if (f0[std::size_t(t)] > 0) voiced.push_back(t);
  if (voiced.empty()) return {};
  const torch::Tensor mfcc = torch::matmul(levels.index_select(0, torch::tensor(voiced)), transform.t());
  return {std::ssize(voiced), mfcc.sum(0), torch::matmul(mfcc.t(), mfcc)};
}

double timbre_similarity(const Timbre& a, const Timbre& b) {
  if (a.frames < least_speech_frames || b.frames < least_speech_frames) return undefined_figure;
  const auto mean = [](const Timbre& x) { return x.sum / double(x.frames); };
  const auto covariance = [&](const Timbre& x) { return x.products / double(x.frames) - torch::outer(mean(x), mean(x)); };
  const torch::Tensor both = (covariance(a) + covariance(b)) / 2 + ridge * torch::eye(Timbre::coefficients, torch::kDouble);
  const torch::Tensor apart = (mean(a) - mean(b)).unsqueeze(1);
  const double distance = torch::matmul(apart.t(), torch::linalg_solve(both, apart)).item<double>();
  return 1 / (1 + distance / even_distance);
}

}  // namespace voxconv::eval
