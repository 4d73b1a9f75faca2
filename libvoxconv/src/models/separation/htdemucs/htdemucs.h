#pragma once
#include <cstdint>
#include <vector>

#include "models/separation/architecture.h"
#include "models/separation/htdemucs/config.h"
#include "models/separation/htdemucs/cross_transformer.h"
#include "models/separation/htdemucs/layers.h"

namespace voxconv::htdemucs {

/// HTDemucs (S. Rouard, F. Massa, A. Defossez, "Hybrid transformers for music source separation", ICASSP 2023): two U-Nets, one over the
/// complex spectrogram and one over the sound, with a transformer between their lowest levels, give each source as the sum of what both
/// say. Const and thread-safe.
class Network {
 public:
  /// `file` names the source in errors. Throws Error(bad_model) where the tensors are not those of `config`.
  Network(const nn::StateDict& tensors, const std::string& file, Config config, torch::Device device, torch::ScalarType type);

  /// Samples [2, segment] -> those of the sources with the given numbers [wanted, 2, segment], both fp32 on the CPU.
  torch::Tensor operator()(const torch::Tensor& samples, const std::vector<std::int64_t>& wanted) const;

  const Config& config() const { return config_; }

  // The parts, one after the other; everything lies as [rows, time, channels].
  /// [2, segment] -> [fft / 2, frames, 4]: for each channel real and imaginary part, without the highest frequency.
  torch::Tensor spectrogram(const torch::Tensor& samples) const;
  Branches encode(std::int64_t level, const Branches& x) const;
  Branches cross(const Branches& x) const;
  /// `skip`: what encode(level) gave.
  Branches decode(std::int64_t level, const Branches& x, const Branches& skip) const;
  /// [fft / 2, frames, 4] -> [2, segment].
  torch::Tensor sound(const torch::Tensor& spectrogram) const;

 private:
  Config config_;
  Arithmetic arithmetic_;
  torch::Tensor window_, frequencies_;              ///< [fft]; what is added after the first level of the spectrogram, [rows, 1, channels]
  std::vector<std::int64_t> lengths_;               ///< of the sound before each level, and of the lowest
  std::vector<Encoder> encoders_, sound_encoders_;  ///< by level
  std::vector<Decoder> decoders_, sound_decoders_;  ///< by level
  std::vector<CrossTransformer> transformer_;       ///< one or none
};

/// Files of Demucs: packages (.th) of htdemucs, htdemucs_ft and htdemucs_6s and of models trained like them, and tensors (.ckpt,
/// .safetensors) beside the .yaml of Music-Source-Separation-Training.
SeparatorArchitecture architecture();

}  // namespace voxconv::htdemucs
