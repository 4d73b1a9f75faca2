#include "features/content/hubert_encoder.h"

#include "core/fail.h"
#include "features/frames.h"
#include "nn/mapped_file.h"

namespace voxconv {
namespace {

constexpr std::int64_t window = 400, hop = 320;  // samples of a frame
constexpr std::int64_t first_taps = 10, first_stride = 5, conv_count = 7;
constexpr std::int64_t projected_layers = 9;
constexpr double norm_eps = 1e-5;

// The kernels work on images: B sounds of T rows of C numbers, [B * T, C], are the image [B, C, 1, T] in channels-last memory.
torch::Tensor image_of(const torch::Tensor& rows, std::int64_t batch) {
  return rows.view({batch, 1, -1, rows.size(1)}).permute({0, 3, 1, 2});
}
torch::Tensor rows_of(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).contiguous().view({-1, image.size(1)}); }

/// Frames of the waveform's convolutions that are computed at a time: on a GPU as many as are worth it, up to about half a gigabyte.
std::int64_t piece_frames(torch::Device device, std::int64_t batch) {
  constexpr std::int64_t on_cpu = 100, on_gpu = 1200;
  return device.is_cpu() ? on_cpu : std::max(on_cpu, on_gpu / batch);
}

/// The encoder's frames [..., T, dim] of so many samples on the 100 Hz clock, each twice.
torch::Tensor on_clock(const torch::Tensor& frames, std::int64_t samples) {
  const torch::Tensor index =
      torch::arange(frame_count(samples), torch::TensorOptions(torch::kLong).device(frames.device())).floor_divide(2);
  return frames.index_select(-2, index.clamp_max(frames.size(-2) - 1));
}

}  // namespace

HubertEncoder::HubertEncoder(const HubertWeights& weights, std::int64_t heads, Output output, const std::string& source,
                             torch::Device device, torch::ScalarType precision)
    : device_(device), heads_(heads), hidden_(weights.hidden()), projected_(output == Output::layer9_projected), calls_(device) {
  const std::int64_t kernels[conv_count] = {first_taps, 3, 3, 3, 3, 2, 2};
  bool fits = std::int64_t(weights.convs.size()) == conv_count;
  for (std::int64_t i = 0; fits && i < conv_count; ++i) fits = weights.convs[i].size(2) == kernels[i];
  position_taps_ = weights.positions.weight.size(2);
  const std::int64_t group = weights.positions.weight.size(1);
  if (!fits || group < 1 || hidden_ % group != 0 || position_taps_ < 1 || heads < 1 || hidden_ % heads != 0)
    fail(ErrorCode::bad_model, "{} does not hold HuBERT's base architecture: its convolutions or its {} heads of {} dimensions do not fit.",
         source, heads, hidden_);
  std::int64_t layer_count = std::int64_t(weights.layers.size());
  if (projected_) {
    if (layer_count < projected_layers || !weights.final_projection.weight.defined())
      fail(ErrorCode::bad_model, "{} has {} layers and {} final projection; voices of RVC v1 need the projection of layer {}.", source,
           layer_count, weights.final_projection.weight.defined() ? "a" : "no", projected_layers);
    layer_count = projected_layers;
  }

  const auto to = [&](const torch::Tensor& x, torch::ScalarType type) { return x.to(device, type, /*non_blocking=*/false, /*copy=*/true); };
  const auto norm = [&](const HubertWeights::Affine& a) { return Norm{to(a.weight, torch::kFloat), to(a.bias, torch::kFloat)}; };
  // Nine tenths of all weights, each used once for a window.
  const auto linear = [&](const torch::Tensor& weight, const torch::Tensor& bias, nn::Activation activation = nn::Activation::none) {
    return nn::PackedLinear(weight, bias, device, precision, activation, nn::Packing::each_call);
  };
  first_conv_ = to(weights.convs[0].squeeze(1), torch::kDouble);
  first_norm_ = norm(weights.conv_norm);
  for (std::int64_t i = 1; i < conv_count; ++i)
    convs_.emplace_back(weights.convs[i], torch::Tensor(), nn::ConvShape{{1, 2}, {0, 0}, {1, 1}, 1}, device, precision,
                        nn::Activation::gelu);
  feature_norm_ = norm(weights.feature_norm);
  feature_projection_ = linear(weights.feature_projection.weight, weights.feature_projection.bias);
  positions_ =
      nn::PackedConv(weights.positions.weight, weights.positions.bias,
                     nn::ConvShape{{1, 1}, {0, position_taps_ / 2}, {1, 1}, hidden_ / group}, device, precision, nn::Activation::gelu);
  encoder_norm_ = norm(weights.encoder_norm);
  for (std::int64_t i = 0; i < layer_count; ++i) {
    const HubertWeights::Layer& layer = weights.layers[i];
    layers_.push_back({linear(torch::cat({layer.query.weight, layer.key.weight, layer.value.weight}),
                              torch::cat({layer.query.bias, layer.key.bias, layer.value.bias})),
                       linear(layer.attention_out.weight, layer.attention_out.bias),
                       linear(layer.ffn_in.weight, layer.ffn_in.bias, nn::Activation::gelu),
                       linear(layer.ffn_out.weight, layer.ffn_out.bias), norm(layer.attention_norm), norm(layer.final_norm)});
    for (const HubertWeights::Affine* copied : {&layer.query, &layer.key, &layer.value})
      nn::release_pages(copied->weight.const_data_ptr(), copied->weight.nbytes());
  }
  dim_ = hidden_;
  if (projected_) {
    final_projection_ = linear(weights.final_projection.weight, weights.final_projection.bias);
    dim_ = weights.final_projection.weight.size(0);
  }
}

/// The first convolution with the norm behind it, which takes each channel's mean and variance over all of the audio. Both follow from the
/// mean and the covariance of ten samples in a row, so the convolution's output is never held.
nn::PackedConv HubertEncoder::normalised_first_conv(const torch::Tensor& signal) const {
  const torch::Tensor taps = signal.unfold(0, first_taps, first_stride);  // [T, 10]
  const torch::Tensor mean = taps.mean(0, false, torch::kDouble);
  const torch::Tensor centred = (taps - mean.to(torch::kFloat)).to(torch::kDouble);
  const torch::Tensor offset = centred.mean(0);  // what rounding the mean left
  const torch::Tensor covariance = torch::matmul(centred.t(), centred) / taps.size(0) - torch::outer(offset, offset);
  const torch::Tensor variance = (torch::matmul(first_conv_, covariance) * first_conv_).sum(1).clamp_min(0);
  const torch::Tensor gain = first_norm_.weight.to(torch::kDouble) * (variance + norm_eps).rsqrt();
  const torch::Tensor weight = first_conv_ * gain.unsqueeze(1);
  const torch::Tensor bias = first_norm_.bias.to(torch::kDouble) - torch::matmul(weight, mean);
  return nn::PackedConv(weight.unsqueeze(1).to(torch::kFloat), bias.to(torch::kFloat), nn::ConvShape{{1, first_stride}, {0, 0}, {1, 1}, 1},
                        device_, torch::kFloat, nn::Activation::gelu);
}

/// [B, N] -> [B * frames, C] float32
torch::Tensor HubertEncoder::waveform_features(const torch::Tensor& signals) const {
  const std::int64_t batch = signals.size(0), frames = (signals.size(1) - window) / hop + 1;
  const std::int64_t channels = first_conv_.size(0), piece = piece_frames(device_, batch);
  std::vector<nn::PackedConv> first;
  for (std::int64_t b = 0; b < batch; ++b) first.push_back(normalised_first_conv(signals[b]));
  torch::Tensor features = torch::empty({batch, frames, channels}, signals.options());
  for (std::int64_t begin = 0; begin < frames; begin += piece) {
    const std::int64_t end = std::min(begin + piece, frames);
    std::vector<torch::Tensor> images;
    for (std::int64_t b = 0; b < batch; ++b)
      images.push_back(first[std::size_t(b)](signals[b].slice(0, begin * hop, (end - 1) * hop + window).view({1, 1, 1, -1})));
    torch::Tensor x = batch == 1 ? images[0] : torch::cat(images);
    images.clear();
    for (const nn::PackedConv& conv : convs_) x = conv(x);
    features.slice(1, begin, end).copy_(rows_of(x).view({batch, end - begin, channels}));
  }
  return features.view({batch * frames, channels});
}

torch::Tensor HubertEncoder::attend(const Layer& layer, const torch::Tensor& x, std::int64_t batch) const {
  const std::int64_t frames = x.size(0) / batch;
  // [B T, 3 D] -> [3, B, heads, T, D / heads]
  const torch::Tensor qkv = layer.qkv(x).view({batch, frames, 3, heads_, hidden_ / heads_}).permute({2, 0, 3, 1, 4});
  const torch::Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return layer.attention_out.add(y.transpose(1, 2).reshape({batch * frames, hidden_}), x);
}

/// [B, N] -> [B, T, dim] float32
torch::Tensor HubertEncoder::network(const torch::Tensor& signals) const {
  const auto normalise = [](const torch::Tensor& x, const Norm& norm) {
    return torch::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, norm_eps);
  };
  const std::int64_t batch = signals.size(0);
  torch::Tensor x = feature_projection_(normalise(waveform_features(signals), feature_norm_)).to(torch::kFloat);
  // An even number of taps gives one frame too many.
  x = normalise(x + rows_of(positions_(image_of(x, batch)).slice(3, 0, x.size(0) / batch)), encoder_norm_);
  for (const Layer& layer : layers_) {
    x = normalise(attend(layer, x, batch), layer.attention_norm);
    x = normalise(layer.ffn_out.add(layer.ffn_in(x), x), layer.final_norm);
  }
  return (projected_ ? final_projection_(x).to(torch::kFloat) : x).view({batch, -1, dim_});
}

/// [B, N] -> [B, T, dim]
torch::Tensor HubertEncoder::frames_of(const torch::Tensor& audio) const {
  torch::Tensor signals = audio.to(device_, torch::kFloat).contiguous();
  if (signals.size(1) < window) signals = torch::constant_pad_nd(signals, {0, window - signals.size(1)});
  return calls_({signals}, {},
                [this](const nn::CudaGraphCache::Tensors& inputs) { return nn::CudaGraphCache::Tensors{network(inputs[0])}; })[0];
}

torch::Tensor HubertEncoder::encode_frames(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  if (audio.dim() != 1 || audio.size(0) < 1)
    fail(ErrorCode::internal, "HubertEncoder: expected mono audio, got {} samples in {} dimensions.", audio.numel(), audio.dim());
  return frames_of(audio.unsqueeze(0))[0];
}

torch::Tensor HubertEncoder::encode_windows(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  return on_clock(frames_of(audio), audio.size(1));
}

torch::Tensor HubertEncoder::encode(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  return on_clock(encode_frames(audio), audio.size(0));
}

}  // namespace voxconv
