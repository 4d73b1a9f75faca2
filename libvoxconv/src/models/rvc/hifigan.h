#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/rvc/decoder.h"
#include "models/rvc/excitation.h"
#include "models/rvc/layers.h"

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

/// Applio's MRF HiFi-GAN: the network of NSF-HiFi-GAN with other names, an excitation of nine partials and a bias of the last convolution.
HifiGanNames mrf_hifigan_names();

/// HiFi-GAN (Kong et al. 2020) as RVC has it: with a speaker embedding and, for models with pitch, a harmonic excitation added at every
/// rate (NSF-HiFi-GAN). Works in blocks of about a second, each stage of a block in tiles that stay in the processor's cache; blocks and
/// tiles overlap by just what the convolutions reach, so that the cuts change no sample beyond rounding and memory does not grow with the
/// length.
class HifiGan : public Decoder {
 public:
  HifiGan(const Config& config, const HifiGanWeights& weights, torch::Device device, torch::ScalarType precision);

  torch::Tensor decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker, std::int64_t first,
                            std::int64_t last) const override;
  std::int64_t context_frames() const override { return context_frames_; }
  std::int64_t partials() const override { return source_ ? source_->partials() : 0; }
  torch::Tensor excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const override;

 private:
  /// One rate: transposed convolution, excitation, mean of the residual blocks.
  struct Stage {
    Upsampler up;
    nn::PackedConv noise;
    std::int64_t noise_stride = 0, noise_taps = 0, noise_padding = 0;  ///< in samples of the excitation; stride 0: takes none
    std::vector<ResidualBlock> blocks;
    std::int64_t channels = 0, reach = 0, tile = 0, rate = 0;  ///< rate: samples a frame
  };
  Stage make_stage(const HifiGanWeights::Stage& weights, std::int64_t rate, std::int64_t samples_per_frame, double scale) const;
  torch::Tensor run_tile(const Stage& stage, const Piece& input, const torch::Tensor& excitation, std::int64_t frames, Span span,
                         double next_slope) const;
  Piece run_stage(const Stage& stage, const Piece& input, const torch::Tensor& excitation, std::int64_t frames, Span span,
                  double next_slope) const;
  Span stage_input(const Stage& stage, Span span, std::int64_t frames) const;
  torch::Tensor decode_block(const Piece& z, const torch::Tensor& excitation, const torch::Tensor& condition, std::int64_t frames,
                             Span audio) const;

  torch::Device device_;
  torch::ScalarType precision_;
  std::int64_t hop_, context_frames_ = 0;
  nn::PackedConv pre_, post_;
  std::int64_t pre_reach_, post_reach_;
  torch::Tensor cond_weight_, cond_bias_;
  std::vector<Stage> stages_;
  std::optional<Excitation> source_;
};

}  // namespace voxconv::rvc
