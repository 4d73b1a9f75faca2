#pragma once
#include <optional>
#include <vector>

#include "models/rvc/decoder.h"
#include "models/rvc/excitation.h"
#include "models/rvc/hifigan_weights.h"
#include "models/rvc/upsampler.h"

namespace voxconv::rvc {

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
