#pragma once
#include <memory>
#include <vector>

#include "features/content/content_encoder.h"
#include "features/content/hubert_weights.h"
#include "nn/conv.h"
#include "nn/graph.h"
#include "nn/linear.h"

namespace voxconv {

/// HuBERT base: seven convolutions over the waveform (400 samples a frame, 320 from frame to frame), a convolution for the positions, and
/// post-norm transformer layers. Its frames come on the 100 Hz clock as RVC puts them there: each twice. The input is not normalised.
/// Memory grows with the number of frames alone: the convolutions over the waveform are computed piece by piece.
class HubertEncoder : public ContentEncoder {
 public:
  enum class Output {
    last_layer,       ///< RVC v2: the output of the last layer
    layer9_projected  ///< RVC v1: the output of the ninth layer through the final projection; later layers are not computed
  };
  /// `heads`: of the attention. `source` is the file, for the Error(bad_model).
  HubertEncoder(const HubertWeights& weights, std::int64_t heads, Output output, const std::string& source, torch::Device device,
                torch::ScalarType precision);

  std::int64_t dim() const override { return dim_; }
  torch::Tensor encode(const torch::Tensor& audio) const override;
  torch::Tensor encode_windows(const torch::Tensor& audio) const override;
  /// 16 kHz audio [N] -> [max(1, (N - 400) / 320 + 1), dim] float32, 50 frames a second.
  torch::Tensor encode_frames(const torch::Tensor& audio) const override;
  std::int64_t repeats() const override { return 2; }

 private:
  struct Norm {
    torch::Tensor weight, bias;
  };
  struct Layer {
    nn::PackedLinear qkv, attention_out, ffn_in, ffn_out;
    Norm attention_norm, final_norm;
  };
  torch::Tensor frames_of(const torch::Tensor& audio) const;
  torch::Tensor network(const torch::Tensor& signals) const;
  torch::Tensor waveform_features(const torch::Tensor& signals) const;
  nn::PackedConv normalised_first_conv(const torch::Tensor& signal) const;
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x, std::int64_t batch) const;

  torch::Device device_;
  std::int64_t heads_, dim_, hidden_, position_taps_;
  torch::Tensor first_conv_;  // [C, 10], float64
  Norm first_norm_, feature_norm_, encoder_norm_;
  std::vector<nn::PackedConv> convs_;  // all but the first
  nn::PackedConv positions_;
  nn::PackedLinear feature_projection_, final_projection_;
  std::vector<Layer> layers_;
  bool projected_;
  nn::CudaGraphCache calls_;
};

}  // namespace voxconv
