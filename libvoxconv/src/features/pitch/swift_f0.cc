#include "features/pitch/swift_f0.h"

#include <cmath>

#include "core/fail.h"
#include "features/frames.h"
#include "features/pitch/clock.h"
#include "nn/finite.h"

namespace voxconv {
namespace {

constexpr std::int64_t bands = 128, channels = 12, squeezed = 4, pitch_classes = 95, voicing_width = 16;
constexpr double first_class_hz = 46.875, last_class_hz = 2093.75;
constexpr double confidence_threshold = 0.5;
constexpr double silence_peak = 1e-3;        // the network answers digital silence at random
constexpr std::int64_t context_frames = 13;  // 11 of the network, 2 of the interpolation

/// Kernel (bands x frames) and dilation (bands) of the residual blocks.
struct BlockShape {
  std::int64_t height, width, dilation;
};
constexpr BlockShape block_shapes[] = {{7, 3, 1}, {7, 1, 17}, {5, 1, 27}, {3, 1, 40}, {3, 1, 48}, {7, 3, 2}};

}  // namespace

SwiftF0::SwiftF0(const nn::Safetensors& weights, const F0Range& range, torch::Device device) : device_(device) {
  const auto affine = [&](const std::string& name, torch::IntArrayRef shape) {
    const torch::Tensor weight = nn::finite_weight(weights, name + ".weight");
    if (weight.sizes() != shape || weights.get(name + ".bias").numel() != shape[0])
      fail(ErrorCode::bad_model, "{} does not hold SwiftF0: the tensor {} has another shape.", weights.path(), name);
    const auto load = [&](const torch::Tensor& x) { return x.to(device, torch::kFloat, /*non_blocking=*/false, /*copy=*/true); };
    return Affine{load(weight), load(nn::finite_weight(weights, name + ".bias"))};
  };
  for (const std::int64_t size : {1024, 2048, 512}) {
    const std::string prefix = "filters." + std::to_string(size);
    const std::int64_t points = size / 2 + 1;
    const torch::Tensor index = weights.get(prefix + ".index").to(torch::kLong),
                        value = nn::finite_weight(weights, prefix + ".value").to(torch::kFloat);
    if (index.dim() != 1 || index.sizes() != value.sizes() || index.min().item<std::int64_t>() < 0 ||
        index.max().item<std::int64_t>() >= points * bands)
      fail(ErrorCode::bad_model, "{} does not hold SwiftF0: the tensors {} make no filters of {} points.", weights.path(), prefix, points);
    const torch::Tensor filters = torch::zeros({points * bands}).index_put_({index}, value).view({points, bands});
    spectrograms_.push_back({torch::hann_window(size, torch::kDouble).to(device, torch::kFloat), filters.t().contiguous().to(device)});
  }
  input_ = affine("input", {channels, 3, 3, 3});
  std::int64_t number = 0;
  for (const BlockShape& shape : block_shapes) {
    const std::string prefix = "blocks." + std::to_string(number++) + ".";
    const std::vector<std::int64_t> kernel{channels, channels, shape.height, shape.width};
    blocks_.push_back({affine(prefix + "0", kernel), affine(prefix + "1", kernel), shape.dilation});
  }
  squeeze_ = affine("squeeze", {squeezed, channels, 3, 3});
  pitch_ = affine("pitch", {1, squeezed, 1, 1});
  voicing_ = affine("voicing.0", {squeezed, squeezed, 5, 1});
  voicing1_ = affine("voicing.1", {voicing_width, squeezed + 1, 3});
  voicing2_ = affine("voicing.2", {1, voicing_width, 1});
  log_hz_ = torch::linspace(std::log(first_class_hz), std::log(last_class_hz), pitch_classes, torch::kDouble);
  const auto inside = (log_hz_ >= std::log(range.min_hz) - 1e-9) & (log_hz_ <= std::log(range.max_hz) + 1e-9);
  const torch::Tensor allowed = inside.nonzero().view(-1);
  if (allowed.size(0) == 0)
    fail(ErrorCode::usage, "SwiftF0 has no pitch class between {} and {} Hz; it knows {} to {} Hz.", range.min_hz, range.max_hz,
         first_class_hz, last_class_hz);
  low_ = allowed[0].item<std::int64_t>();
  high_ = allowed[-1].item<std::int64_t>() + 1;
  log_hz_ = log_hz_.to(device);
}

double SwiftF0::context_s() const { return double(context_frames * hop) / feature_rate; }

/// [N] -> [1, 3, 128, frames]
torch::Tensor SwiftF0::spectra(const torch::Tensor& audio, std::int64_t frames) const {
  std::vector<torch::Tensor> images;
  for (const Spectrogram& s : spectrograms_) {
    const std::int64_t size = s.window.size(0);
    const std::int64_t right = (frames - 1) * hop + size / 2 - audio.size(0);
    const torch::Tensor padded = torch::constant_pad_nd(audio, {size / 2, right});  // a negative pad cuts
    const torch::Tensor spectrum =
        torch::stft(padded, size, hop, size, s.window, /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true);
    images.push_back((torch::matmul(s.filters, spectrum.abs()) + 1e-8).log());
  }
  return torch::stack(images).unsqueeze(0);
}

F0Frames SwiftF0::analyse(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  const torch::Tensor signal = audio.to(device_, torch::kFloat);
  const std::int64_t frames = std::max<std::int64_t>(1, signal.size(0) / hop);
  const torch::Tensor image = spectra(signal, frames);
  torch::Tensor x = torch::relu(torch::conv2d(image, input_.weight, input_.bias, /*stride=*/1, /*padding=*/1));
  for (const Block& block : blocks_) {
    const auto convolve = [&](const torch::Tensor& y, const Affine& layer) {
      const std::int64_t height = layer.weight.size(2), width = layer.weight.size(3);
      const std::int64_t padding[] = {block.dilation * (height / 2), width / 2}, dilation[] = {block.dilation, 1};
      return torch::conv2d(y, layer.weight, layer.bias, /*stride=*/1, torch::IntArrayRef(padding), dilation);
    };
    x = convolve(convolve(x, block.first).relu_(), block.second).add_(x).relu_();
  }
  // The classes are the lowest 95 bands; the convolution sees one more.
  x = torch::constant_pad_nd(x.slice(2, 0, pitch_classes + 1), {1, 1, 1, 0});
  x = torch::conv2d(x, squeeze_.weight, squeeze_.bias).relu_();
  const torch::Tensor scores = torch::conv2d(x, pitch_.weight, pitch_.bias).squeeze(0).squeeze(0).t();  // [T, 95]

  const std::int64_t voicing_padding[] = {2, 0};
  const torch::Tensor salience = torch::conv2d(x, voicing_.weight, voicing_.bias, 1, torch::IntArrayRef(voicing_padding)).amax(2);
  const torch::Tensor level = image.mean({1, 2}).unsqueeze(1);
  const torch::Tensor hidden = torch::relu(torch::conv1d(torch::cat({salience, level}, 1), voicing1_.weight, voicing1_.bias, 1, 1));
  torch::Tensor confidence = torch::conv1d(hidden, voicing2_.weight, voicing2_.bias).flatten().sigmoid();
  const torch::Tensor best = scores.argmax(1);
  confidence = confidence * ((best >= low_) & (best < high_));
  const torch::Tensor hops = torch::constant_pad_nd(signal, {0, std::max<std::int64_t>(0, hop - signal.size(0))});
  confidence = confidence * (hops.slice(0, 0, frames * hop).view({frames, hop}).abs().amax(1) >= silence_peak);

  // The best class within the range and its two neighbours, weighted by their probabilities.
  const torch::Tensor allowed = scores.slice(1, low_, high_);
  const torch::Tensor around =
      allowed.argmax(1, /*keepdim=*/true) + torch::arange(0, 3, torch::TensorOptions(torch::kLong).device(device_));
  const torch::Tensor weight = torch::constant_pad_nd(allowed, {1, 1}, -INFINITY).gather(1, around).to(torch::kDouble).softmax(1);
  const torch::Tensor log_hz = (weight * log_hz_.index({(around + low_ - 1).clamp(0, pitch_classes - 1)})).sum(1);
  return {log_hz.exp().to(torch::kFloat), confidence};
}

F0Frames SwiftF0::estimate(const torch::Tensor& audio) const {
  const F0Frames coarse = analyse(audio);
  return to_frame_clock(coarse, hop, frame_count(audio.size(0)), confidence_threshold);
}

}  // namespace voxconv
