#include "features/pitch/rmvpe_network.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "core/fail.h"
#include "features/pitch/crepe_classes.h"
#include "nn/linear.h"
#include "nn/mapped_file.h"
#include "nn/tensor_reader.h"

namespace voxconv {
namespace {

constexpr std::int64_t images = 3;        // channels that the GRU sees of every mel bin
constexpr std::int64_t piece_rows = 256;  // of an image, on the CPU
constexpr std::int64_t large = 1 << 18;   // weights of a convolution
constexpr std::size_t most_layers = 8;    // of the encoder; the original has 5
constexpr double batch_norm_eps = 1e-5;

nn::ConvShape same_size(std::int64_t padding) { return {{1, 1}, {padding, padding}, {1, 1}, 1}; }

/// Reads layers and folds the batch normalisation that follows a convolution into it. From the first tensor on that does not fit, layers
/// stay empty: the rest is read for the error's sake, and what stands in for a tensor may have any size.
class Reader {
 public:
  Reader(const nn::StateDict& tensors, const std::string& source, torch::Device device) : file_(tensors, source), device_(device) {}

  nn::TensorReader& file() { return file_; }
  bool has(const std::string& name) const { return file_.has(name); }
  torch::Tensor take(const std::string& name, torch::IntArrayRef shape) { return file_.take(name, shape); }

  /// x * scale + shift
  struct Norm {
    torch::Tensor scale, shift;
  };
  Norm norm(const std::string& name, std::int64_t channels) {
    const torch::Tensor gain = take(name + ".weight", {channels}), bias = take(name + ".bias", {channels});
    const torch::Tensor mean = take(name + ".running_mean", {channels}), variance = take(name + ".running_var", {channels});
    if (!file_.fits()) return {};
    const torch::Tensor scale = gain.to(torch::kDouble) * (variance.to(torch::kDouble) + batch_norm_eps).rsqrt();
    return {scale, bias.to(torch::kDouble) - mean.to(torch::kDouble) * scale};
  }

  nn::PackedConv conv(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t size) {
    return pack(take(name + ".weight", {out, in, size, size}), take(name + ".bias", {out}), size / 2, nn::Activation::none);
  }

  RmvpeNetwork::Block block(const std::string& name, std::int64_t in, std::int64_t out) {
    RmvpeNetwork::Block block;
    block.first = normed(name + ".conv.0", name + ".conv.1", in, out);
    block.second = normed(name + ".conv.3", name + ".conv.4", out, out);
    if (in != out) block.shortcut = conv(name + ".shortcut", in, out, 1);
    return block;
  }

  /// "<name>.0", "<name>.1" ...: the first one changes the channels.
  RmvpeNetwork::Blocks blocks(const std::string& name, std::int64_t in, std::int64_t out) {
    RmvpeNetwork::Blocks result{block(name + ".0", in, out)};
    for (int i = 1; has(name + "." + std::to_string(i) + ".conv.0.weight"); ++i)
      result.push_back(block(name + "." + std::to_string(i), out, out));
    return result;
  }

  /// The transposed convolution of 3 x 3 with stride 2 that makes twice the pixels. Pixel 2 i of a line takes tap 1 of place i; pixel 2 i +
  /// 1 tap 2 of place i and tap 0 of place i + 1. So it is a convolution of 2 x 2 that gives the four new pixels as channels.
  nn::PackedConv doubling(const std::string& name, std::int64_t in, std::int64_t out) {
    const torch::Tensor weight = take(name + ".0.weight", {in, out, 3, 3});
    const Norm norm = this->norm(name + ".1", out);
    if (!file_.fits()) return {};
    const torch::Tensor scaled = weight.transpose(0, 1).to(torch::kDouble) * norm.scale.view({-1, 1, 1, 1});  // [out, in, 3, 3]
    constexpr int tap[2][2] = {{1, -1}, {2, 0}};                                                              // [pixel][place]
    const torch::Tensor packed = torch::zeros({2, 2, out, in, 2, 2}, torch::kDouble);
    for (int row = 0; row < 2; ++row)
      for (int column = 0; column < 2; ++column)
        for (int y = 0; y < 2; ++y)
          for (int x = 0; x < 2; ++x)
            if (tap[row][y] >= 0 && tap[column][x] >= 0)
              packed.select(0, row).select(0, column).select(3, x).select(2, y).copy_(
                  scaled.select(3, tap[column][x]).select(2, tap[row][y]));
    return pack(packed.view({4 * out, in, 2, 2}), norm.shift.repeat({4}), 1, nn::Activation::relu);
  }

 private:
  RmvpeNetwork::NormedConv normed(const std::string& name, const std::string& norm_name, std::int64_t in, std::int64_t out) {
    const torch::Tensor weight = take(name + ".weight", {out, in, 3, 3});
    const Norm norm = this->norm(norm_name, out);
    if (!file_.fits()) return {};
    return {weight, norm.scale, norm.shift, device_};
  }

  nn::PackedConv pack(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t padding, nn::Activation activation) {
    if (!file_.fits()) return {};
    return nn::PackedConv(weight, bias, same_size(padding), device_, torch::kFloat, activation);
  }

  nn::TensorReader file_;
  torch::Device device_;
};

/// Rows at each side of an image that zeros beyond it reach into: one for each convolution.
std::int64_t reach(const RmvpeNetwork::Blocks& blocks) { return 2 * std::int64_t(blocks.size()); }

torch::Tensor run(const RmvpeNetwork::Blocks& blocks, torch::Tensor x) {
  for (const RmvpeNetwork::Block& block : blocks) {
    torch::Tensor y = block.second(block.first(x));
    x = block.shortcut ? block.shortcut->add(x, y) : y.add_(x);
  }
  return x;
}

/// [B, 4 C, H + 1, W + 1], the pixels as channels and a row and a column too many before them -> [B, 2 C, 2 H, 2 W] with `skip` behind.
torch::Tensor interleave(const torch::Tensor& pixels, const torch::Tensor& skip) {
  const std::int64_t channels = pixels.size(1) / 4, height = pixels.size(2) - 1, width = pixels.size(3) - 1;
  const torch::Tensor joined =
      torch::empty({pixels.size(0), 2 * channels, 2 * height, 2 * width}, pixels.options(), torch::MemoryFormat::ChannelsLast);
  const torch::Tensor memory = joined.permute({0, 2, 3, 1});  // [B, 2 H, 2 W, 2 C]
  const torch::Tensor parts = pixels.permute({0, 2, 3, 1}).slice(1, 1).slice(2, 1).unflatten(3, {2, 2, channels});
  memory.slice(3, 0, channels).unflatten(2, {width, 2}).unflatten(1, {height, 2}).copy_(parts.permute({0, 1, 3, 2, 4, 5}));
  memory.slice(3, channels).copy_(skip.permute({0, 2, 3, 1}));
  return joined;
}

/// `compute` gives rows [from, to) of an image of `rows`, two of which are a row of its input. On the CPU it is asked for a few at a time,
/// which bounds the memory; of each piece the `context` rows at a side that is not an end are left out, for padding has spoilt them.
torch::Tensor in_pieces(std::int64_t rows, std::int64_t context, torch::Device device,
                        const std::function<torch::Tensor(std::int64_t from, std::int64_t to)>& compute) {
  if (!device.is_cpu() || rows <= piece_rows) return compute(0, rows);
  torch::Tensor result;
  for (std::int64_t begin = 0; begin < rows; begin += piece_rows) {
    const std::int64_t end = std::min(begin + piece_rows, rows), from = std::max<std::int64_t>(0, begin - context);
    const torch::Tensor piece = compute(from, std::min(end + context, rows)).slice(2, begin - from, end - from);
    if (begin == 0)
      result = torch::empty({piece.size(0), piece.size(1), rows, piece.size(3)}, piece.options(), torch::MemoryFormat::ChannelsLast);
    result.slice(2, begin, end).copy_(piece);
  }
  return result;
}

/// Without what only training or other variants of the class need.
nn::StateDict used(const nn::StateDict& tensors) {
  const std::string counter = ".num_batches_tracked";
  nn::StateDict result;
  for (const auto& [name, tensor] : tensors)
    if (name.size() < counter.size() || name.compare(name.size() - counter.size(), counter.size(), counter) != 0) result[name] = tensor;
  return result;
}

}  // namespace

RmvpeNetwork::NormedConv::NormedConv(const torch::Tensor& weight, const torch::Tensor& scale, const torch::Tensor& shift,
                                     torch::Device device)
    : weight_(weight), scale_(scale.to(torch::kFloat).view({-1, 1, 1, 1})), shift_(shift) {
  if (device.is_cpu() && weight.numel() >= large) return;
  packed_.emplace(weight * scale_, shift, same_size(1), device, torch::kFloat, nn::Activation::relu);
  // What was packed need not stay in memory as it lies in the file.
  nn::release_pages(weight.const_data_ptr(), weight.nbytes());
  weight_ = scale_ = shift_ = torch::Tensor();
}

torch::Tensor RmvpeNetwork::NormedConv::operator()(const torch::Tensor& x) const {
  if (packed_) return (*packed_)(x);
  return nn::PackedConv(weight_ * scale_, shift_, same_size(1), x.device(), torch::kFloat, nn::Activation::relu)(x);
}

RmvpeNetwork::RmvpeNetwork(const nn::StateDict& tensors, const std::string& source, torch::Device device)
    : device_(device), calls_(device) {
  const nn::StateDict named = used(tensors);
  const auto last = named.find("cnn.weight"), hidden_weight = named.find("fc.0.gru.weight_hh_l0"),
             input_weight = named.find("fc.0.gru.weight_ih_l0");
  if (last == named.end() || hidden_weight == named.end() || input_weight == named.end() || last->second.dim() != 4 ||
      hidden_weight->second.dim() != 2 || input_weight->second.dim() != 2)
    fail(ErrorCode::bad_model, "{} holds no RMVPE: the tensors cnn.weight and fc.0.gru.weight_ih_l0, weight_hh_l0 are missing.", source);
  const std::int64_t width = last->second.size(1), hidden = hidden_weight->second.size(1);
  mel_bins_ = input_weight->second.size(1) / images;
  for (const std::int64_t size : {width, hidden, mel_bins_})
    if (size < 1 || size > 8192)
      fail(ErrorCode::bad_model, "{} holds no RMVPE: {} channels, {} numbers of the GRU, {} mel bins.", source, width, hidden, mel_bins_);

  Reader reader(named, source, device);
  reader.file().ignore("unet.tf.");  // of the class E2E0
  const Reader::Norm input = reader.norm("unet.encoder.bn", 1);
  std::int64_t channels = width;
  const auto numbered = [](const std::string& name, std::size_t i) { return name + "." + std::to_string(i); };
  const auto present = [&](const std::string& name) { return reader.has(name + ".0.conv.0.weight"); };
  for (std::size_t i = 0; i < most_layers && present(numbered("unet.encoder.layers", i) + ".conv"); ++i) {
    const std::int64_t in = i == 0 ? 1 : channels / 2;
    encoder_.push_back(reader.blocks(numbered("unet.encoder.layers", i) + ".conv", in, channels));
    channels *= 2;
  }
  for (std::size_t i = 0; present(numbered("unet.intermediate.layers", i) + ".conv"); ++i)
    middle_.push_back(reader.blocks(numbered("unet.intermediate.layers", i) + ".conv", i == 0 ? channels / 2 : channels, channels));
  for (std::size_t i = 0; i < encoder_.size(); ++i) {
    const std::string name = numbered("unet.decoder.layers", i);
    const std::int64_t out = channels / 2;
    nn::PackedConv up = reader.doubling(name + ".conv1", channels, out);
    decoder_.push_back({std::move(up), reader.blocks(name + ".conv2", 2 * out, out)});
    channels = out;
  }
  last_ = reader.conv("cnn", width, images, 3);
  std::vector<torch::Tensor> gru;
  for (const char* direction : {"", "_reverse"})
    for (const auto& [name, columns] : {std::pair<std::string, std::int64_t>{"weight_ih_l0", images * mel_bins_},
                                        {"weight_hh_l0", hidden},
                                        {"bias_ih_l0", 0},
                                        {"bias_hh_l0", 0}}) {
      std::vector<std::int64_t> shape{3 * hidden};
      if (columns > 0) shape.push_back(columns);
      gru.push_back(reader.take("fc.0.gru." + name + direction, shape));
    }
  out_weight_ = reader.take("fc.1.weight", {CrepeClasses::count, 2 * hidden});
  out_bias_ = reader.take("fc.1.bias", {CrepeClasses::count});
  reader.file().finish();
  const auto moved = [&](const torch::Tensor& x) { return x.to(device, torch::kFloat, false, true).contiguous(); };
  out_weight_ = moved(out_weight_);
  out_bias_ = moved(out_bias_);
  if (encoder_.empty() || middle_.empty()) fail(ErrorCode::bad_model, "{} holds an RMVPE without layers.", source);
  if (mel_bins_ % frame_multiple() != 0)
    fail(ErrorCode::bad_model, "{} holds an RMVPE of {} mel bins, which {} layers cannot halve.", source, mel_bins_, encoder_.size());
  scale_ = input.scale.to(device, torch::kFloat);
  shift_ = input.shift.to(device, torch::kFloat);
  gru_ = nn::Gru(std::move(gru), /*both_directions=*/true, device);
}

torch::Tensor RmvpeNetwork::salience(const torch::Tensor& mel) const {
  // One channel: the plain layout is the channels-last one too.
  torch::Tensor x = (mel * scale_ + shift_).contiguous().unsqueeze(1);
  std::vector<torch::Tensor> skips;
  for (const Blocks& blocks : encoder_) {
    skips.push_back(in_pieces(x.size(2), reach(blocks), device_,
                              [&](std::int64_t from, std::int64_t to) { return run(blocks, x.slice(2, from, to)); }));
    x = torch::avg_pool2d(skips.back(), 2);
  }
  for (const Blocks& blocks : middle_) x = run(blocks, std::move(x));
  for (const Decoder& decoder : decoder_) {
    const torch::Tensor skip = std::exchange(skips.back(), {});
    skips.pop_back();
    constexpr std::int64_t of_doubling = 2, of_last = 2;
    x = in_pieces(skip.size(2), reach(decoder.blocks) + of_doubling + of_last, device_, [&](std::int64_t from, std::int64_t to) {
      const torch::Tensor y = run(decoder.blocks, interleave(decoder.up(x.slice(2, from / 2, to / 2)), skip.slice(2, from, to)));
      return skips.empty() ? last_(y) : y;
    });
  }
  // [B, 3, T, bins] -> [B, T, 3 bins]
  x = x.transpose(1, 2).reshape({mel.size(0), mel.size(1), images * mel_bins_});
  torch::Tensor state = gru_.start(x.size(0));
  return nn::linear(gru_(x, state), out_weight_, out_bias_).sigmoid_();
}

torch::Tensor RmvpeNetwork::operator()(const torch::Tensor& mel) const {
  const torch::NoGradGuard guard;
  return calls_({mel.to(device_, torch::kFloat)}, {},
                [this](const nn::CudaGraphCache::Tensors& inputs) { return nn::CudaGraphCache::Tensors{salience(inputs[0])}; })[0];
}

}  // namespace voxconv
