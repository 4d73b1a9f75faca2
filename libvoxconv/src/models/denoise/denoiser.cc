#include "models/denoise/denoiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/paths.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace {

using deepfilternet::erb_bands;
using deepfilternet::filter_bins;
using deepfilternet::filter_order;

constexpr std::int64_t denoise_frame = 960, denoise_hop = 480, denoise_bins = denoise_frame / 2 + 1;
constexpr std::int64_t denoise_block = 100;                                     // frames that the network is given at once
constexpr std::int64_t lookahead = 2, lookback = filter_order - 1 - lookahead;  // frames that a filter sees on either side
constexpr float kept_share = 0.99f;                                             // of an exponential mean, from one frame to the next
constexpr float least_mean = 1e-10f;  // the means of digital silence would fall to 0, by which nothing can be divided

torch::Tensor vorbis_window() {
  torch::Tensor window = torch::empty(denoise_frame);
  for (std::int64_t i = 0; i < denoise_frame; ++i) {
    const double rise = std::sin(std::numbers::pi / 2 * (double(i) + 0.5) / double(denoise_hop));
    window.data_ptr<float>()[i] = float(std::sin(std::numbers::pi / 2 * rise * rise));
  }
  return window;
}

/// The band of each bin: equal steps on the ERB scale (Glasberg and Moore 1990) up to half the rate, but two bins at least.
std::vector<std::int64_t> bands_of_bins() {
  constexpr double width_hz = 24.7, quality = 9.265, least_bins = 2, bin_hz = double(Denoiser::sample_rate) / denoise_frame;
  const double top = quality * std::log1p(Denoiser::sample_rate / 2.0 / (width_hz * quality));
  std::vector<std::int64_t> bands;
  double last_edge = 0, surplus = 0;  // in bins; those that the bands so far have beyond their edges
  for (std::int64_t band = 0; band < erb_bands; ++band) {
    const double edge = std::round(width_hz * quality * std::expm1(double(band + 1) * top / double(erb_bands) / quality) / bin_hz);
    const double bins = edge - last_edge - surplus;
    surplus = std::max(0.0, least_bins - bins);
    last_edge = edge;
    bands.insert(bands.end(), std::size_t(std::max(least_bins, bins)), band);
  }
  bands.resize(denoise_bins, erb_bands - 1);
  return bands;
}

/// What the spectrum is taken and weighted with.
struct DenoiseTables {
  torch::Tensor window = vorbis_window();
  torch::Tensor band_of_bin = torch::tensor(bands_of_bins());                                  // [bins]
  torch::Tensor bins_of_band = torch::bincount(band_of_bin, {}, erb_bands).to(torch::kFloat);  // [bands]
  static const DenoiseTables& get() {
    static const DenoiseTables tables;
    return tables;
  }
};

/// From one number to another in equal steps.
std::vector<float> ramp(std::int64_t count, float first, float last) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + float(i) * (last - first) / float(count - 1);
  return values;
}

deepfilternet::Network load_network(torch::Device device) {
  const nn::Safetensors file(model_file("denoise/deepfilternet3/weights.safetensors"));
  const nn::StateDict tensors = file.tensors();
  nn::TensorReader reader(tensors, file.path());
  deepfilternet::Network network(reader, device);
  reader.finish();
  return network;
}

}  // namespace

Denoiser::Denoiser(torch::Device device) : network_(load_network(device)) {}

// The first frame begins one hop before the recording. Before it nothing sounds: frames -2 and -1 that the first filters see are zeros.
DenoiseStream::DenoiseStream(std::shared_ptr<const Denoiser> model, double limit_db)
    : model_(std::move(model)),
      limit_db_(limit_db),
      state_(model_->network().start()),
      waiting_(denoise_hop),
      band_means_(ramp(erb_bands, -60, -90)),
      bin_means_(ramp(filter_bins, 0.001f, 0.0001f)),
      spectrum_(torch::zeros({lookback, denoise_bins}, torch::kComplexFloat)),
      overlap_(torch::zeros(denoise_hop)),
      samples_out_(-denoise_hop) {}

std::vector<float> DenoiseStream::push(std::span<const float> samples) {
  std::vector<float> out;
  samples_in_ += std::int64_t(samples.size());
  // In parts, so that what waits is little, however long a push is.
  while (!samples.empty()) {
    const std::span<const float> part = samples.first(std::min<std::size_t>(samples.size(), denoise_block * denoise_hop));
    samples = samples.subspan(part.size());
    waiting_.insert(waiting_.end(), part.begin(), part.end());
    if (std::ssize(waiting_) >= (denoise_block + 1) * denoise_hop) process(denoise_block, false, out);
  }
  return out;
}

std::vector<float> DenoiseStream::finish() {
  std::vector<float> out;
  if (samples_in_ > 0) {
    // As its authors do it: behind the last frame that holds a sample comes one of silence.
    const std::int64_t frames = (samples_in_ + denoise_hop - 1) / denoise_hop + 2 - frames_in_;
    waiting_.resize(std::size_t((frames + 1) * denoise_hop));
    std::int64_t rest = frames;
    for (; rest > denoise_block; rest -= denoise_block) process(denoise_block, false, out);
    process(rest, true, out);
  }
  *this = DenoiseStream(std::move(model_), limit_db_);
  return out;
}

/// The levels of the bands relative to their means: power [T, bins] -> [T, bands].
torch::Tensor DenoiseStream::band_features(const torch::Tensor& power) {
  const DenoiseTables& tables = DenoiseTables::get();
  torch::Tensor db = torch::zeros({power.size(0), erb_bands});
  db.index_add_(1, tables.band_of_bin, power).div_(tables.bins_of_band).add_(1e-10).log10_().mul_(10);
  constexpr float range_db = 40;
  float* value = db.data_ptr<float>();
  for (std::int64_t t = 0; t < db.size(0); ++t)
    for (float& mean : band_means_) {
      mean = *value * (1 - kept_share) + mean * kept_share;
      *value = (*value - mean) / range_db;
      ++value;
    }
  return db;
}

/// The low bins by the square roots of their mean magnitudes: complex [T, 96] -> [2, T, 96].
torch::Tensor DenoiseStream::bin_features(const torch::Tensor& low) {
  const torch::Tensor scale = low.abs();
  float* value = scale.data_ptr<float>();
  for (std::int64_t t = 0; t < scale.size(0); ++t)
    for (float& mean : bin_means_) {
      mean = std::max(least_mean, *value * (1 - kept_share) + mean * kept_share);
      *value++ = 1 / std::sqrt(mean);
    }
  return (torch::view_as_real(low) * scale.unsqueeze(2)).permute({2, 0, 1});
}

/// Takes the next frames from what waits, and adds the samples that are now certain to `out`.
void DenoiseStream::process(std::int64_t frames, bool last, std::vector<float>& out) {
  const torch::NoGradGuard guard;
  const DenoiseTables& tables = DenoiseTables::get();
  const torch::Tensor samples = torch::from_blob(waiting_.data(), {(frames + 1) * denoise_hop});
  const torch::Tensor spectrum = torch::fft::rfft(samples.unfold(0, denoise_frame, denoise_hop) * tables.window).div_(denoise_frame);
  waiting_.erase(waiting_.begin(), waiting_.begin() + frames * denoise_hop);
  const auto low_bins = [](const torch::Tensor& x) { return x.narrow(1, 0, filter_bins); };
  torch::Tensor bands = band_features(torch::view_as_real(spectrum).square().sum(2)), low = bin_features(low_bins(spectrum).contiguous());
  // What the network says about a frame it says when it sees the second one behind it.
  const std::int64_t unseen = std::min(frames, std::max<std::int64_t>(0, lookahead - frames_in_)), silent = last ? 1 : 0;
  frames_in_ += frames;
  bands = torch::cat({bands.slice(0, unseen), torch::zeros({silent, erb_bands})});
  low = torch::cat({low.slice(1, unseen), torch::zeros({2, silent, filter_bins})}, 1);
  spectrum_ = torch::cat({spectrum_, spectrum, torch::zeros({silent, denoise_bins}, torch::kComplexFloat)});
  const std::int64_t count = bands.size(0);
  if (count == 0) return;

  const deepfilternet::Network& network = model_->network();
  const deepfilternet::Network::Encoded encoded = network.encode(bands, low, state_);
  const torch::Tensor gains = network.mask(encoded, state_).to(torch::kCPU);
  const torch::Tensor filters = torch::view_as_complex(network.filter(encoded, state_).to(torch::kCPU));
  torch::Tensor clean = spectrum_.narrow(0, lookback, count) * gains.index_select(1, tables.band_of_bin);
  low_bins(clean).copy_((low_bins(spectrum_).unfold(0, filter_order, 1) * filters).sum(2));
  if (const double left = std::pow(10, -limit_db_ / 20); left > 0) clean.mul_(1 - left).add_(spectrum_.narrow(0, lookback, count), left);
  spectrum_ = spectrum_.slice(0, count).clone();

  const torch::Tensor pieces = torch::fft::irfft(clean, denoise_frame).mul_(tables.window).mul_(denoise_frame);
  torch::Tensor sum = pieces.narrow(1, 0, denoise_hop).clone();
  sum.slice(0, 1).add_(pieces.slice(0, 0, count - 1).narrow(1, denoise_hop, denoise_hop));
  sum[0].add_(overlap_);
  overlap_ = pieces[count - 1].narrow(0, denoise_hop, denoise_hop).clone();
  const float* values = sum.const_data_ptr<float>();
  const std::int64_t skipped = std::max<std::int64_t>(0, -samples_out_), end = std::min(count * denoise_hop, samples_in_ - samples_out_);
  out.insert(out.end(), values + skipped, values + std::max(skipped, end));
  samples_out_ += count * denoise_hop;
}

}  // namespace voxconv
