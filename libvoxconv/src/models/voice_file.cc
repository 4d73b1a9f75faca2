#include "models/voice_file.h"

#include <algorithm>
#include <filesystem>

#include "core/fail.h"
#include "core/text.h"
#include "features/retrieval/retrieval_index.h"
#include "models/rvc/rvc_voice.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr const char* architecture = "rvc";
constexpr const char* notes_key = "notes";
constexpr const char* index_name = "index.faiss";

/// A name that a voice may have, made from a file's.
std::string voice_name(const std::string& stem) {
  std::string name;
  for (const char c : stem) {
    const auto code = static_cast<unsigned char>(c);
    const bool fits = code < 128 && (std::isalnum(code) || c == '-' || c == '_');
    if (fits)
      name += static_cast<char>(std::tolower(code));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  name.erase(0, name.find_first_not_of("-_"));
  name.resize(std::min<std::size_t>(name.size(), 64));
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "voice" : name;
}

VoiceInfo describe_voice(const std::string& path, const rvc::Checkpoint& checkpoint) {
  VoiceInfo info;
  const std::string stem = fs::path(path).stem().string();
  info.name = voice_name(stem);
  info.title = to_utf8(checkpoint.note("model_name").empty() ? stem : checkpoint.note("model_name"));
  info.architecture = architecture;
  info.sample_rate = checkpoint.config.sample_rate;
  info.attribution = to_utf8(checkpoint.note("author"));
  info.path = path;
  return info;
}

}  // namespace

bool is_voice_file(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  std::error_code ignored;
  return (extension == ".pth" || extension == ".pt" || extension == ".ckpt" || extension == ".safetensors") &&
         fs::is_regular_file(path, ignored);
}

VoiceInfo read_voice_file(const std::string& path) { return describe_voice(path, rvc::read_stored_checkpoint(path)); }

std::shared_ptr<const VoiceModel> load_voice_file(const std::string& path, torch::Device device, torch::ScalarType precision) {
  const rvc::Checkpoint checkpoint = rvc::read_checkpoint(path);
  return rvc::make_voice(rvc::make_synthesizer(checkpoint.config, checkpoint.weights, device, precision));
}

void voice_file_to_bundle(const std::string& path, const std::string& index, const VoiceInfo& info, const std::string& dir) {
  const rvc::Checkpoint checkpoint = rvc::read_stored_checkpoint(path);
  nlohmann::json model = rvc::to_json(checkpoint.config);
  if (!checkpoint.notes.empty()) model[notes_key] = checkpoint.notes;
  write_bundle(dir, info, model, checkpoint.stored);
  if (index.empty()) return;
  if (const std::int64_t dim = load_retrieval_index(index)->dim(); dim != checkpoint.config.content_dim)
    fail(ErrorCode::bad_model, "The index {} holds features of {} numbers; the voice {} takes {}. It belongs to another voice.", index, dim,
         path, checkpoint.config.content_dim);
  std::error_code error;
  fs::copy_file(index, fs::path(dir) / index_name, error);
  if (error) fail(ErrorCode::io, "Cannot copy the index {}: {}.", index, error.message());
}

rvc::Checkpoint read_bundle_settings(const Bundle& bundle) {
  rvc::Checkpoint checkpoint;
  try {
    checkpoint.config = rvc::config_from_json(bundle.model);
    if (bundle.model.contains(notes_key)) bundle.model.at(notes_key).get_to(checkpoint.notes);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "{} has model settings that cannot be read: {}.", bundle.info.path, e.what());
  }
  return checkpoint;
}

void bundle_to_voice_file(const std::string& bundle_dir, const std::string& path) {
  const Bundle bundle = read_bundle(bundle_dir);
  if (bundle.info.architecture != architecture)
    fail(ErrorCode::usage, "The voice {} is of the architecture \"{}\", which no .pth holds; export it to a .zip.", bundle.info.name,
         bundle.info.architecture);
  rvc::Checkpoint checkpoint = read_bundle_settings(bundle);
  checkpoint.stored = nn::Safetensors(bundle.weights_path).tensors();
  rvc::write_checkpoint(path, checkpoint);
}

}  // namespace voxconv
