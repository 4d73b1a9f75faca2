#include "models/rvc/residual_block.h"

namespace voxconv::rvc {

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
