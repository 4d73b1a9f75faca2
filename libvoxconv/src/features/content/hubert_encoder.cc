#include "features/content/hubert_encoder.h"

#include "core/fail.h"
#include "features/frames.h"
#include "nn/mapped_file.h"

namespace voxconv {
namespace {

constexpr std::int64_t window = 400, hop = 320;  // samples of a frame
constexpr std::int64_t first_taps = 10, first_stride = 5, conv_count = 7;
constexpr std::int64_t projected_layers = 9;
constexpr std::int64_t piece = 100;  // frames of the waveform's convolutions computed at a time
constexpr double norm_eps = 1e-5;

// The kernels work on images: T rows of C numbers are the image [1, C, 1, T] in channels-last memory.
torch::Tensor image_of(const torch::Tensor& rows) { return rows.unsqueeze(0).unsqueeze(0).permute({0, 3, 1, 2}); }
torch::Tensor rows_of(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).contiguous().view({image.size(3), image.size(1)}); }

/// What was packed need not stay in memory as it lies in the file.
void release(const HubertWeights::Layer& layer) {
  for (const HubertWeights::Affine* part : {&layer.query, &layer.key, &layer.value, &layer.attention_out, &layer.ffn_in, &layer.ffn_out})
    nn::release_pages(part->weight.const_data_ptr(), part->weight.nbytes());
}

}  // namespace

HubertEncoder::HubertEncoder(const HubertWeights& weights, std::int64_t heads, Output output, const std::string& source,
                             torch::Device device, torch::ScalarType precision)
    : device_(device), heads_(heads), hidden_(weights.hidden()), projected_(output == Output::layer9_projected) {
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
  const auto linear = [&](const torch::Tensor& weight, const torch::Tensor& bias, nn::Activation activation = nn::Activation::none) {
    return nn::PackedLinear(weight.to(torch::kFloat), bias.to(torch::kFloat), device, precision, activation);
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
    release(layer);
  }
  dim_ = hidden_;
  if (projected_) {
    final_projection_ = linear(weights.final_projection.weight, weights.final_projection.bias);
    dim_ = weights.final_projection.weight.size(0);
  }
}

/// The first convolution with the norm behind it, which takes each channel's mean and variance over all of the audio. Both follow from the
/// mean and the covariance of ten samples in a row, so the convolution's output is never held.
nn::PackedConv HubertEncoder::normalised_first_conv(const torch::Tensor& audio) const {
  const torch::Tensor taps = audio.unfold(0, first_taps, first_stride);  // [T, 10]
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

/// [N] -> [frames, C] float32
torch::Tensor HubertEncoder::waveform_features(const torch::Tensor& audio) const {
  const std::int64_t frames = (audio.size(0) - window) / hop + 1;
  const nn::PackedConv first = normalised_first_conv(audio);
  torch::Tensor features = torch::empty({frames, first_conv_.size(0)}, audio.options());
  for (std::int64_t begin = 0; begin < frames; begin += piece) {
    const std::int64_t end = std::min(begin + piece, frames);
    torch::Tensor x = first(audio.slice(0, begin * hop, (end - 1) * hop + window).view({1, 1, 1, -1}));
    for (const nn::PackedConv& conv : convs_) x = conv(x);
    features.slice(0, begin, end).copy_(rows_of(x));
  }
  return features;
}

torch::Tensor HubertEncoder::attend(const Layer& layer, const torch::Tensor& x) const {
  const std::int64_t frames = x.size(0);
  // [T, 3 D] -> [3, 1, heads, T, D / heads]
  const torch::Tensor qkv = layer.qkv(x).view({frames, 3, 1, heads_, hidden_ / heads_}).permute({1, 2, 3, 0, 4});
  const torch::Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  return layer.attention_out.add(y.squeeze(0).transpose(0, 1).reshape({frames, hidden_}), x);
}

torch::Tensor HubertEncoder::encode_frames(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  if (audio.dim() != 1 || audio.size(0) < 1)
    fail(ErrorCode::internal, "HubertEncoder: expected mono audio, got {} samples in {} dimensions.", audio.numel(), audio.dim());
  const auto normalise = [](const torch::Tensor& x, const Norm& norm) {
    return torch::layer_norm(x, {x.size(-1)}, norm.weight, norm.bias, norm_eps);
  };
  torch::Tensor signal = audio.to(device_, torch::kFloat).contiguous();
  if (signal.size(0) < window) signal = torch::constant_pad_nd(signal, {0, window - signal.size(0)});

  torch::Tensor x = feature_projection_(normalise(waveform_features(signal), feature_norm_)).to(torch::kFloat);
  // An even number of taps gives one frame too many.
  x = normalise(x + rows_of(positions_(image_of(x)).slice(3, 0, x.size(0))), encoder_norm_);
  for (const Layer& layer : layers_) {
    x = normalise(attend(layer, x), layer.attention_norm);
    x = normalise(layer.ffn_out.add(layer.ffn_in(x), x), layer.final_norm);
  }
  return projected_ ? final_projection_(x).to(torch::kFloat) : x;
}

torch::Tensor HubertEncoder::encode(const torch::Tensor& audio) const {
  const torch::NoGradGuard guard;
  const torch::Tensor frames = encode_frames(audio);
  const torch::Tensor index = torch::arange(frame_count(audio.size(0)), torch::TensorOptions(torch::kLong).device(device_)).floor_divide(2);
  return frames.index_select(0, index.clamp_max(frames.size(0) - 1));
}

}  // namespace voxconv
