#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace voxconv::rvc {

enum class Vocoder { hifigan, mrf_hifigan, refinegan };

/// The shape of an RVC synthesizer: the 18 positional settings of its checkpoints by name, and what stands beside them in the file.
struct Config {
  std::string version = "v2";  ///< "v1": content of 256 numbers, "v2": of 768
  bool f0 = true;              ///< has a pitch input
  Vocoder vocoder = Vocoder::hifigan;
  std::string content_encoder = "contentvec/layer12";  ///< for load_content_encoder()
  std::int64_t content_dim = 768;
  std::int64_t inter_channels = 192, hidden_channels = 192, filter_channels = 768, heads = 2, layers = 6, kernel_size = 3;
  std::string resblock = "1";
  std::vector<std::int64_t> resblock_kernels = {3, 7, 11};
  std::vector<std::vector<std::int64_t>> resblock_dilations = {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}};
  std::vector<std::int64_t> upsample_rates = {10, 10, 2, 2}, upsample_kernels = {16, 16, 4, 4};
  std::int64_t upsample_channels = 512;
  std::int64_t speakers = 109, speaker_dim = 256;
  int sample_rate = 40000;
  std::int64_t spec_channels = 1025, segment_size = 32;  ///< only for training; kept for export

  std::int64_t hop() const;  ///< samples a frame: product of the rates
};

/// Throws Error(bad_model) that names the setting which cannot be.
void check(const Config& config);

/// Both ways for voice.json's "model". Reading throws nlohmann's exceptions, and Error(bad_model) for a shape that cannot be.
nlohmann::json to_json(const Config& config);
Config config_from_json(const nlohmann::json& document);

/// The settings of a training checkpoint (G_*.pth), which stand in a config.json in its folder, as RVC and Applio write it. What only the
/// tensors say (version, pitch, speakers) is not set. Throws Error(bad_model) where there is none or it is not of that kind.
Config training_config(const std::string& checkpoint_path);

}  // namespace voxconv::rvc
