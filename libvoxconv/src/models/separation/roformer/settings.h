#pragma once
#include "models/separation/architecture.h"
#include "models/separation/roformer/config.h"

namespace voxconv::roformer {

/// All that a checkpoint and its settings say.
struct Settings {
  NetworkConfig network;
  SpectrumConfig spectrum;
  int sample_rate = 0;
  std::int64_t segment = 0, hop = 0;  ///< samples that the network sees, and from one such segment to the next
  std::vector<std::string> stems;     ///< in the network's order, lower case; the lead voice of a karaoke model is "vocals"
};

/// Whether the tensors are those of one of the networks.
bool is_roformer(const nn::StateDict& tensors);

/// The network's sizes as its tensors show them, the rest from the .yaml, as ZFTurbo's Music-Source-Separation-Training writes it. Throws
/// Error(bad_model) where the two contradict each other, and nlohmann's exceptions where a setting is missing or of another type.
Settings read_settings(const SeparatorFile& file);

}  // namespace voxconv::roformer
