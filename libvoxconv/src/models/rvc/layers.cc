#include "models/rvc/layers.h"

namespace voxconv::rvc {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

// Sample n * rate + r of a transposed convolution is the sum over m of x[n - m] * weight[m * rate + r].
torch::Tensor polyphase(const torch::Tensor& weight, std::int64_t rate, std::int64_t taps) {
  const std::int64_t in = weight.size(0), out = weight.size(1);
  const torch::Tensor padded = torch::constant_pad_nd(weight, {0, taps * rate - weight.size(2)});
  return padded.view({in, out, taps, rate}).permute({3, 1, 0, 2}).reshape({rate * out, in, taps}).flip(2);
}

}  // namespace

Upsampler::Upsampler(const torch::Tensor& weight, const torch::Tensor& bias, std::int64_t rate, torch::Device device,
                     torch::ScalarType type)
    : rate_(rate), taps_(ceil_div(weight.size(2), rate)), padding_((weight.size(2) - rate + 1) / 2), channels_(weight.size(1)) {
  const torch::NoGradGuard guard;
  conv_ = nn::PackedConv(polyphase(weight, rate, taps_), bias.repeat({rate}), {}, device, type);
}

Span Upsampler::groups(Span output) const { return {floor_div(output.begin + padding_, rate_), ceil_div(output.end + padding_, rate_)}; }

Span Upsampler::input(Span output) const {
  const Span needed = groups(output);
  return {needed.begin - taps_ + 1, needed.end};
}

Span Upsampler::covered(Span output) const {
  const Span needed = groups(output);
  return {needed.begin * rate_ - padding_, needed.end * rate_ - padding_};
}

Piece Upsampler::operator()(const Piece& x, std::int64_t length, Span output, const torch::Tensor& added) const {
  const torch::Tensor source = cut(x, input(output), length);
  torch::Tensor y;
  if (added.defined()) {
    const std::int64_t count = added.size(3) / rate_;
    y = conv_.add(source, image_of(rows_of(added).view({count, rate_ * channels_})));
  } else {
    y = conv_(source);
  }
  return {image_of(rows_of(y).view({-1, channels_})), covered(output).begin};
}

ResidualBlock::ResidualBlock(const std::vector<ResidualWeights>& weights, double slope, torch::Device device, torch::ScalarType type)
    : slope_(slope) {
  for (const ResidualWeights& w : weights) {
    Step step;
    step.paired = w.weight2.defined();
    step.reach1 = (w.weight1.size(2) - 1) / 2 * w.dilation;
    step.first = nn::TimeConv(w.weight1, w.bias1, w.dilation, device, type, step.paired ? slope : 1);
    if (step.paired) {
      step.reach2 = (w.weight2.size(2) - 1) / 2;
      step.second = nn::TimeConv(w.weight2, w.bias2, 1, device, type);
    }
    reach_ += step.reach1 + step.reach2;
    steps_.push_back(std::move(step));
  }
}

torch::Tensor ResidualBlock::operator()(const Piece& x, const Piece& activated, Span span, std::int64_t length) const {
  Piece sum = x, input = activated;
  std::int64_t rest = reach_;
  for (const Step& step : steps_) {
    rest -= step.reach1 + step.reach2;
    const Span wanted = span.widened(rest).within(length), inner = wanted.widened(step.reach2).within(length);
    const torch::Tensor residual = cut(sum, wanted, length), source = cut(input, inner.widened(step.reach1), length);
    if (step.paired) {
      const Piece middle{step.first(source), inner.begin};
      sum = {step.second.add(cut(middle, wanted.widened(step.reach2), length), residual), wanted.begin};
    } else {
      sum = {step.first.add(source, residual), wanted.begin};
    }
    if (&step != &steps_.back()) input = {torch::leaky_relu(sum.x, slope_), sum.begin};
  }
  return sum.x;
}

}  // namespace voxconv::rvc
