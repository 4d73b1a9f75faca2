#include "train/native/perturbation.h"

#include <cmath>
#include <span>

#include "core/random.h"
#include "features/frames.h"

namespace voxconv::train {

double hash_fraction(std::uint64_t key) {
  std::uint64_t x = (key + 1) * 0x9E3779B97F4A7C15ull;
  x ^= x >> 29;
  return double((x * 0xBF58476D1CE4E5B9ull) >> 11) * 0x1p-53;
}

torch::Tensor equalise(const torch::Tensor& audio, std::uint64_t key, double range_db) {
  constexpr int points = 8;
  torch::Tensor gains = torch::empty(points);
  for (int i = 0; i < points; ++i) gains[i] = (2 * hash_fraction(key * points + std::uint64_t(i)) - 1) * range_db;
  torch::Tensor spectrum = torch::fft::rfft(audio);
  const torch::Tensor hz = torch::arange(spectrum.size(0), torch::kFloat) * (double(feature_rate) / double(audio.size(0)));
  const torch::Tensor place = (torch::log2(hz.clamp_min(60) / 60) / std::log2(8000.0 / 60) * (points - 1)).clamp_max(points - 1);
  const torch::Tensor low = place.floor().to(torch::kLong).clamp_max(points - 2), part = place - low;
  const torch::Tensor db = gains.index_select(0, low) * (1 - part) + gains.index_select(0, low + 1) * part;
  return torch::fft::irfft(spectrum * torch::pow(10, db / 20), audio.size(0));
}

torch::Tensor in_noisy_room(const torch::Tensor& audio, std::uint64_t key) {
  const auto draw = [&](std::uint64_t which, double low, double high) { return low + (high - low) * hash_fraction(4 * key + which); };
  const auto noise = [&](std::uint64_t seed, std::int64_t samples) {
    torch::Tensor result = torch::empty(samples);
    fill_normal_noise(seed, 0, std::span(result.data_ptr<float>(), std::size_t(samples)));
    return result;
  };
  const auto at_level = [&](const torch::Tensor& x, double db) {
    return x * (audio.square().mean() / x.square().mean().clamp_min(1e-20)).sqrt() * std::pow(10, db / 20);
  };
  const std::int64_t samples = audio.size(0);
  const double t60 = draw(0, 0.2, 0.8);
  const torch::Tensor seconds = torch::arange(std::int64_t(t60 * feature_rate), torch::kFloat) / feature_rate;
  const torch::Tensor decay = torch::exp(-std::log(1000.0) / t60 * seconds) * (seconds > 0.005);
  const torch::Tensor response = noise(2 * key, seconds.size(0)) * decay;
  const std::int64_t size = samples + response.size(0);
  const torch::Tensor late = torch::fft::irfft(torch::fft::rfft(audio, size) * torch::fft::rfft(response, size), size).slice(0, 0, samples);
  return audio + at_level(late, -draw(1, 3, 18)) + at_level(equalise(noise(2 * key + 1, samples), key, 15), -draw(2, 5, 35));
}

}  // namespace voxconv::train
