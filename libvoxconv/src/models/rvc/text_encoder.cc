#include "models/rvc/text_encoder.h"

#include <cmath>
#include <limits>

#include "core/fail.h"
#include "models/rvc/tiling.h"

namespace voxconv::rvc {
namespace {

constexpr std::int64_t window = 10;  ///< frames either side with relative position embeddings
constexpr std::int64_t band = 2 * window + 1;
constexpr std::int64_t query_block = 128;
constexpr double embedding_slope = 0.1;
constexpr std::int64_t pitches = 256;

/// The entries of `rows` [heads, n, T + 2 * window] that lie within the window around the row's own frame, `first` in row 0: a view
/// [heads, n, band].
torch::Tensor relative_band(const torch::Tensor& rows, std::int64_t first) {
  const std::int64_t count = rows.size(1), width = rows.size(2);
  return rows.as_strided({rows.size(0), count, band}, {count * width, width + 1, 1}, rows.storage_offset() + first);
}

torch::Tensor normalise(const torch::Tensor& image, const Affine& norm) {
  return image_of(torch::layer_norm(rows_of(image), {norm.weight.size(0)}, norm.weight, norm.bias, 1e-5));
}

}  // namespace

TextEncoderWeights read_text_encoder(const Config& config, nn::TensorReader& reader) {
  if (config.kernel_size % 2 == 0)
    fail(ErrorCode::bad_model, "The model's text encoder has kernels of even size ({}); an odd one was expected.", config.kernel_size);
  const std::int64_t h = config.hidden_channels, f = config.filter_channels, k = config.kernel_size, head = h / config.heads;
  TextEncoderWeights weights;
  weights.content = take_affine(reader, "enc_p.emb_phone", {h, config.content_dim});
  if (config.f0) weights.pitch = reader.take("enc_p.emb_pitch.weight", {pitches, h});
  for (std::int64_t i = 0; i < config.layers; ++i) {
    const std::string start = "enc_p.encoder.", index = fmt::format(".{}", i);
    const std::string attention = start + "attn_layers" + index, forward = start + "ffn_layers" + index;
    const auto norm = [&](const std::string& name) {
      return Affine{reader.take(start + name + index + ".gamma", {h}), reader.take(start + name + index + ".beta", {h})};
    };
    TextEncoderWeights::Layer layer;
    layer.query = take_affine(reader, attention + ".conv_q", {h, h, 1});
    layer.key = take_affine(reader, attention + ".conv_k", {h, h, 1});
    layer.value = take_affine(reader, attention + ".conv_v", {h, h, 1});
    layer.out = take_affine(reader, attention + ".conv_o", {h, h, 1});
    layer.relative_keys = reader.take(attention + ".emb_rel_k", {1, band, head});
    layer.relative_values = reader.take(attention + ".emb_rel_v", {1, band, head});
    layer.norm1 = norm("norm_layers_1");
    layer.norm2 = norm("norm_layers_2");
    layer.expand = take_affine(reader, forward + ".conv_1", {f, h, k});
    layer.contract = take_affine(reader, forward + ".conv_2", {h, f, k});
    weights.layers.push_back(std::move(layer));
  }
  weights.out = take_affine(reader, "enc_p.proj", {2 * config.inter_channels, h, 1});
  return weights;
}

TextEncoder::TextEncoder(const Config& config, const TextEncoderWeights& weights, torch::Device device)
    : hidden_(config.hidden_channels), inter_(config.inter_channels), heads_(config.heads) {
  const torch::NoGradGuard guard;
  const auto moved = [&](const torch::Tensor& x) { return x.to(device, torch::kFloat); };
  const auto conv = [&](const Affine& layer, double scale = 1, nn::Activation activation = nn::Activation::none) {
    const torch::Tensor weight = moved(layer.weight);
    const std::int64_t kernel = weight.dim() == 3 ? weight.size(2) : 1;
    return nn::PackedConv(weight.view({weight.size(0), weight.size(1), kernel}) * scale, moved(layer.bias) * scale,
                          {.padding = {0, kernel / 2}}, device, torch::kFloat, activation);
  };
  // RVC multiplies the sum of the embeddings by this and divides the queries; here the weights contain both factors.
  const double scale = std::sqrt(static_cast<double>(hidden_)), shrink = 1 / std::sqrt(static_cast<double>(hidden_ / heads_));
  content_ = conv(weights.content, scale);
  if (weights.pitch.defined()) pitch_ = moved(weights.pitch) * scale;
  out_ = conv(weights.out);
  for (const TextEncoderWeights::Layer& from : weights.layers) {
    Layer layer;
    layer.qkv = conv({torch::cat({moved(from.query.weight) * shrink, moved(from.key.weight), moved(from.value.weight)}),
                      torch::cat({moved(from.query.bias) * shrink, moved(from.key.bias), moved(from.value.bias)})});
    layer.out = conv(from.out);
    layer.relative_keys = moved(from.relative_keys)[0].t().contiguous();
    layer.relative_values = moved(from.relative_values)[0].contiguous();
    layer.norm1 = {moved(from.norm1.weight), moved(from.norm1.bias)};
    layer.norm2 = {moved(from.norm2.weight), moved(from.norm2.bias)};
    layer.expand = conv(from.expand, 1, nn::Activation::relu);
    layer.contract = conv(from.contract);
    layers_.push_back(std::move(layer));
  }
}

/// x [1, hidden, 1, T] -> the same shape.
torch::Tensor TextEncoder::attend(const Layer& layer, const torch::Tensor& x) const {
  const std::int64_t frames = x.size(3), head = hidden_ / heads_;
  const torch::Tensor all = rows_of(layer.qkv(x));
  // [heads, T, head]; keys and values get a margin so that the band around every query lies within the matrix.
  const auto part = [&](std::int64_t which) {
    return all.narrow(1, which * hidden_, hidden_).view({frames, heads_, head}).transpose(0, 1);
  };
  const auto with_margin = [&](const torch::Tensor& rows) { return torch::constant_pad_nd(rows, {0, 0, window, window}); };
  const torch::Tensor queries = part(0), keys = with_margin(part(1)).transpose(1, 2), values = with_margin(part(2));
  torch::Tensor out = torch::empty({frames, heads_, head}, all.options());
  for (std::int64_t first = 0; first < frames; first += query_block) {
    const std::int64_t count = std::min(query_block, frames - first);
    const torch::Tensor query = queries.narrow(1, first, count);
    torch::Tensor scores = torch::matmul(query, keys);
    relative_band(scores, first).add_(torch::matmul(query, layer.relative_keys));
    for (const std::int64_t margin : {std::int64_t(0), window + frames})
      scores.narrow(2, margin, window).fill_(-std::numeric_limits<float>::infinity());
    scores = torch::softmax(scores, -1);
    const torch::Tensor attended = torch::matmul(scores, values).add_(torch::matmul(relative_band(scores, first), layer.relative_values));
    out.narrow(0, first, count).copy_(attended.transpose(0, 1));
  }
  return image_of(out.view({frames, hidden_}));
}

Prior TextEncoder::operator()(const torch::Tensor& content, const torch::Tensor& pitch) const {
  const torch::NoGradGuard guard;
  const torch::Tensor rows = image_of(content.contiguous());
  torch::Tensor x = pitch_.defined() ? content_.add(rows, image_of(pitch_.index_select(0, pitch))) : content_(rows);
  x = torch::leaky_relu_(x, embedding_slope);
  for (const Layer& layer : layers_) {
    x = normalise(layer.out.add(attend(layer, x), x), layer.norm1);
    x = normalise(layer.contract.add(layer.expand(x), x), layer.norm2);
  }
  const torch::Tensor stats = rows_of(out_(x)).t();
  return {stats.slice(0, 0, inter_).contiguous(), stats.slice(0, inter_).contiguous()};
}

}  // namespace voxconv::rvc
