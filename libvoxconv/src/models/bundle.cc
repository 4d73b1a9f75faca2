#include "models/bundle.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/sha256.h"
#include "core/text.h"
#include "nn/safetensors.h"
#include "voxconv/version.h"

namespace voxconv {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr int format_version = 1;
constexpr const char* weights_name = "weights.safetensors";
constexpr const char* json_name = "voice.json";
constexpr std::uintmax_t largest_json = 1 << 20;

/// The text fields of voice.json, once for both directions.
struct TextField {
  const char* key;
  std::string VoiceInfo::*field;
};
constexpr TextField text_fields[] = {
    {"name", &VoiceInfo::name},         {"title", &VoiceInfo::title},     {"description", &VoiceInfo::description},
    {"language", &VoiceInfo::language}, {"gender", &VoiceInfo::gender},   {"architecture", &VoiceInfo::architecture},
    {"licence", &VoiceInfo::licence},   {"consent", &VoiceInfo::consent}, {"attribution", &VoiceInfo::attribution},
    {"version", &VoiceInfo::version},   {"sha256", &VoiceInfo::sha256}};

}  // namespace

bool is_voice_name(const std::string& name) {
  const auto fits = [](char c) { return std::islower(static_cast<unsigned char>(c)) || std::isdigit(static_cast<unsigned char>(c)); };
  return !name.empty() && name.size() <= 64 && fits(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return fits(c) || c == '-' || c == '_'; });
}

Bundle read_bundle(const std::string& dir) {
  const fs::path path = fs::path(dir) / json_name;
  if (!fs::exists(path)) fail(ErrorCode::not_found, "{} is no voice bundle: it has no {}.", dir, json_name);
  if (std::error_code error; fs::file_size(path, error) > largest_json || error)
    fail(ErrorCode::bad_model, "{} is not a voice.json: expected a file of at most {} bytes.", path.string(), largest_json);
  const json document = json::parse(read_file(path.string()), nullptr, false);
  if (!document.is_object()) fail(ErrorCode::bad_model, "{} is not a JSON object.", path.string());
  Bundle bundle;
  VoiceInfo& info = bundle.info;
  try {
    const int found = document.at("format_version").get<int>();
    if (found < 1 || found > format_version)
      fail(ErrorCode::bad_model, "{} has format version {}; this voxconv reads up to {}. Update voxconv.", path.string(), found,
           format_version);
    for (const auto& [key, field] : text_fields) info.*field = document.value(key, "");
    info.sample_rate = document.at("sample_rate").get<int>();
    const json& range = document.at("f0_hz");
    info.f0_low = range.at("low").get<double>();
    info.f0_median = range.at("median").get<double>();
    info.f0_high = range.at("high").get<double>();
    info.tags = document.value("tags", std::vector<std::string>{});
    bundle.model = document.at("model");
    if (!bundle.model.is_object()) fail(ErrorCode::bad_model, "{} has a \"model\" that is not an object.", path.string());
  } catch (const json::exception& e) {
    fail(ErrorCode::bad_model, "{} is not a valid voice.json: {}.", path.string(), e.what());
  }
  if (!is_voice_name(info.name))
    fail(ErrorCode::bad_model, "{} has the name \"{}\"; expected lower-case letters, digits, '-' and '_', at most 64.", path.string(),
         info.name);
  if (info.architecture.empty()) fail(ErrorCode::bad_model, "{} names no architecture.", path.string());
  if (info.sample_rate < 8000 || info.sample_rate > 192000)
    fail(ErrorCode::bad_model, "{} has a sample rate of {} Hz; expected 8000 to 192000.", path.string(), info.sample_rate);
  if (!(info.f0_low >= 0 && info.f0_low <= info.f0_median && info.f0_median <= info.f0_high && info.f0_high < 20000))
    fail(ErrorCode::bad_model, "{} has the pitch range {}, {}, {} Hz; expected rising values.", path.string(), info.f0_low, info.f0_median,
         info.f0_high);
  info.path = dir;
  bundle.weights_path = (fs::path(dir) / weights_name).string();
  return bundle;
}

void check_weights(const Bundle& bundle) {
  if (!fs::is_regular_file(bundle.weights_path))
    fail(ErrorCode::bad_model, "The voice in {} lacks its {}.", bundle.info.path, weights_name);
  if (const std::string found = sha256_file(bundle.weights_path); found != bundle.info.sha256)
    fail(ErrorCode::bad_model, "{} is damaged or was changed: its sha256 is {}, voice.json says {}. Install the voice again.",
         bundle.weights_path, found, bundle.info.sha256.empty() ? "nothing" : bundle.info.sha256);
}

void write_bundle(const std::string& dir, VoiceInfo info, const json& model, const std::map<std::string, torch::Tensor>& tensors) {
  make_folder(dir);
  const std::string weights_path = (fs::path(dir) / weights_name).string();
  nn::save_safetensors(weights_path, tensors, {{"voice", info.name}, {"architecture", info.architecture}});
  info.sha256 = sha256_file(weights_path);
  json document = {{"format_version", format_version},
                   {"created_by", fmt::format("voxconv {}", version())},
                   {"sample_rate", info.sample_rate},
                   {"f0_hz", {{"low", info.f0_low}, {"median", info.f0_median}, {"high", info.f0_high}}},
                   {"tags", info.tags},
                   {"model", model}};
  for (const auto& [key, field] : text_fields) document[key] = to_utf8(info.*field);
  // What other programs noted in their models may be in any encoding.
  write_file((fs::path(dir) / json_name).string(), document.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace voxconv
