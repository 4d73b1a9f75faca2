#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/separation/architecture.h"
#include "nn/torch.h"

namespace voxconv::htdemucs {

constexpr std::int64_t audio_channels = 2, kernel = 8, stride = 4;  ///< of the levels of the U-Nets: the only ones that are read

/// How the cross-transformer between the U-Nets is built.
struct TransformerConfig {
  std::int64_t layers = 5, heads = 8, dim = 384, hidden = 1536;  ///< layers of each branch; features of a token, and inside a layer
  bool gelu = true, layer_scale = true;
  bool cross_first = false;      ///< layers take turns: in the even ones a branch attends to itself, or if set to the other one
  double max_period = 10'000;    ///< of the sines that tell positions
  double position_weight = 1.0;  ///< of those sines
};

/// How a network is built: the arguments of Demucs' class HTDemucs that are not the same in all files.
struct Config {
  std::vector<std::string> sources;                  ///< the stems
  int rate = 44100;                                  ///< Hz
  std::int64_t segment = 0;                          ///< samples that the network takes
  std::int64_t fft = 4096;                           ///< samples of a frame; they lie a quarter of it apart
  std::int64_t depth = 4;                            ///< levels of each U-Net
  std::vector<std::int64_t> channels;                ///< of each level's features
  std::int64_t context = 1;                          ///< neighbours on each side that the decoder's gates see
  std::int64_t residual_depth = 2, compression = 8;  ///< of the residual branches (DConv)
  bool residual_encoder = true, residual_decoder = false;
  double frequency_weight = 0.2;     ///< of the learnt vector that is added for each frequency, times the scale it is stored in; 0: none
  std::int64_t bottom_channels = 0;  ///< of the transformer, if not those of the lowest level; 0: those
  TransformerConfig transformer;

  std::int64_t hop() const { return fft / stride; }
  std::int64_t frames() const { return (segment + hop() - 1) / hop(); }
  /// Rows of the spectrogram at a level, `depth` being that of the transformer.
  std::int64_t rows(std::int64_t level) const;
};

/// From a package of Demucs (its `kwargs`), or from the .yaml of ZFTurbo's Music-Source-Separation-Training beside a file of tensors alone.
/// Throws Error(bad_model) for a network of another kind, naming the setting.
Config read_config(const SeparatorFile& file);

/// The class in a package of Demucs, without its module: "HTDemucs"; empty: the file is no such package.
std::string package_class(const nn::Checkpoint& file);

/// What the layers compute in, and where.
struct Arithmetic {
  torch::Device device;
  torch::ScalarType type;
};

}  // namespace voxconv::htdemucs
