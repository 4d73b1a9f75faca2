#include "eval/dnsmos.h"

#include <deque>
#include <limits>

#include "core/fail.h"
#include "core/paths.h"
#include "features/frames.h"
#include "nn/safetensors.h"
#include "nn/tensor_reader.h"

namespace voxconv::eval {
namespace {

constexpr double segment_s = 9.01;
constexpr std::int64_t segment_samples = 144160, segment_frames = 900;
constexpr std::int64_t spectrum_hop = 160, window = 320, bins = window / 2 + 1;  // samples; of the spectrum
constexpr std::int64_t block = feature_rate / spectrum_hop;                      // frames from one segment to the next
constexpr std::int64_t channels[] = {1, 128, 64, 64, 32, 32, 32, 64};            // before and after each convolution
constexpr std::int64_t units[] = {64, 128, 64, 3};                               // before and after each dense layer
constexpr int local_layers = 4;                                                  // convolutions before the first pooling
// So many frames from its end does a segment show in what those convolutions give: they take what lies outside for zeros.
constexpr std::int64_t edge = local_layers;

double polynomial(double x, double square, double linear, double constant) { return (square * x + linear) * x + constant; }

/// How many segments dnsmos_local.py looks at: of the last whole second, what lies behind it begins none.
std::int64_t segment_count(std::int64_t samples) { return static_cast<std::int64_t>(double(samples / feature_rate) - segment_s) + 1; }

/// Whether it counts the segment that begins at that second: it computes the end in floating point and cuts off what is behind the point.
bool is_counted(std::int64_t second) {
  return static_cast<std::int64_t>((double(second) + segment_s) * feature_rate) - second * feature_rate >= segment_samples;
}

}  // namespace

Dnsmos::Dnsmos(torch::Device device) : device_(device) {
  const nn::Safetensors file(model_file("eval/dnsmos/weights.safetensors"));
  const nn::StateDict tensors = file.tensors();
  nn::TensorReader reader(tensors, file.path());
  const auto take = [&](const std::string& name, torch::IntArrayRef shape) {
    return reader.take(name, shape).to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  };
  transform_ = torch::cat({take("spectrum.real", {bins, window}), take("spectrum.imag", {bins, window})});
  for (std::size_t i = 0; i + 1 < std::size(channels); ++i) {
    const std::string name = "conv." + std::to_string(i);
    convolutions_.push_back({take(name + ".weight", {channels[i + 1], channels[i], 3, 3}), take(name + ".bias", {channels[i + 1]})});
  }
  for (std::size_t i = 0; i + 1 < std::size(units); ++i) {
    const std::string name = "dense." + std::to_string(i);
    dense_.push_back({take(name + ".weight", {units[i + 1], units[i]}), take(name + ".bias", {units[i + 1]})});
  }
  reader.finish();
}

/// [N] -> log10 power [(N - window) / spectrum_hop + 1, bins].
torch::Tensor Dnsmos::spectrum(const torch::Tensor& audio) const {
  const torch::Tensor parts = torch::matmul(audio.to(device_, torch::kFloat).unfold(0, window, spectrum_hop), transform_.t());
  return (parts.slice(1, 0, bins).square() + parts.slice(1, bins).square()).clamp_min(1e-12).log10();
}

/// What the network computes before its first pooling: [B, T, bins] -> [B, 32, T, bins].
torch::Tensor Dnsmos::local_features(const torch::Tensor& spectra) const {
  torch::Tensor x = spectra.unsqueeze(1);
  for (int i = 0; i < local_layers; ++i) x = torch::conv2d(x, convolutions_[i].weight, convolutions_[i].bias, 1, 1).relu_();
  return x;
}

/// The rest of it: [32, segment_frames, bins] -> [3], before the polynomials.
torch::Tensor Dnsmos::opinion(const torch::Tensor& features) const {
  torch::Tensor x = features.unsqueeze(0);
  for (std::size_t i = local_layers; i < convolutions_.size(); ++i)
    x = torch::conv2d(torch::max_pool2d(x, 2), convolutions_[i].weight, convolutions_[i].bias, 1, 1).relu_();
  x = x.amax({2, 3});
  for (std::size_t i = 0; i < dense_.size(); ++i) {
    x = torch::linear(x, dense_[i].weight, dense_[i].bias);
    if (i + 1 < dense_.size()) x = x.relu_();
  }
  return x.squeeze(0);
}

DnsmosScores Dnsmos::score(const torch::Tensor& audio, const CancelToken& cancel) const {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (audio.dim() != 1) fail(ErrorCode::internal, "Dnsmos: expected mono audio, got {} dimensions.", audio.dim());
  if (audio.size(0) == 0) return {nan, nan, nan};
  const torch::NoGradGuard guard;
  torch::Tensor signal = audio;
  while (signal.size(0) < segment_samples) signal = torch::cat({signal, signal});

  // Segments overlap by eight ninths: the network's costly first part is computed once for each second, and at both ends of each segment.
  std::deque<torch::Tensor> blocks;  // of that second and those after it
  const std::int64_t frames = (signal.size(0) - window) / spectrum_hop + 1;
  const auto features_of = [&](std::int64_t first) {
    const std::int64_t begin = std::max<std::int64_t>(0, first - edge), end = std::min(frames, first + block + edge);
    const torch::Tensor spectra = spectrum(signal.slice(0, begin * spectrum_hop, (end - 1) * spectrum_hop + window));
    return local_features(spectra.unsqueeze(0)).squeeze(0).narrow(1, first - begin, block);
  };

  DnsmosScores sum;
  std::int64_t counted = 0, ready = 0;
  for (std::int64_t second = 0; second < segment_count(signal.size(0)); ++second) {
    cancel.check();
    for (; ready * block < second * block + segment_frames; ++ready) blocks.push_back(features_of(ready * block));
    if (is_counted(second)) {
      const torch::Tensor segment = signal.narrow(0, second * feature_rate, segment_samples);
      constexpr std::int64_t context = 2 * edge, span = (context - 1) * spectrum_hop + window;
      const torch::Tensor ends = local_features(torch::stack({spectrum(segment.slice(0, 0, span)), spectrum(segment.slice(0, -span))}));
      torch::Tensor features = torch::cat(std::vector<torch::Tensor>(blocks.begin(), blocks.end()), 1);
      features.slice(1, 0, edge).copy_(ends[0].slice(1, 0, edge));
      features.slice(1, -edge).copy_(ends[1].slice(1, -edge));
      const torch::Tensor raw = opinion(features).cpu();
      sum.sig += polynomial(raw[0].item<double>(), -0.08397278, 1.22083953, 0.0052439);
      sum.bak += polynomial(raw[1].item<double>(), -0.13166888, 1.60915514, -0.39604546);
      sum.ovrl += polynomial(raw[2].item<double>(), -0.06766283, 1.11546468, 0.04602535);
      ++counted;
    }
    blocks.pop_front();
  }
  return {sum.sig / double(counted), sum.bak / double(counted), sum.ovrl / double(counted)};
}

}  // namespace voxconv::eval
