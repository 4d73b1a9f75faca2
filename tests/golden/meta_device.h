#pragma once
#include <torch/library.h>

#include "nn/torch.h"

namespace voxconv::golden {

/// LibTorch's device of shapes without values. What reads a value fails there, as it would while a CUDA graph is captured, and so do most
/// operators on a tensor of the CPU; the layers take the same paths as on a GPU.
inline const torch::Device meta_device = torch::kMeta;

namespace kernels {

// Those that LibTorch has only in Python.

inline torch::Tensor convolution(const torch::Tensor& input, const torch::Tensor& weight, const std::optional<torch::Tensor>&,
                                 c10::SymIntArrayRef stride, c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation, bool transposed,
                                 c10::SymIntArrayRef, c10::SymInt) {
  TORCH_CHECK(!transposed && weight.is_meta() && weight.scalar_type() == input.scalar_type());
  std::vector<std::int64_t> shape{input.size(0), weight.size(0)};
  for (std::size_t d = 0; d < stride.size(); ++d) {
    const auto at = static_cast<std::int64_t>(d + 2);
    const std::int64_t reach = dilation[d].expect_int() * (weight.size(at) - 1) + 1;
    shape.push_back((input.size(at) + 2 * padding[d].expect_int() - reach) / stride[d].expect_int() + 1);
  }
  return torch::empty(shape, input.options());
}

inline torch::Tensor flip(const torch::Tensor& x, torch::IntArrayRef) { return torch::empty_like(x); }

inline torch::Tensor fft(const torch::Tensor& x, torch::IntArrayRef dims, std::int64_t, bool onesided) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  if (onesided) shape[static_cast<std::size_t>(dims.back())] = x.size(dims.back()) / 2 + 1;
  return torch::empty(shape, x.options().dtype(c10::toComplexType(x.scalar_type())));
}

inline std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> layer_norm(const torch::Tensor& x, c10::SymIntArrayRef,
                                                                          const std::optional<torch::Tensor>&,
                                                                          const std::optional<torch::Tensor>&, double) {
  return {torch::empty_like(x), torch::Tensor(), torch::Tensor()};
}

inline torch::Tensor index_select(const torch::Tensor& x, std::int64_t dim, const torch::Tensor& index) {
  TORCH_CHECK(index.is_meta());
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape[static_cast<std::size_t>(dim < 0 ? dim + x.dim() : dim)] = index.numel();
  return torch::empty(shape, x.options());
}

inline torch::Tensor where(const torch::Tensor& condition, const torch::Tensor& x, const torch::Tensor& y) {
  return condition.to(x.scalar_type()) * x + y;
}

inline torch::Tensor softmax(const torch::Tensor& x, std::int64_t, std::optional<torch::ScalarType> type) {
  return torch::empty_like(x, type.value_or(x.scalar_type()));
}

inline torch::Tensor floor_divide(const torch::Tensor& x, const torch::Tensor&) { return torch::empty_like(x); }  // by a number

TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("convolution_overrideable", convolution);
  library.impl("flip", flip);
  library.impl("_fft_r2c", fft);
  library.impl("native_layer_norm", layer_norm);
  library.impl("index_select", index_select);
  library.impl("where.self", where);
  library.impl("_safe_softmax", softmax);
  library.impl("floor_divide", floor_divide);
}

}  // namespace kernels
}  // namespace voxconv::golden
