#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/separation/htdemucs/config.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/tensor_reader.h"
#include "nn/torch.h"

namespace voxconv::htdemucs {

/// The U-Nets of HTDemucs see a spectrogram and a sound. Both lie in memory as [rows, time, channels]: the spectrogram has a row for each
/// frequency, and its levels shorten the rows; the sound has one row, and its levels shorten the time.
enum class Branch { spectrogram, sound };

/// x [rows, time, C], normalised over all of each row (GroupNorm with one group).
torch::Tensor row_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

/// A convolution of images [1, C, rows, time] in channels-last memory. Not nn::PackedConv: what that packs is no faster here in fp32, and
/// in bfloat16 oneDNN takes ten times as long with it for kernels of 3 x 3 (LibTorch 2.13).
class Conv {
 public:
  Conv() = default;
  /// `weight` [out, in, kh, kw], or [out, in, k] along the time.
  Conv(const torch::Tensor& weight, const torch::Tensor& bias, nn::ConvShape shape, Arithmetic arithmetic);
  /// [R, T, in] -> [R', T', out].
  torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  torch::Tensor weight_, bias_;
  nn::ConvShape shape_;
};

/// A linear layer whose outputs are gated: a * sigmoid(b) for the halves a and b of what it gives.
class GatedLinear {
 public:
  GatedLinear() = default;
  /// `weight` [2 C, in], `bias` [2 C]; `scale` [C] or undefined: what the result is multiplied with.
  GatedLinear(const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& scale, Arithmetic arithmetic);
  /// x [..., in] -> `target` [..., C], contiguous; `residual` of the same shape is added where it is defined.
  void operator()(const torch::Tensor& x, const torch::Tensor& target, const torch::Tensor& residual = {}) const;

 private:
  nn::PackedLinear half_, tanh_;
};

/// Residual branches along the time of each row, in a space of fewer channels (Demucs' DConv).
class ResidualBranches {
 public:
  ResidualBranches() = default;
  ResidualBranches(nn::TensorReader& reader, const std::string& name, std::int64_t channels, const Config& config, Arithmetic arithmetic);
  /// [rows, time, channels] -> the same.
  torch::Tensor operator()(torch::Tensor x) const;

 private:
  /// Convolution, norm, GELU, linear layer, norm, gate. The second norm is part of the linear layer: its mean and deviation follow from
  /// those of what the layer takes, and so the wide result needs to be made only once.
  struct Layer {
    Conv down;
    torch::Tensor norm_weight, norm_bias;
    // Of the linear layer, in fp32: the mean over its outputs [hidden], []; what is left without it [2 channels, hidden], [2 channels];
    // and the mean over the outputs of the products of their weights [hidden, hidden].
    torch::Tensor mean_weight, mean_bias, weight, bias, gram;
    GatedLinear up;  ///< takes hidden, and what the norm makes of a constant and of the mean
  };
  torch::Tensor normalised_inputs(const Layer& layer, const torch::Tensor& x) const;

  std::vector<Layer> layers_;
};

/// A level on the way down: a quarter of the rows or of the time.
class Encoder {
 public:
  Encoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, const Config& config,
          Arithmetic arithmetic);
  /// [R, T, in] -> [R / 4, T, out], or of a sound [1, T, in] -> [1, ceil(T / 4), out].
  torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  Branch branch_;
  Conv conv_;
  ResidualBranches residuals_;
  GatedLinear gate_;
};

/// A level on the way up.
class Decoder {
 public:
  /// `last`: its result is no feature but the network's, in fp32.
  Decoder(nn::TensorReader& reader, const std::string& name, Branch branch, std::int64_t in, std::int64_t out, bool last,
          const Config& config, Arithmetic arithmetic);
  /// What comes from below and what the encoder at the height below gave, [R, T, in] -> [4 R, T, out]; of sounds [1, T, in] ->
  /// [1, `length`, out].
  torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& skip, std::int64_t length) const;

 private:
  torch::Tensor mixed(const torch::Tensor& x, const torch::Tensor& skip) const;

  Branch branch_;
  std::int64_t context_, out_;
  bool last_;
  Conv gate_, up_;
  ResidualBranches residuals_;
};

}  // namespace voxconv::htdemucs
