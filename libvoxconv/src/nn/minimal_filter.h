#pragma once
#include <cstdint>

namespace voxconv::nn {

/// The transforms of minimal filtering (Winograd 1980; Toom-Cook): `outputs` samples of a convolution with `taps` taps from
/// outputs + taps - 1 products (`points`) instead of outputs * taps. All channels of a sample lie together. For the caller, weights are
/// filter(taps) -> points; samples are input(points) -> points; products are output(points) -> outputs.
struct MinimalFilter {
  std::int64_t outputs, taps, points;
  const double* filter;  ///< [points, taps]

  /// What the transforms work on: `groups` groups of `dilation` interleaved runs. Sample i of run q of group t is row
  /// (t * outputs + i) * dilation + q; its products are row t * dilation + q of [.., points, channels].
  struct Layout {
    std::int64_t channels, dilation;  ///< channels: a multiple of 16
  };
  void (*input)(const float* x, float* products, std::int64_t groups, Layout layout);
  /// y = leaky(output(products) + bias); a slope of 1 is no activation.
  void (*output)(const float* products, const float* bias, float slope, float* y, std::int64_t groups, Layout layout);
  /// y = output(products) + bias + residual.
  void (*output_add)(const float* products, const float* bias, const float* residual, float* y, std::int64_t groups, Layout layout);
};

/// The quickest filter for kernels of `taps` taps whose rounding errors stay within a few times those of the plain convolution, for this
/// processor.
const MinimalFilter& minimal_filter(std::int64_t taps);

}  // namespace voxconv::nn
