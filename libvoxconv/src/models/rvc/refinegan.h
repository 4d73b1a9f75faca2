#pragma once
#include <vector>

#include "models/rvc/decoder.h"
#include "models/rvc/excitation.h"
#include "models/rvc/layers.h"

namespace voxconv::rvc {

/// The tensors of Applio's RefineGAN generator.
struct RefineGanWeights {
  struct Stage {
    torch::Tensor weight, bias;                        ///< of the convolution over what comes from below and from the excitation
    std::vector<std::vector<ResidualWeights>> blocks;  ///< by kernel size, then by dilation
  };
  torch::Tensor source_weight;                        ///< [1, 1]
  torch::Tensor pre_weight, pre_bias;                 ///< over the excitation
  std::vector<torch::Tensor> down_weight, down_bias;  ///< from the highest rate to the lowest
  torch::Tensor mel_weight, mel_bias, cond_weight, cond_bias, post_weight;
  std::vector<Stage> stages;
};

/// RefineGAN (Xu et al. 2021) as Applio has it: the excitation is brought down to the frame rate step by step and joined again with the
/// latent frames at each rate on the way up. Computed in blocks and tiles as HifiGan. Applio adds noise (its AdaIN layers, deviation of
/// about 1e-4 of the activations' scale) before and after each residual block even in inference; voxconv leaves it out.
class RefineGan : public Decoder {
 public:
  RefineGan(const Config& config, const RefineGanWeights& weights, torch::Device device, torch::ScalarType precision);

  torch::Tensor decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker, std::int64_t first,
                            std::int64_t last) const override;
  std::int64_t context_frames() const override { return context_frames_; }
  std::int64_t partials() const override { return source_.partials(); }
  torch::Tensor excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const override;

 private:
  /// From one rate to the next lower one: windowed-sinc resampling, then a convolution.
  struct Down {
    std::int64_t rate = 1, reach = 0;
    torch::Tensor kernel;  ///< [taps]
    nn::PackedConv conv;
  };
  struct Stage {
    std::int64_t rate = 1, samples_per_frame = 1, channels = 0, tile = 0, reach = 0;
    nn::TimeConv conv;
    std::vector<ResidualBlock> blocks;
  };
  /// What of each signal a part of the audio needs.
  struct Plan {
    std::vector<Span> stages;  ///< outputs of the stages; before them the frames the first one takes
    std::vector<Span> downs;   ///< the excitation at each rate, highest first; behind them what the last convolution gives
  };
  Plan plan(Span audio, std::int64_t frames) const;
  Piece descend(const Down& down, const Piece& x, Span span, std::int64_t length) const;
  torch::Tensor run_tile(const Stage& stage, const Piece& below, const Piece& beside, std::int64_t frames, Span span) const;
  torch::Tensor decode_block(const Piece& z, const Piece& excitation, const torch::Tensor& condition, std::int64_t frames,
                             Span audio) const;

  torch::Device device_;
  torch::ScalarType precision_;
  std::int64_t hop_, context_frames_ = 0;
  Excitation source_;
  nn::PackedConv pre_, mel_, post_;
  torch::Tensor cond_weight_, cond_bias_;
  std::vector<Down> downs_;
  std::vector<Stage> stages_;
};

RefineGanWeights read_refinegan(const Config& config, nn::TensorReader& reader);

}  // namespace voxconv::rvc
