#include "models/rvc/config.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <utility>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv::rvc {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int frames_per_second = 100;  // of every RVC model

constexpr std::pair<Vocoder, const char*> vocoder_names[] = {
    {Vocoder::hifigan, "hifigan"}, {Vocoder::mrf_hifigan, "mrf_hifigan"}, {Vocoder::refinegan, "refinegan"}};

/// Fields that travel as they are, once for both directions.
struct IntegerField {
  const char* key;
  std::int64_t Config::*field;
  std::int64_t least, most;
};
constexpr IntegerField integer_fields[] = {{"content_dim", &Config::content_dim, 1, 8192},
                                           {"inter_channels", &Config::inter_channels, 2, 4096},
                                           {"hidden_channels", &Config::hidden_channels, 1, 4096},
                                           {"filter_channels", &Config::filter_channels, 1, 16384},
                                           {"heads", &Config::heads, 1, 256},
                                           {"layers", &Config::layers, 1, 256},
                                           {"kernel_size", &Config::kernel_size, 1, 63},
                                           {"upsample_channels", &Config::upsample_channels, 1, 8192},
                                           {"speakers", &Config::speakers, 1, 100'000},
                                           {"speaker_dim", &Config::speaker_dim, 1, 8192},
                                           {"spec_channels", &Config::spec_channels, 1, 65536},
                                           {"segment_size", &Config::segment_size, 1, 65536}};

void require(bool holds, const char* what) {
  if (!holds) fail(ErrorCode::bad_model, "The RVC model has settings that cannot be: {}.", what);
}

bool all_within(const std::vector<std::int64_t>& values, std::int64_t least, std::int64_t most) {
  return std::all_of(values.begin(), values.end(), [&](std::int64_t value) { return value >= least && value <= most; });
}

}  // namespace

std::int64_t Config::hop() const {
  return std::accumulate(upsample_rates.begin(), upsample_rates.end(), std::int64_t(1), std::multiplies<>());
}

void check(const Config& config) {
  constexpr std::size_t most_stages = 8;
  for (const IntegerField& f : integer_fields)
    if (const std::int64_t value = config.*f.field; value < f.least || value > f.most)
      fail(ErrorCode::bad_model, "The RVC model has the setting {} = {}; expected {} to {}.", f.key, value, f.least, f.most);
  require(config.version == "v1" || config.version == "v2", "a version other than v1 and v2");
  require(config.inter_channels % 2 == 0, "an odd number of inter_channels");
  require(config.hidden_channels % config.heads == 0, "hidden_channels that its heads cannot share");
  require(config.resblock == "1" || config.resblock == "2", "a resblock other than \"1\" and \"2\"");
  const std::size_t blocks = config.resblock_kernels.size(), stages = config.upsample_rates.size();
  require(blocks >= 1 && blocks <= most_stages && config.resblock_dilations.size() == blocks,
          "resblock_kernels and resblock_dilations of different numbers");
  require(all_within(config.resblock_kernels, 1, 63), "resblock_kernels outside 1 to 63");
  for (const auto& dilations : config.resblock_dilations)
    require(!dilations.empty() && dilations.size() <= most_stages && all_within(dilations, 1, 63), "resblock_dilations outside 1 to 63");
  require(stages >= 1 && stages <= most_stages && config.upsample_kernels.size() == stages,
          "upsample_rates and upsample_kernels of different numbers");
  require(all_within(config.upsample_rates, 1, 64) && all_within(config.upsample_kernels, 1, 256), "upsample rates or kernels too large");
  for (std::size_t i = 0; i < stages; ++i)
    require(config.upsample_kernels[i] >= config.upsample_rates[i], "an upsample kernel shorter than its rate");
  require(config.upsample_channels >> stages >= 1, "fewer upsample_channels than its stages need");
  require(config.sample_rate >= 8000 && config.sample_rate <= 192000, "a sample rate outside 8000 to 192000 Hz");
  if (config.hop() * frames_per_second != config.sample_rate)
    fail(ErrorCode::bad_model, "The RVC model makes {} samples a frame at {} Hz; expected {} frames a second.", config.hop(),
         config.sample_rate, frames_per_second);
}

json to_json(const Config& config) {
  json document{{"version", config.version},
                {"f0", config.f0},
                {"content_encoder", config.content_encoder},
                {"resblock", config.resblock},
                {"resblock_kernels", config.resblock_kernels},
                {"resblock_dilations", config.resblock_dilations},
                {"upsample_rates", config.upsample_rates},
                {"upsample_kernels", config.upsample_kernels},
                {"sample_rate", config.sample_rate}};
  for (const auto& [vocoder, name] : vocoder_names)
    if (vocoder == config.vocoder) document["vocoder"] = name;
  for (const IntegerField& f : integer_fields) document[f.key] = config.*f.field;
  return document;
}

Config config_from_json(const json& document) {
  Config config;
  document.at("version").get_to(config.version);
  document.at("f0").get_to(config.f0);
  document.at("content_encoder").get_to(config.content_encoder);
  document.at("resblock").get_to(config.resblock);
  document.at("resblock_kernels").get_to(config.resblock_kernels);
  document.at("resblock_dilations").get_to(config.resblock_dilations);
  document.at("upsample_rates").get_to(config.upsample_rates);
  document.at("upsample_kernels").get_to(config.upsample_kernels);
  document.at("sample_rate").get_to(config.sample_rate);
  for (const IntegerField& f : integer_fields) document.at(f.key).get_to(config.*f.field);
  const auto vocoder = document.at("vocoder").get<std::string>();
  const auto* known = std::find_if(std::begin(vocoder_names), std::end(vocoder_names), [&](const auto& v) { return vocoder == v.second; });
  if (known == std::end(vocoder_names)) fail(ErrorCode::bad_model, "The RVC model has the unknown vocoder \"{}\".", vocoder);
  config.vocoder = known->first;
  check(config);
  return config;
}

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
