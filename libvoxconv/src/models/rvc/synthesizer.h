#pragma once
#include <memory>

#include "models/rvc/decoder.h"

namespace voxconv::rvc {

/// Mean and log deviation of the latent frames, [inter_channels, T] each.
struct Prior {
  torch::Tensor mean, log_deviation;
};

/// f0 [T] Hz -> the 1..255 of RVC's pitch table, int64 [T]: 255 steps of the mel scale from 50 to 1100 Hz, rounded half to even;
/// unvoiced 1.
torch::Tensor coarse_f0(const torch::Tensor& f0);

/// An RVC model for inference (Retrieval-based Voice Conversion, MIT; the network is VITS, Kim et al. 2021, with a neural source-filter
/// decoder). Const and thread-safe; float32 at all borders; everything on device().
class Synthesizer {
 public:
  virtual ~Synthesizer() = default;
  virtual const Config& config() const = 0;
  virtual torch::Device device() const = 0;
  virtual torch::Tensor speaker(std::int64_t id) const = 0;  ///< [speaker_dim]. Throws Error(usage) where there is no such speaker.
  /// `content` [T, content_dim], `f0` [T] Hz (ignored by models without pitch), on any device. Attention spans all T frames.
  virtual Prior encode(const torch::Tensor& content, const torch::Tensor& f0) const = 0;
  /// Reverse flow: [inter_channels, T] drawn from the prior -> latent z of the decoder.
  virtual torch::Tensor flow(const torch::Tensor& drawn, const torch::Tensor& speaker) const = 0;
  virtual std::int64_t flow_context_frames() const = 0;  ///< either side
  virtual const Decoder& decoder() const = 0;
};

constexpr double prior_temperature = 0.66666;  ///< factor of the noise: z = mean + exp(log_deviation) * noise * 0.66666

/// `weights`: names of the original's generator with weight norm fused and without "enc_q.*". Strict: throws Error(bad_model).
std::shared_ptr<const Synthesizer> make_synthesizer(const Config& config, const nn::StateDict& weights, torch::Device device,
                                                    torch::ScalarType precision);

}  // namespace voxconv::rvc
