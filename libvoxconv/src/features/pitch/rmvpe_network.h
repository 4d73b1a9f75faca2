#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nn/conv.h"
#include "nn/graph.h"
#include "nn/gru.h"
#include "nn/state_dict.h"
#include "nn/torch.h"

namespace voxconv {

/// RMVPE's network (Wei et al., "RMVPE: a robust model for vocal pitch estimation in polyphonic music", INTERSPEECH 2023), the class E2E of
/// its authors and of RVC: a U-Net of residual blocks over the log-mel image, a bidirectional GRU over time, 360 pitch classes. All sizes
/// follow from the tensors; batch normalisation is folded into the convolutions.
class RmvpeNetwork {
 public:
  /// `source` is the file, for the Error(bad_model).
  RmvpeNetwork(const nn::StateDict& tensors, const std::string& source, torch::Device device);

  torch::Device device() const { return device_; }
  std::int64_t mel_bins() const { return mel_bins_; }
  /// Frames that an input's length must be a multiple of: what the U-Net halves.
  std::int64_t frame_multiple() const { return std::int64_t(1) << encoder_.size(); }
  /// Log-mel of B sounds [B, T, bins] float32 -> salience of the classes [B, T, 360] in (0, 1), float32.
  torch::Tensor operator()(const torch::Tensor& mel) const;

  /// relu(scale * conv(x) + shift): a convolution of 3 x 3 and the batch normalisation behind it.
  class NormedConv {
   public:
    NormedConv() = default;
    NormedConv(const torch::Tensor& weight, const torch::Tensor& scale, const torch::Tensor& shift, torch::Device device);
    torch::Tensor operator()(const torch::Tensor& x) const;

   private:
    std::optional<nn::PackedConv> packed_;
    torch::Tensor weight_, scale_, shift_;  ///< else, as they are in the file: of large convolutions on the CPU, packed anew in each call
  };
  /// relu(conv(relu(conv(x)))) + x, or + a convolution of x where the channels change.
  struct Block {
    NormedConv first, second;
    std::optional<nn::PackedConv> shortcut;
  };
  using Blocks = std::vector<Block>;
  /// Doubles the image by a transposed convolution, appends the encoder's image of that size, and goes on with blocks.
  struct Decoder {
    nn::PackedConv up;  // the four pixels of each double-sized one as channels
    Blocks blocks;
  };

 private:
  torch::Tensor salience(const torch::Tensor& mel) const;

  torch::Device device_;
  std::int64_t mel_bins_ = 0;
  torch::Tensor scale_, shift_;  // of the input
  std::vector<Blocks> encoder_, middle_;
  std::vector<Decoder> decoder_;
  nn::PackedConv last_;
  nn::Gru gru_;
  torch::Tensor out_weight_, out_bias_;
  nn::CudaGraphCache calls_;
};

}  // namespace voxconv
