#include "features/speaker/speaker_encoder.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "core/paths.h"
#include "features/frames.h"
#include "features/mel.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace {

constexpr std::int64_t partial_frames = 160;  // 1.6 s: what the network was trained on
constexpr std::int64_t partial_step = 77;     // frames between partials: 1.3 a second
constexpr double min_coverage = 0.75;         // of a last partial that reaches beyond the end
constexpr double level_db = -30;              // dBFS that all speech is brought to: to the network the level is a part of the voice
constexpr std::int64_t vad_window = 480;      // 30 ms
constexpr int smooth_windows = 8;             // moving average over the decisions ...
constexpr int dilate_windows = 3;             // ... and how far speech reaches to either side
constexpr int lstm_layers = 3;

MelConfig ge2e_mel() {
  MelConfig config;
  config.sample_rate = feature_rate;
  config.n_fft = 400;
  config.hop = feature_hop;
  config.bins = 40;
  config.padding = MelConfig::Padding::zero;  // as in librosa from 0.10 on
  return config;
}

/// Which 30 ms windows hold speech. Resemblyzer asks WebRTC's detector; here a window counts by its level, see docs/evaluation.md.
std::vector<bool> speech_windows(const float* audio, std::int64_t windows) {
  std::vector<double> level(windows);
  for (std::int64_t i = 0; i < windows; ++i) {
    double energy = 0;
    for (std::int64_t k = 0; k < vad_window; ++k) energy += double(audio[i * vad_window + k]) * audio[i * vad_window + k];
    level[i] = 10 * std::log10(energy / vad_window + 1e-30);
  }
  std::vector<double> sorted = level;
  const auto at = [&](double share) {
    const auto nth = sorted.begin() + std::ptrdiff_t(share * double(windows - 1));
    std::nth_element(sorted.begin(), nth, sorted.end());
    return *nth;
  };
  // Well above the background, and at most 30 dB below the loudest speech.
  const double loud = at(0.95);
  const double threshold = std::max(loud - 30, std::min(at(0.10) + 6, loud - 12));
  std::vector<bool> speech(windows);
  for (std::int64_t i = 0; i < windows; ++i) speech[i] = level[i] > threshold;
  return speech;
}

/// Resemblyzer's smoothing: a moving average of 8 windows (3 back, 4 ahead) must exceed one half, then 3 windows more on either side.
std::vector<bool> smooth(const std::vector<bool>& speech) {
  const auto windows = std::ssize(speech);
  std::vector<bool> result(windows, false);
  for (std::ptrdiff_t i = 0; i < windows; ++i) {
    int count = 0;
    for (std::ptrdiff_t k = std::max<std::ptrdiff_t>(0, i - 3); k <= std::min(windows - 1, i + 4); ++k) count += speech[k];
    if (2 * count <= smooth_windows) continue;
    for (std::ptrdiff_t k = std::max<std::ptrdiff_t>(0, i - dilate_windows); k <= std::min(windows - 1, i + dilate_windows); ++k)
      result[k] = true;
  }
  return result;
}

}  // namespace

struct SpeakerEncoder::Weights {
  MelSpectrogram mel;
  std::vector<torch::Tensor> lstm;  // w_ih, w_hh, b_ih, b_hh of each layer
  torch::Tensor projection, bias;
  torch::Device device;
};

SpeakerEncoder::SpeakerEncoder(torch::Device device) {
  const nn::Safetensors file(model_file("speaker/ge2e/weights.safetensors"));
  const auto get = [&](const std::string& name, torch::IntArrayRef shape) {
    const torch::Tensor tensor = file.get(name);
    if (tensor.sizes() != shape)
      fail(ErrorCode::bad_model, "{}: tensor {} is no part of the GE2E encoder: its shape is wrong.", file.path(), name);
    return tensor.to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true);
  };
  Weights weights{MelSpectrogram(ge2e_mel(), device), {}, get("linear.weight", {dim, dim}), get("linear.bias", {dim}), device};
  for (int layer = 0; layer < lstm_layers; ++layer) {
    const std::string suffix = "_l" + std::to_string(layer);
    weights.lstm.push_back(get("lstm.weight_ih" + suffix, {4 * dim, layer == 0 ? weights.mel.config().bins : dim}));
    weights.lstm.push_back(get("lstm.weight_hh" + suffix, {4 * dim, dim}));
    weights.lstm.push_back(get("lstm.bias_ih" + suffix, {4 * dim}));
    weights.lstm.push_back(get("lstm.bias_hh" + suffix, {4 * dim}));
  }
  weights_ = std::make_shared<const Weights>(std::move(weights));
}

torch::Tensor SpeakerEncoder::embed_mels(const torch::Tensor& mels) const {
  const torch::Tensor zero = torch::zeros({lstm_layers, mels.size(0), dim}, mels.options());
  const torch::Tensor hidden = std::get<1>(torch::lstm(mels, {zero, zero}, weights_->lstm, /*has_biases=*/true, lstm_layers, /*dropout=*/0,
                                                       /*train=*/false, /*bidirectional=*/false, /*batch_first=*/true));
  const torch::Tensor raw = torch::relu(torch::linear(hidden[-1], weights_->projection, weights_->bias));
  return raw / raw.norm(2, {1}, true).clamp_min(1e-12);
}

torch::Tensor SpeakerEncoder::prepare(const torch::Tensor& audio) {
  const torch::NoGradGuard guard;
  torch::Tensor signal = audio.to(torch::kCPU, torch::kFloat).contiguous();
  const std::int64_t windows = signal.size(0) / vad_window;
  if (windows > 0) {
    const std::vector<bool> keep = smooth(speech_windows(signal.const_data_ptr<float>(), windows));
    std::vector<torch::Tensor> pieces;
    for (std::int64_t i = 0; i < windows; ++i)
      if (keep[i]) pieces.push_back(signal.narrow(0, i * vad_window, vad_window));
    if (!pieces.empty()) signal = torch::cat(pieces);
  }
  const double rms = std::sqrt(signal.to(torch::kDouble).square().mean().item<double>());
  return rms > 0 ? signal * (std::pow(10, level_db / 20) / rms) : signal;
}

torch::Tensor SpeakerEncoder::mel(const torch::Tensor& audio) const {
  return weights_->mel(audio.to(weights_->device, torch::kFloat)).transpose(0, 1);
}

torch::Tensor SpeakerEncoder::embed(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  if (audio.dim() != 1 || audio.size(0) == 0 || audio.abs().max().item<float>() == 0)
    return torch::zeros({dim}, torch::TensorOptions().device(weights_->device));
  torch::Tensor signal = prepare(audio);
  const std::int64_t samples = signal.size(0), frames = samples / feature_hop + 1;
  std::vector<std::int64_t> starts;
  for (std::int64_t start = 0; start < std::max<std::int64_t>(1, frames - partial_frames + partial_step + 1); start += partial_step)
    starts.push_back(start);
  const double coverage = double(samples - starts.back() * feature_hop) / double(partial_frames * feature_hop);
  if (coverage < min_coverage && starts.size() > 1) starts.pop_back();
  const std::int64_t needed = (starts.back() + partial_frames) * feature_hop;
  if (needed > samples) signal = torch::constant_pad_nd(signal, {0, needed - samples});
  const torch::Tensor frames_of = mel(signal);
  std::vector<torch::Tensor> partials;
  for (const std::int64_t start : starts) partials.push_back(frames_of.narrow(0, start, partial_frames));
  const torch::Tensor mean = embed_mels(torch::stack(partials)).mean(0);
  return mean / mean.norm().clamp_min(1e-12);
}

}  // namespace voxconv
