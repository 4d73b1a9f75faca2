#pragma once
#include <optional>
#include <vector>

#include "models/separation/roformer/transformer.h"

namespace voxconv::roformer {

/// The networks BS-RoFormer (W.-T. Lu et al., "Music Source Separation with Band-Split RoPE Transformer", 2023) and MelBand-RoFormer (J.-C.
/// Wang et al., "Mel-Band RoFormer for Music Source Separation", 2023), as lucidrains' BS-RoFormer and ZFTurbo's
/// Music-Source-Separation-Training have them: the bins of each band become a token, transformers look along time and along the bands in
/// turn, and for each stem the tokens become complex weights of the bins. Where bands overlap, a bin has the mean of its weights. Spectra
/// are [frames, bins, 2 channels, 2 (real, imaginary)], tokens [frames, bands, dim], both fp32 on the network's device. Const and
/// thread-safe.
class Network {
 public:
  /// Takes the network's tensors from `reader`; spectra have at most `frames` frames and, as the bands say, so many bins.
  Network(nn::TensorReader& reader, NetworkConfig config, std::int64_t frames, Arithmetic arithmetic);

  const NetworkConfig& config() const { return config_; }

  /// The weights of some stems: [stems, frames, bins, 2, 2].
  torch::Tensor operator()(const torch::Tensor& spectrum, const std::vector<std::int64_t>& stems) const;

  /// Its parts by themselves.
  torch::Tensor split(const torch::Tensor& spectrum) const;
  bool has_linear() const { return config_.linear_depth > 0; }
  torch::Tensor linear(std::int64_t block, const torch::Tensor& tokens) const;
  torch::Tensor along_time(std::int64_t block, torch::Tensor tokens) const;                        ///< may write into `tokens`
  torch::Tensor along_bands(std::int64_t block, torch::Tensor tokens) const;                       ///< may write into `tokens`
  torch::Tensor masks(const torch::Tensor& tokens, const std::vector<std::int64_t>& stems) const;  ///< from the last block's tokens

 private:
  struct Block {
    std::optional<Transformer> linear;
    Transformer time, bands;
  };
  /// Most of the weights (770 of 870 MiB in MelBand-RoFormer) are those of the masks, and each is needed once for a segment: they stay in
  /// the file.
  using MaskEstimator = std::vector<nn::PackedLinear>;

  NetworkConfig config_;
  std::int64_t bins_ = 0, tile_;
  std::vector<NormedLinear> split_;  ///< per band
  std::vector<Block> blocks_;
  torch::Tensor final_gamma_;                           ///< undefined: each transformer has a norm of its own
  std::vector<std::vector<MaskEstimator>> estimators_;  ///< per stem and band
  torch::Tensor bands_over_bin_;                        ///< [bins, 1, 1]
};

}  // namespace voxconv::roformer
