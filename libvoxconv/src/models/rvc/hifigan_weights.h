#pragma once
#include <functional>
#include <string>
#include <vector>

#include "models/rvc/config.h"
#include "models/rvc/residual_block.h"
#include "nn/tensor_reader.h"

namespace voxconv::rvc {

/// The tensors of a HiFi-GAN generator, whatever a checkpoint calls them.
struct HifiGanWeights {
  struct Stage {
    torch::Tensor up_weight, up_bias;                  ///< [in, out, k], [out]
    torch::Tensor noise_weight, noise_bias;            ///< [out, 1, k], [out]; undefined without excitation
    std::vector<std::vector<ResidualWeights>> blocks;  ///< by kernel size, then by dilation
  };
  torch::Tensor pre_weight, pre_bias, cond_weight, cond_bias, post_weight;
  torch::Tensor post_bias;                   ///< [1] or undefined
  torch::Tensor source_weight, source_bias;  ///< [1, partials], [1]; undefined without excitation
  std::vector<Stage> stages;
};

/// What the variants of HiFi-GAN call their tensors.
struct HifiGanNames {
  std::string up;  ///< the transposed convolutions, without their index
  /// Convolution `which` (0, 1) of dilation `step` in residual block `block` of `blocks` at stage `stage`.
  std::function<std::string(std::size_t stage, std::size_t block, std::size_t blocks, std::size_t step, int which)> residual;
  std::int64_t partials = 1;
  bool paired = true;  ///< two convolutions for each dilation
  bool post_bias = false;
};

HifiGanWeights read_hifigan(const Config& config, const HifiGanNames& names, nn::TensorReader& reader);

/// Plain and NSF HiFi-GAN as RVC and Applio call its parts.
HifiGanNames hifigan_names(const Config& config);

}  // namespace voxconv::rvc
