#include "models/rvc/training_config.h"

#include <filesystem>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv::rvc {
namespace fs = std::filesystem;

Config training_config(const std::string& checkpoint_path) {
  constexpr std::uintmax_t largest = 1 << 20;
  const std::string path = (fs::path(checkpoint_path).parent_path() / "config.json").string();
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    fail(ErrorCode::bad_model, "It is a training checkpoint without settings; put the config.json of its training beside it.");
  if (fs::file_size(path, error) > largest) fail(ErrorCode::bad_model, "{} has more than {} bytes; expected settings.", path, largest);
  Config config;
  try {
    const nlohmann::json document = nlohmann::json::parse(read_file(path));
    const nlohmann::json &data = document.at("data"), &model = document.at("model");
    config.spec_channels = data.at("filter_length").get<std::int64_t>() / 2 + 1;
    config.sample_rate = data.at(data.contains("sampling_rate") ? "sampling_rate" : "sample_rate").get<int>();  // RVC, Applio
    model.at("inter_channels").get_to(config.inter_channels);
    model.at("hidden_channels").get_to(config.hidden_channels);
    model.at("filter_channels").get_to(config.filter_channels);
    model.at("n_heads").get_to(config.heads);
    model.at("n_layers").get_to(config.layers);
    model.at("kernel_size").get_to(config.kernel_size);
    model.at("resblock").get_to(config.resblock);
    model.at("resblock_kernel_sizes").get_to(config.resblock_kernels);
    model.at("resblock_dilation_sizes").get_to(config.resblock_dilations);
    model.at("upsample_rates").get_to(config.upsample_rates);
    model.at("upsample_initial_channel").get_to(config.upsample_channels);
    model.at("upsample_kernel_sizes").get_to(config.upsample_kernels);
    model.at("gin_channels").get_to(config.speaker_dim);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "{} has no settings of an RVC training: {}.", path, e.what());
  }
  return config;
}

}  // namespace voxconv::rvc
