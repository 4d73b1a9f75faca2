#include "nn/conv.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>

#include <string_view>

namespace voxconv::nn {
namespace {

using Optional = std::optional<torch::Tensor>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;
using Ints = at::IntArrayRef;

// oneDNN's fused convolutions are operators of LibTorch without a C++ function: they are found by name, once.
torch::Tensor pack(const torch::Tensor& weight, const ConvShape& shape) {
  using Signature = torch::Tensor(const torch::Tensor&, Ints, Ints, Ints, std::int64_t, c10::OptionalArrayRef<std::int64_t>);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "").typed<Signature>();
  return op.call(weight, shape.padding, shape.stride, shape.dilation, shape.groups, std::nullopt);
}

torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight, const Optional& bias, const ConvShape& shape,
                       std::string_view activation, const Scalars& scalars, Text algorithm) {
  using Signature = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const Optional&, Ints, Ints, Ints, std::int64_t,
                                  std::string_view, Scalars, Text);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_convolution_pointwise", "").typed<Signature>();
  return op.call(x, weight, bias, shape.padding, shape.stride, shape.dilation, shape.groups, activation, scalars, algorithm);
}

torch::Tensor convolve_add(const torch::Tensor& x, const torch::Tensor& residual, const torch::Tensor& weight, const Optional& bias,
                           const ConvShape& shape) {
  using Signature = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&, const Optional&, Ints, Ints, Ints,
                                  std::int64_t, std::string_view, std::optional<at::Scalar>, Text, Scalars, Text);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_convolution_pointwise", "binary").typed<Signature>();
  return op.call(x, residual, weight, bias, shape.padding, shape.stride, shape.dilation, shape.groups, "add", std::nullopt, std::nullopt,
                 Scalars(), std::nullopt);
}

}  // namespace

PackedConv::PackedConv(const torch::Tensor& weight, const torch::Tensor& bias, ConvShape shape, torch::Device device,
                       torch::ScalarType type, Activation activation, double slope)
    : type_(type), shape_(std::move(shape)), activation_(activation), slope_(slope), fused_(can_fuse(device, type)) {
  const torch::NoGradGuard guard;
  // In bfloat16 oneDNN's depthwise kernels never end on more than one thread, and with AMX those of 4, 8 or 12 channels a group are wrong
  // (LibTorch 2.13).
  const bool thin_groups = shape_.groups > 1 && weight.size(1) < 16;
  const torch::ScalarType inner = fused_ && thin_groups ? torch::kFloat : type;
  weight_ = (weight.dim() == 3 ? weight.unsqueeze(2) : weight).detach().to(device, inner).contiguous();
  if (bias.defined()) bias_ = bias.detach().to(device, inner).contiguous();
  weight_ = fused_ ? pack(weight_, shape_) : weight_.contiguous(torch::MemoryFormat::ChannelsLast);
}

/// Not every kernel of a GPU keeps the layout.
torch::Tensor PackedConv::plain(const torch::Tensor& x) const {
  return torch::conv2d(x, weight_, bias_, shape_.stride, shape_.padding, shape_.dilation, shape_.groups)
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor PackedConv::operator()(const torch::Tensor& x) const {
  const torch::Tensor input = x.to(weight_.scalar_type());
  if (!fused_) return activate_(plain(input), activation_, slope_);
  const auto run = [&](std::string_view name, Scalars scalars, Text algorithm) {
    const Optional bias = bias_.defined() ? Optional(bias_) : std::nullopt;
    return convolve(input, weight_, bias, shape_, name, scalars, algorithm).to(type_);
  };
  switch (activation_) {
    case Activation::relu: return run("relu", Scalars(), std::nullopt);
    case Activation::leaky_relu: {
      Scalars scalars;
      scalars.push_back(at::Scalar(slope_));
      return run("leaky_relu", scalars, std::nullopt);
    }
    case Activation::gelu: return run("gelu", Scalars(), "none");
    case Activation::tanh: return run("tanh", Scalars(), std::nullopt);
    case Activation::none: break;
  }
  return run("none", Scalars(), std::nullopt);
}

torch::Tensor PackedConv::add(const torch::Tensor& x, const torch::Tensor& residual) const {
  TORCH_CHECK(activation_ == Activation::none, "PackedConv::add() is for convolutions without activation");
  const torch::Tensor input = x.to(weight_.scalar_type());
  if (!fused_) return plain(input).add_(residual);
  const Optional bias = bias_.defined() ? Optional(bias_) : std::nullopt;
  return convolve_add(input, residual.to(weight_.scalar_type()), weight_, bias, shape_).to(type_);
}

bool can_fuse(torch::Device device, torch::ScalarType type) {
  if (!device.is_cpu() || !at::hasMKLDNN()) return false;
  return type == torch::kFloat ||
         (type == torch::kBFloat16 && at::cpu::is_avx512_vnni_supported());  // VNNI: what all CPUs have that LibTorch takes bfloat16 on
}

torch::Tensor activate_(torch::Tensor y, Activation activation, double slope) {
  switch (activation) {
    case Activation::none: return y;
    case Activation::relu: return y.relu_();
    case Activation::leaky_relu: return torch::leaky_relu_(y, slope);
    case Activation::gelu: return torch::gelu(y);
    case Activation::tanh: return y.tanh_();
  }
  return y;
}

torch::Tensor depthwise(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const std::int64_t padding[] = {0, weight.size(2) / 2};
  // The order matters: [B, T, C] -> [B, C, T] -> [B, C, 1, T] leaves the strides of a channels-last image, other ways to the same shape do
  // not.
  const torch::Tensor batch = (x.dim() == 2 ? x.unsqueeze(0) : x).contiguous();
  const torch::Tensor image = batch.transpose(1, 2).unsqueeze(2);
  const torch::Tensor kernel = weight.unsqueeze(2).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor y = torch::conv2d(image, kernel, bias, 1, torch::IntArrayRef(padding), 1, weight.size(0));
  return y.squeeze(2).transpose(1, 2).reshape(x.sizes());
}

}  // namespace voxconv::nn
