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

/// Residual branches along the time of each row, in a space of fewer channels (Demucs' DConv).
class ResidualBranches {
 public:
  ResidualBranches() = default;
  ResidualBranches(nn::TensorReader& reader, const std::string& name, std::int64_t channels, const Config& config, Arithmetic arithmetic);
  /// [rows, time, channels] -> the same.
  torch::Tensor operator()(torch::Tensor x) const;

 private:
  struct Layer {
    nn::PackedConv down;
    nn::PackedLinear up;
    torch::Tensor down_weight, down_bias, up_weight, up_bias;  ///< of the norms after each
    torch::Tensor scale;
  };
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
  nn::PackedConv conv_;
  ResidualBranches residuals_;
  nn::PackedLinear gate_;
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
  nn::PackedConv gate_, up_;
  ResidualBranches residuals_;
};

}  // namespace voxconv::htdemucs
