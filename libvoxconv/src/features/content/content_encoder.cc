#include "features/content/content_encoder.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/paths.h"
#include "features/content/hubert_encoder.h"
#include "features/content/whisper_encoder.h"
#include "features/weights_file.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t usual_head_dim = 64;
constexpr std::uintmax_t largest_config = 1 << 20;

/// Names of the catalog; anything else is a path.
bool is_family(const std::string& name) {
  return !name.empty() && name[0] != '.' && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

/// The names in the catalog of the weights that `family` stands for, best first: the same ones in other layouts and types will do.
std::vector<std::string> catalog_names(const std::string& family) {
  if (family == "contentvec") return {family, "contentvec-rvc", "contentvec-hf"};
  return {family};
}

/// The file with the weights of `family`: below the models folders, or the file or folder that it names itself.
fs::path weights_of(const std::string& family) {
  std::optional<fs::path> found;
  if (is_family(family))
    for (const std::string& name : catalog_names(family))
      if (const auto folder = found ? std::nullopt : find_model_file("content/" + name)) found = find_weights(*folder);
  if (std::error_code ignored; !found && fs::is_directory(family, ignored))
    found = find_weights(family);
  else if (!found && fs::is_regular_file(family, ignored))
    found = family;
  if (found) return *found;
  if (is_family(family))
    fail(ErrorCode::not_found, "The weights of the content encoder {0} are missing; get them with \"voxconv models get {0}\".", family);
  fail(ErrorCode::not_found,
       "There are no weights of a content encoder in {}; expected a file or a folder with model.safetensors, pytorch_model.bin or a .pt "
       "file.",
       family);
}

/// The number of attention heads, from the config.json beside the weights, where there is one.
std::int64_t read_heads(const fs::path& weights, std::int64_t hidden) {
  const fs::path path = weights.parent_path() / "config.json";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return hidden / usual_head_dim;
  if (fs::file_size(path, ignored) > largest_config)
    fail(ErrorCode::bad_model, "{} is too large for a config.json; expected at most {} bytes.", path.string(), largest_config);
  const auto config = nlohmann::json::parse(read_file(path.string()), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) fail(ErrorCode::bad_model, "{} is not a JSON object.", path.string());
  try {
    if (config.value("do_stable_layer_norm", false) || config.value("feat_extract_norm", "group") != "group")
      fail(ErrorCode::bad_model, "{} describes a HuBERT of the large kind (pre-norm); voxconv computes the base kind.", path.string());
    return config.value("num_attention_heads", hidden / usual_head_dim);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "{} is no configuration of a HuBERT: {}.", path.string(), e.what());
  }
}

/// "<family>/layer12" and "<family>/layer9-projection"; null for any other name.
std::shared_ptr<const ContentEncoder> load_hubert_encoder(const std::string& name, torch::Device device, torch::ScalarType precision) {
  const std::size_t slash = name.rfind('/');
  if (slash == std::string::npos) return nullptr;
  const std::string output = name.substr(slash + 1);
  if (output != "layer12" && output != "layer9-projection") return nullptr;
  const fs::path path = weights_of(name.substr(0, slash));
  // bfloat16's 8 bits are too few for twelve layers: voices came out at 30 dB beside those of float32 content, instead of 43.
  const torch::ScalarType type = precision == torch::kBFloat16 ? torch::kFloat : precision;
  const HubertWeights weights = read_hubert_weights(read_weights(path.string()), path.string());
  return std::make_shared<HubertEncoder>(weights, read_heads(path, weights.hidden()),
                                         output == "layer12" ? HubertEncoder::Output::last_layer : HubertEncoder::Output::layer9_projected,
                                         path.string(), device, type);
}

}  // namespace

torch::Tensor ContentEncoder::encode_windows(const torch::Tensor& audio) const {
  std::vector<torch::Tensor> windows;
  for (const torch::Tensor& window : audio.unbind()) windows.push_back(encode(window));
  return torch::stack(windows);
}

std::shared_ptr<const ContentEncoder> load_content_encoder(const std::string& name, torch::Device device, torch::ScalarType precision) {
  if (name == "whisper-base")
    return std::make_shared<WhisperEncoder>(nn::Safetensors(model_file("content/whisper_base/weights.safetensors")),
                                            nn::Safetensors(model_file("content/whisper_base/position_basis.safetensors")).get("basis"),
                                            device, precision);
  if (auto hubert = load_hubert_encoder(name, device, precision)) return hubert;
  fail(ErrorCode::bad_model,
       "Unknown content encoder \"{}\"; expected whisper-base, or <family>/layer12 or <family>/layer9-projection of a HuBERT.", name);
}

}  // namespace voxconv
