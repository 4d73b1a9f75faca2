#pragma once
#include <memory>
#include <vector>

#include "models/rvc/config.h"
#include "nn/state_dict.h"

namespace voxconv::rvc {

/// The last part of an RVC synthesizer: latent frames and a harmonic excitation in, audio out. Const and thread-safe. float32 at the
/// borders whatever the precision inside.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// `z` [inter_channels, T], `excitation` [T * hop] (undefined for models without pitch), `speaker` [speaker_dim] -> audio [T * hop].
  torch::Tensor decode(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker) const {
    return decode_part(z, excitation, speaker, 0, z.size(1));
  }
  /// Of that only the frames [first, last), which spares most of the work for the others.
  virtual torch::Tensor decode_part(const torch::Tensor& z, const torch::Tensor& excitation, const torch::Tensor& speaker,
                                    std::int64_t first, std::int64_t last) const = 0;
  /// Frames either side of a frame that its samples depend on.
  virtual std::int64_t context_frames() const = 0;

  /// Partials of the excitation's source: 1 in RVC, 9 in MRF HiFi-GAN; 0: the model takes no excitation.
  virtual std::int64_t partials() const = 0;
  /// Phase of the sine of each partial, in cycles. Zero at the start of a song.
  using Phase = std::vector<double>;
  /// `f0` [T] Hz (0: unvoiced), `noise` [T * hop, partials] N(0, 1) -> excitation [T * hop]; moves `phase` on (filled where empty). One
  /// more frame of f0 may follow, for decoders that look ahead.
  virtual torch::Tensor excite(const torch::Tensor& f0, const torch::Tensor& noise, Phase& phase) const = 0;
};

/// Takes the tensors "dec.*" of `weights` (weight norm fused). Strict: throws Error(bad_model) that names what is missing, extra or
/// mis-shaped.
std::unique_ptr<const Decoder> make_decoder(const Config& config, const nn::StateDict& weights, torch::Device device,
                                            torch::ScalarType precision);

}  // namespace voxconv::rvc
