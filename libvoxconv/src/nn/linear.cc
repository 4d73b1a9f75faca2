#include "nn/linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <string_view>

#include "core/fail.h"
#include "nn/mapped_file.h"

namespace voxconv::nn {
namespace {

constexpr std::int64_t tile = 1024;  // rows: oneDNN falls to half its speed on taller matrices

torch::Tensor through_onednn(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return at::mkldnn_linear(x.to_mkldnn(), weight, bias).to_dense();
}

using Optional = std::optional<torch::Tensor>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;

// As in conv.cc: operators of LibTorch without a C++ function.
torch::Tensor pack(const torch::Tensor& weight) {
  using Signature = torch::Tensor(const torch::Tensor&, std::optional<std::int64_t>);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_reorder_linear_weight", "").typed<Signature>();
  return op.call(weight, std::nullopt);
}

torch::Tensor multiply(const torch::Tensor& x, const torch::Tensor& weight, const Optional& bias, std::string_view activation,
                       Text algorithm) {
  using Signature = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const Optional&, std::string_view, Scalars, Text);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<Signature>();
  return op.call(x, weight, bias, activation, Scalars(), algorithm);
}

torch::Tensor multiply_add(const torch::Tensor& x, const torch::Tensor& residual, const torch::Tensor& weight, const Optional& bias) {
  using Signature = torch::Tensor(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&, const Optional&, std::string_view);
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "binary").typed<Signature>();
  return op.call(x, residual, weight, bias, "add");
}

}  // namespace

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat || weight.scalar_type() != torch::kFloat || x.numel() == 0 || !at::hasMKLDNN() ||
      torch::GradMode::is_enabled() || at::autocast::is_autocast_enabled(at::kCPU))
    return torch::linear(x, weight, bias);
  const torch::Tensor rows = x.reshape({-1, x.size(-1)}).contiguous();
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  if (rows.size(0) <= tile) return through_onednn(rows, weight, bias).view(shape);
  torch::Tensor out = torch::empty({rows.size(0), weight.size(0)}, x.options());
  for (std::int64_t start = 0; start < rows.size(0); start += tile)
    out.slice(0, start, start + tile).copy_(through_onednn(rows.slice(0, start, start + tile), weight, bias));
  return out.view(shape);
}

PackedLinear::PackedLinear(const torch::Tensor& weight, const torch::Tensor& bias, torch::Device device, torch::ScalarType type,
                           Activation activation, Packing packing)
    : type_(type), activation_(activation), fused_(can_fuse(device, type)) {
  if (activation == Activation::leaky_relu) fail(ErrorCode::internal, "PackedLinear has no leaky rectifier.");
  const torch::NoGradGuard guard;
  if (bias.defined()) bias_ = bias.detach().to(device, type).contiguous();
  const bool as_given = fused_ && packing == Packing::each_call;
  weight_ = (as_given ? weight.detach() : weight.detach().to(device, type)).contiguous();
  if (fused_ && !as_given) weight_ = pack(weight_);
}

torch::Tensor PackedLinear::operator()(const torch::Tensor& x) const {
  const torch::Tensor input = x.to(type_).contiguous(), weight = weight_.to(type_);
  if (!fused_) return activate_(torch::linear(input, weight, bias_), activation_, /*slope=*/0);
  const Optional bias = bias_.defined() ? Optional(bias_) : std::nullopt;
  switch (activation_) {
    case Activation::relu: return multiply(input, weight, bias, "relu", std::nullopt);
    case Activation::gelu: return multiply(input, weight, bias, "gelu", "none");
    case Activation::tanh: return multiply(input, weight, bias, "tanh", std::nullopt);
    case Activation::leaky_relu:
    case Activation::none: break;
  }
  return multiply(input, weight, bias, "none", std::nullopt);
}

torch::Tensor PackedLinear::add(const torch::Tensor& x, const torch::Tensor& residual) const {
  if (activation_ != Activation::none) fail(ErrorCode::internal, "PackedLinear::add() is for layers without activation.");
  if (!fused_ || residual.scalar_type() != type_) return residual + (*this)(x);
  return multiply_add(x.to(type_).contiguous(), residual.contiguous(), weight_.to(type_), bias_.defined() ? Optional(bias_) : std::nullopt);
}

void PackedLinear::release() const {
  if (weight_.is_cpu() && !weight_.is_mkldnn()) release_pages(weight_.const_data_ptr(), weight_.nbytes());
}

}  // namespace voxconv::nn
