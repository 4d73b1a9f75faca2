#include "nn/time_conv.h"

#include <algorithm>

namespace voxconv::nn {
namespace {

constexpr std::int64_t channel_multiple = 16, least_kernel = 3;

torch::Tensor empty_rows(std::int64_t length, std::int64_t channels) { return torch::empty({length, channels}, torch::kFloat); }

torch::Tensor as_image(const torch::Tensor& rows) { return rows.view({1, 1, rows.size(0), rows.size(1)}).permute({0, 3, 1, 2}); }

/// [1, C, 1, L] as [L, C], contiguous; in channels-last memory a view.
torch::Tensor as_rows(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).contiguous().view({image.size(3), image.size(1)}); }

/// Rows [start, start + count) of `rows`, zeros beyond their end.
torch::Tensor padded_rows(const torch::Tensor& rows, std::int64_t start, std::int64_t count) {
  torch::Tensor result = torch::zeros({count, rows.size(1)}, torch::kFloat);
  const std::int64_t there = std::clamp<std::int64_t>(rows.size(0) - start, 0, count);
  if (there > 0) result.narrow(0, 0, there).copy_(rows.narrow(0, start, there));
  return result;
}

}  // namespace

TimeConv::TimeConv(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t dilation, torch::Device device,
                   torch::ScalarType type, double slope)
    : kernel_(weight.size(2)), dilation_(dilation), slope_(static_cast<float>(slope)) {
  const torch::NoGradGuard guard;
  const bool minimal = device.is_cpu() && type == torch::kFloat && at::hasMKLDNN() && kernel_ >= least_kernel &&
                       weight.size(0) % channel_multiple == 0 && weight.size(1) % channel_multiple == 0;
  if (!minimal) {
    conv_ =
        PackedConv(weight, bias, {.dilation = {1, dilation}}, device, type, slope == 1 ? Activation::none : Activation::leaky_relu, slope);
    return;
  }
  bias_ = bias.detach().to(torch::kFloat).contiguous();
  prepare(weight.detach().to(torch::kDouble));
}

// The kernel falls into segments of the filter's taps. A segment is as many samples long as a group puts out, or there is only one: so a
// segment sees the transform of the input that its neighbour sees a group earlier, and the sum over segments is a convolution over groups.
void TimeConv::prepare(const torch::Tensor& weight) {
  filter_ = &minimal_filter(kernel_);
  const std::int64_t out = weight.size(0), in = weight.size(1), taps = filter_->taps, points = filter_->points;
  segments_ = (kernel_ + taps - 1) / taps;
  const torch::Tensor segments = torch::constant_pad_nd(weight, {0, segments_ * taps - kernel_}).view({-1, taps});
  const torch::Tensor matrix =
      torch::tensor(c10::ArrayRef<double>(filter_->filter, static_cast<std::size_t>(points * taps)), torch::kDouble);
  const torch::Tensor products = torch::matmul(matrix.view({points, taps}), segments.t()).to(torch::kFloat);
  conv_ = PackedConv(products.view({points * out, in, segments_}), {}, {.dilation = {1, dilation_}, .groups = points}, torch::kCPU,
                     torch::kFloat);
}

torch::Tensor TimeConv::operator()(const torch::Tensor& x) const { return filter_ ? filter(x, {}) : conv_(x); }

torch::Tensor TimeConv::add(const torch::Tensor& x, const torch::Tensor& residual) const {
  TORCH_CHECK(slope_ == 1, "TimeConv::add() is for convolutions without activation");
  return filter_ ? filter(x, residual) : conv_.add(x, residual);
}

/// The transform of the first `groups` groups: [groups * dilation, points * in].
torch::Tensor TimeConv::transformed(const torch::Tensor& rows, std::int64_t groups) const {
  const std::int64_t in = rows.size(1), stride = filter_->outputs * dilation_, points = filter_->points;
  torch::Tensor values = empty_rows(groups * dilation_, points * in);
  const std::int64_t reach = (points - filter_->outputs) * dilation_;  // of a group into the next ones
  const std::int64_t whole = std::clamp<std::int64_t>((rows.size(0) - reach) / stride, 0, groups);
  float* value = values.data_ptr<float>();
  filter_->input(rows.data_ptr<float>(), value, whole, {in, dilation_});
  if (whole < groups) {
    const torch::Tensor last = padded_rows(rows, whole * stride, (groups - whole) * stride + reach);
    filter_->input(last.data_ptr<float>(), value + whole * dilation_ * points * in, groups - whole, {in, dilation_});
  }
  return values;
}

torch::Tensor TimeConv::filter(const torch::Tensor& x, const torch::Tensor& residual) const {
  const torch::Tensor rows = as_rows(x), beside = residual.defined() ? as_rows(residual) : residual;
  const std::int64_t length = rows.size(0) - (kernel_ - 1) * dilation_, out = bias_.size(0), stride = filter_->outputs * dilation_;
  const std::int64_t whole = length / stride, groups = (length + stride - 1) / stride;
  const torch::Tensor products = as_rows(conv_(as_image(transformed(rows, groups + segments_ - 1))));
  const auto finish = [&](std::int64_t group, std::int64_t count, const torch::Tensor& added, const torch::Tensor& y) {
    const float* product = products.data_ptr<float>() + group * dilation_ * filter_->points * out;
    const float* bias = bias_.data_ptr<float>();
    if (added.defined())
      filter_->output_add(product, bias, added.data_ptr<float>(), y.data_ptr<float>(), count, {out, dilation_});
    else
      filter_->output(product, bias, slope_, y.data_ptr<float>(), count, {out, dilation_});
  };
  const torch::Tensor result = empty_rows(length, out);
  finish(0, whole, beside, result);
  if (whole < groups) {  // the last group puts out more than there is room for
    const torch::Tensor last = empty_rows(stride, out);
    finish(whole, 1, beside.defined() ? padded_rows(beside, whole * stride, stride) : beside, last);
    result.narrow(0, whole * stride, length - whole * stride).copy_(last.narrow(0, 0, length - whole * stride));
  }
  return as_image(result);
}

}  // namespace voxconv::nn
