#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/separation/htdemucs/config.h"
#include "nn/linear.h"
#include "nn/tensor_reader.h"
#include "nn/torch.h"

namespace voxconv::htdemucs {

/// What the two branches of a network are at some place, as [rows, time, channels].
struct Branches {
  torch::Tensor spectrogram, sound;
};

/// The transformer between the U-Nets: each branch has layers of its own, which take turns in attending to the branch itself and to the
/// other one. Const and thread-safe.
class CrossTransformer {
 public:
  /// Takes `crosstransformer.*` and, where the transformer is wider than the U-Nets, `channel_*`. `sound_length`: of the lowest level.
  CrossTransformer(nn::TensorReader& reader, const Config& config, std::int64_t sound_length, Arithmetic arithmetic);

  /// [rows, frames, C], [1, sound_length, C] -> the same shapes, in fp32.
  Branches operator()(const Branches& x) const;

 private:
  struct Norm {
    torch::Tensor weight, bias;
  };
  struct Layer {
    Norm queries, keys, hidden, out;       ///< before attention (of keys only where they are the other branch's), before and after the rest
    nn::PackedLinear in_queries, in_rest;  ///< to itself: in_rest gives queries, keys and values
    nn::PackedLinear out_heads, up, down;
  };
  struct Side {
    nn::PackedLinear widen, narrow;  ///< where the U-Nets are narrower
    Norm in;
    torch::Tensor positions;  ///< [tokens, dim]
    std::vector<Layer> layers;
  };

  Side read_side(nn::TensorReader& reader, const Config& config, bool sound, torch::Tensor positions, Arithmetic arithmetic) const;
  torch::Tensor enter(const Side& side, const torch::Tensor& x) const;
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x, const torch::Tensor& other) const;
  bool crosses(std::size_t layer) const { return (layer % 2 == 0) == config_.cross_first; }

  TransformerConfig config_;
  bool widened_;
  Side spectrogram_, sound_;
};

}  // namespace voxconv::htdemucs
