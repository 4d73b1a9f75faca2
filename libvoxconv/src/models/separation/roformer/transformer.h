#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/separation/roformer/config.h"
#include "nn/linear.h"
#include "nn/tensor_reader.h"
#include "nn/torch.h"

namespace voxconv::roformer {

/// Where and in what type the products are computed; sums, norms and rotations are fp32.
struct Arithmetic {
  torch::Device device = torch::kCPU;
  torch::ScalarType type = torch::kFloat;
};

/// A linear layer behind an RMS norm (x / |x| * sqrt(dim) * gamma, |x| at least 1e-12), whose gains are part of the weights.
class NormedLinear {
 public:
  NormedLinear() = default;
  /// `weight` [out, in], `gamma` [in], `bias` [out] or undefined.
  NormedLinear(const torch::Tensor& weight, const torch::Tensor& gamma, const torch::Tensor& bias, Arithmetic arithmetic,
               nn::Activation activation = nn::Activation::none);
  torch::Tensor operator()(const torch::Tensor& x) const;  ///< [..., in] -> [..., out]

 private:
  nn::PackedLinear linear_;
  torch::ScalarType type_ = torch::kFloat;
};

/// x / |x| * sqrt(dim) * gamma over the last dimension.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& gamma);

/// Which attention a transformer has.
enum class AttentionKind {
  rotary,  ///< softmax attention, queries and keys rotated by their position (Su et al., 2021), each head behind a gate
  linear   ///< between features instead of positions (El-Nouby et al., 2021)
};

/// Layers of attention and feed-forward of the RoFormer separators (Lu et al., 2023; Wang et al., 2023; lucidrains' BS-RoFormer). Const and
/// thread-safe.
class Transformer {
 public:
  /// Takes its tensors from `reader`, whose prefix ends at the transformer's name. Sequences have at most `positions` tokens.
  Transformer(nn::TensorReader& reader, const std::string& name, AttentionKind kind, std::int64_t depth, std::int64_t positions,
              const NetworkConfig& config, Arithmetic arithmetic);
  /// [sequences, tokens, dim] -> the same, in fp32; no sequence sees another.
  torch::Tensor operator()(torch::Tensor x) const;

 private:
  struct Layer {
    NormedLinear qkv;              ///< queries, keys, values; of rotary attention the gates, too
    torch::Tensor cosines, sines;  ///< rotary: [positions, 1, head_dim / 2]
    torch::Tensor temperature;     ///< linear: [heads, 1, 1]
    nn::PackedLinear out;
    NormedLinear up;
    nn::PackedLinear down;
  };
  torch::Tensor rotary_attention(const Layer& layer, const torch::Tensor& x) const;
  torch::Tensor linear_attention(const Layer& layer, const torch::Tensor& x) const;

  AttentionKind kind_;
  std::int64_t heads_, head_dim_;
  torch::ScalarType type_;
  std::vector<Layer> layers_;
  torch::Tensor gamma_;  ///< of the norm behind them; undefined: none
};

}  // namespace voxconv::roformer
