#include "nn/gru.h"

namespace voxconv::nn {
namespace {

constexpr std::int64_t tensors_of_part = 4;  // of one direction of a layer

}  // namespace

Gru::Gru(std::vector<torch::Tensor> weights, bool both_directions, torch::Device device, torch::ScalarType type)
    : weights_(std::move(weights)), both_directions_(both_directions) {
  const torch::NoGradGuard guard;
  for (torch::Tensor& weight : weights_) weight = weight.to(device, type, false, /*copy=*/true).contiguous();
  constexpr std::int64_t mode_gru = 3;
  const std::int64_t layers = std::int64_t(weights_.size()) / tensors_of_part / (both_directions ? 2 : 1);
  // cuDNN wants them in one block; else it makes one, with a warning, in each call.
  if (device.is_cuda() && torch::cudnn_is_acceptable(weights_[0]))
    torch::_cudnn_rnn_flatten_weight(weights_, tensors_of_part, weights_[0].size(1), mode_gru, weights_[1].size(1), /*proj_size=*/0, layers,
                                     /*batch_first=*/true, both_directions);
}

torch::Tensor Gru::start(std::int64_t batch) const {
  return torch::zeros({std::int64_t(weights_.size()) / tensors_of_part, batch, weights_[1].size(1)}, weights_[0].options());
}

torch::Tensor Gru::operator()(const torch::Tensor& x, torch::Tensor& state) const {
  const std::int64_t layers = state.size(0) / (both_directions_ ? 2 : 1);
  auto [y, last] = torch::gru(x, state, weights_, /*has_biases=*/true, layers, /*dropout=*/0, /*train=*/false, both_directions_,
                              /*batch_first=*/true);
  state = last;
  return y;
}

}  // namespace voxconv::nn
