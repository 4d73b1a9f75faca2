#pragma once
#include <vector>

#include "models/rvc/config.h"
#include "models/rvc/layers.h"
#include "nn/conv.h"

namespace voxconv::rvc {

/// The tensors of a flow.
struct FlowWeights {
  struct Coupling {
    Affine pre, post;             ///< [hidden, inter / 2, 1], [inter / 2, hidden, 1]
    Affine speaker;               ///< [layers * 2 * hidden, speaker_dim, 1]
    std::vector<Affine> in, out;  ///< [2 * hidden, hidden, 5], [2 * hidden, hidden, 1]; the last out [hidden, hidden, 1]
  };
  std::vector<Coupling> couplings;
};

/// Takes the tensors "flow.*".
FlowWeights read_flow(const Config& config, nn::TensorReader& reader);

/// VITS's normalizing flow in reverse: four couplings, each of which subtracts from one half of the channels what a WaveNet, conditioned on
/// the speaker, predicts from the other half. RVC's flips of the channels are in the weights. float32.
class Flow {
 public:
  Flow(const Config& config, const FlowWeights& weights, torch::Device device);

  static constexpr std::int64_t context_frames = 24;  ///< either side that a frame depends on
  /// `drawn` [inter_channels, T], `speaker` [speaker_dim] -> [inter_channels, T].
  torch::Tensor operator()(const torch::Tensor& drawn, const torch::Tensor& speaker) const;

 private:
  struct Layer {
    nn::PackedConv in, skip, residual;  ///< the last layer has no residual
  };
  struct Coupling {
    nn::PackedConv pre, post;  ///< post gives what is added
    std::vector<Layer> layers;
    Affine speaker;  ///< [layers * 2 * hidden, speaker_dim]
  };
  torch::Tensor couple(const Coupling& coupling, const torch::Tensor& condition, const torch::Tensor& changed,
                       const torch::Tensor& speaker) const;

  std::int64_t hidden_, half_;
  std::vector<Coupling> couplings_;  ///< in the order of the reverse direction
};

}  // namespace voxconv::rvc
