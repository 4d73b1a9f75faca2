#include "train/losses.h"

namespace voxconv::train {
namespace {

constexpr double floor_magnitude = 1e-4;

torch::Tensor magnitude(const torch::Tensor& audio, std::int64_t size) {
  const torch::Tensor window = torch::hann_window(size, audio.options());
  const torch::Tensor spectrum = torch::stft(audio, size, size / 4, size, window, true, "reflect", false, true, true);
  // The tiny power keeps the gradient of the root finite.
  return (torch::view_as_real(spectrum).square().sum(-1) / double(size) + floor_magnitude * floor_magnitude).sqrt();
}

/// Log levels [B, bands, frames].
torch::Tensor band_levels(const torch::Tensor& audio) {
  constexpr std::int64_t size = 128, hop = 32, edges[] = {1, 3, 6, 12, 23, 46, 59};  // in bins of 345 Hz
  const torch::Tensor window = torch::hann_window(size, audio.options());
  const torch::Tensor spectrum = torch::stft(audio, size, hop, size, window, true, "reflect", false, true, true);
  const torch::Tensor power = torch::view_as_real(spectrum).square().sum(-1) / double(size);
  std::vector<torch::Tensor> bands;
  for (std::size_t i = 0; i + 1 < std::size(edges); ++i)
    bands.push_back(0.5 * torch::log(power.slice(1, edges[i], edges[i + 1]).mean(1) + floor_magnitude * floor_magnitude));
  return torch::stack(bands, 1);
}

}  // namespace

torch::Tensor spectral_energy_distance(const torch::Tensor& renderings, const torch::Tensor& target,
                                       const std::vector<std::int64_t>& sizes) {
  const auto both = renderings.chunk(2);
  torch::Tensor loss = torch::zeros({}, target.options());
  for (const std::int64_t size : sizes) {
    torch::Tensor wanted;
    {
      torch::NoGradGuard no_grad;
      wanted = magnitude(target, size);
    }
    const torch::Tensor scale = wanted.mean().clamp_min(1e-3), log_wanted = wanted.log();
    const torch::Tensor first = magnitude(both[0], size), second = magnitude(both[1], size), log_first = first.log(),
                        log_second = second.log();
    // [B, bins, frames]; the tiny power keeps the gradient of the root finite.
    const auto distance = [&](const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& log_x, const torch::Tensor& log_y) {
      return (x - y).abs().mean() / scale + ((log_x - log_y).square().mean(1) + 1e-6).sqrt().mean();
    };
    loss = loss + distance(first, wanted, log_first, log_wanted) + distance(second, wanted, log_second, log_wanted) -
           distance(first, second, log_first, log_second);
  }
  return loss / (2 * double(sizes.size()));
}

torch::Tensor band_level_distance(const torch::Tensor& renderings, const torch::Tensor& target) {
  constexpr double change_weight = 0.5;
  torch::Tensor wanted;
  {
    torch::NoGradGuard no_grad;
    wanted = band_levels(target);
  }
  const auto both = band_levels(renderings).chunk(2);
  torch::Tensor distance = ranked_probability_score(both[0], both[1], wanted).mean();
  for (const std::int64_t lag : {4, 12}) {
    const auto change = [&](const torch::Tensor& x) { return x.slice(2, lag) - x.slice(2, 0, -lag); };
    distance = distance + change_weight * ranked_probability_score(change(both[0]), change(both[1]), change(wanted)).mean();
  }
  return distance;
}

torch::Tensor ranked_probability_score(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& target) {
  return 0.5 * ((a - target).abs() + (b - target).abs() - (a - b).abs());
}

torch::Tensor discriminator_loss(const torch::Tensor& real, const torch::Tensor& fake) {
  return (real - 1).square().mean() + fake.square().mean();
}

torch::Tensor generator_loss(const torch::Tensor& fake) { return (fake - 1).square().mean(); }

}  // namespace voxconv::train
