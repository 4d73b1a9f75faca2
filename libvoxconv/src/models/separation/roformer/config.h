#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/separation/architecture.h"

namespace voxconv::roformer {

/// Neighbouring bins of the spectrum that are one token for the network. Bands may overlap.
struct Band {
  std::int64_t first = 0, count = 0;
  bool operator==(const Band&) const = default;
};

/// What a network is made of. All of it but `skip_connection` shows in the shapes of its tensors.
struct NetworkConfig {
  std::vector<Band> bands;
  std::int64_t dim = 0;    ///< features of a token
  std::int64_t depth = 0;  ///< blocks, each of transformers along time and along the bands
  std::int64_t linear_depth = 0, time_depth = 0,
               band_depth = 0;  ///< layers of a block's transformers; the first, of linear attention, may be none
  std::int64_t heads = 0, head_dim = 0, ff_dim = 0;
  bool norm_in_blocks = false;                 ///< a norm behind each transformer (MelBand), or one behind all (BS)
  bool skip_connection = false;                ///< each block also gets the sum of what those before it gave
  std::int64_t mask_layers = 0, mask_dim = 0;  ///< linear layers of a band's mask estimator, features between them
  std::int64_t stems = 0;
};

/// The spectrum that a network sees.
struct SpectrumConfig {
  std::int64_t n_fft = 0, hop = 0, window = 0;  ///< samples
  bool normalized = false;                      ///< times 1 / sqrt(n_fft)
  bool zero_dc = true;                          ///< bin 0 of the result is silent
  std::int64_t bins() const { return n_fft / 2 + 1; }
};

/// The bands of MelBand-RoFormer: the bins in which each filter of librosa.filters.mel is above 0, with bin 0 in the first and the last bin
/// in the last. Empty where some bin lies in no band.
std::vector<Band> mel_bands(int sample_rate, std::int64_t n_fft, std::int64_t count);

/// Bands of so many bins, one after another.
std::vector<Band> adjacent_bands(const std::vector<std::int64_t>& counts);

/// All that a checkpoint and its settings say.
struct Settings {
  NetworkConfig network;
  SpectrumConfig spectrum;
  int sample_rate = 0;
  std::int64_t segment = 0, hop = 0;  ///< samples that the network sees, and from one such segment to the next
  std::vector<std::string> stems;     ///< in the network's order, lower case; the lead voice of a karaoke model is "vocals"
  bool vocals_are_lead = false;       ///< it is a karaoke model
};

/// Whether the tensors are those of one of the networks.
bool is_roformer(const nn::StateDict& tensors);

/// The network's sizes as its tensors show them, the rest from the .yaml, as ZFTurbo's Music-Source-Separation-Training writes it. Throws
/// Error(bad_model) where the two contradict each other, and nlohmann's exceptions where a setting is missing or of another type.
Settings read_settings(const SeparatorFile& file);

}  // namespace voxconv::roformer
