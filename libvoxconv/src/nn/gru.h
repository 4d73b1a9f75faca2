#pragma once
#include <vector>

#include "nn/torch.h"

namespace voxconv::nn {

/// A gated recurrent unit for inference: one or more layers, over one direction of time or both. Const and thread-safe.
class Gru {
 public:
  Gru() = default;
  /// For each layer and, with two, each direction: the weights of the input [3 H, in] and of the state [3 H, H], and their biases [3 H];
  /// the gates in PyTorch's order (reset, update, new).
  Gru(std::vector<torch::Tensor> weights, bool both_directions, torch::Device device, torch::ScalarType type = torch::kFloat);

  /// The state before the first frame, for `batch` sequences.
  torch::Tensor start(std::int64_t batch) const;
  /// x [B, T, in] -> [B, T, H], or [B, T, 2 H] of both directions. Goes on from `state` and leaves the last one there.
  torch::Tensor operator()(const torch::Tensor& x, torch::Tensor& state) const;

 private:
  std::vector<torch::Tensor> weights_;  ///< as torch::gru takes them
  bool both_directions_ = false;
};

}  // namespace voxconv::nn
