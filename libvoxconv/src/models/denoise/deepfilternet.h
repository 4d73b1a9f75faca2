#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/conv.h"
#include "nn/gru.h"
#include "nn/tensor_reader.h"
#include "nn/torch.h"

namespace voxconv::deepfilternet {

constexpr std::int64_t erb_bands = 32, filter_bins = 96, filter_order = 5, embedding_dim = 512;

/// A linear layer whose inputs and outputs are divided into groups that don't see one another.
class GroupedLinear {
 public:
  GroupedLinear() = default;
  explicit GroupedLinear(torch::Tensor weight) : weight_(std::move(weight)) {}  ///< [groups, in / groups, out / groups]
  torch::Tensor operator()(const torch::Tensor& x) const;                       ///< [T, in] -> [T, out]

 private:
  torch::Tensor weight_;
};

/// A grouped linear layer to fewer numbers, a GRU, and often a grouped linear layer back.
struct SqueezedGru {
  GroupedLinear squeeze, expand;
  nn::Gru gru;
};

/// The networks of DeepFilterNet3 (H. Schröter, T. Rosenkranz, A. N. Escalante-B., A. Maier, "DeepFilterNet: Perceptually Motivated
/// Real-Time Speech Enhancement", INTERSPEECH 2023): from features of a spectrum, a gain for each ERB band, and for each of the lowest bins
/// a complex filter over five frames. Causal: frames may come in blocks of any length, with a State from one to the next. Computed in fp32;
/// images are [1, channels, frames, bins] in channels-last memory. Const and thread-safe.
class Network {
 public:
  /// What later frames need of those before them.
  struct State {
    torch::Tensor erb, low, path;         ///< last frames that the convolutions over time see: [1, 1, 2, 32], [1, 2, 2, 96], [1, 64, 4, 96]
    torch::Tensor encoder, mask, filter;  ///< of the GRUs
  };
  /// What both decoders see.
  struct Encoded {
    std::array<torch::Tensor, 4> erb;  ///< [1, 64, T, 32], [.. 16], [.. 8], [.. 8]
    torch::Tensor low;                 ///< [1, 64, T, 96]
    torch::Tensor embedding;           ///< [T, 512]
  };

  /// Takes all tensors of `reader`.
  Network(nn::TensorReader& reader, torch::Device device);

  State start() const;
  /// `erb` [T, 32] and `low` [2, T, 96] (real and imaginary parts) of T > 0 frames.
  Encoded encode(const torch::Tensor& erb, const torch::Tensor& low, State& state) const;
  /// The gains [T, 32] in (0, 1).
  torch::Tensor mask(const Encoded& encoded, State& state) const;
  /// The filters [T, 96, 5, 2] (real and imaginary parts), the earliest frame first.
  torch::Tensor filter(const Encoded& encoded, State& state) const;

 private:
  struct Scaling {
    torch::Tensor scale, shift;  ///< [1, 64, 1, 1]
  };

  torch::Device device_;
  std::array<nn::PackedConv, 4> erb_;
  std::array<nn::PackedConv, 2> low_;
  GroupedLinear low_linear_;
  SqueezedGru encoder_, mask_gru_, filter_gru_;
  std::array<Scaling, 4> skips_;      ///< of the encoder's images on their way to the mask
  std::array<nn::PackedConv, 4> up_;  ///< from the smallest image to the mask; the second and third double the bins
  nn::PackedConv path_;
  GroupedLinear filter_skip_, filter_output_;
};

}  // namespace voxconv::deepfilternet
