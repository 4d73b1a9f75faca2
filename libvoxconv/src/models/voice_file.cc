#include "models/voice_file.h"

#include <algorithm>
#include <filesystem>

#include "core/boundary.h"
#include "core/fail.h"
#include "core/text.h"
#include "features/retrieval/retrieval_index.h"
#include "models/architecture.h"
#include "models/separation/architecture.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr const char* index_name = "index.faiss";

/// Models of other programs that are no voices for voxconv.
constexpr KnownTensor known_tensors[] = {
    {"unet.encoder.bn.weight", "RMVPE (f0 estimator)"},
    {"encoder.layers.0.self_attn.k_proj.weight", "HuBERT or ContentVec of fairseq (content encoder)"},
    {"encoder.layers.0.attention.k_proj.weight", "HuBERT or ContentVec of Hugging Face (content encoder)"},
    {"enc_p.enc_.attn_layers.0.conv_q.weight", "so-vits-svc (voice)"},
    {"unit2ctrl.f0_embed.weight", "DDSP-SVC (voice)"},
    {"ddsp_model.unit2ctrl.f0_embed.weight", "DDSP-SVC (voice)"},
    {"cfm.estimator.x_embedder.weight_v", "Seed-VC (voice)"},
    {"generator.conv_pre.weight_v", "HiFi-GAN (vocoder)"},
};

bool has_tensor(const nn::StateDict& tensors, const std::string& wanted) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) {
    const std::string& name = item.first;  // perhaps below "model." or the like
    return name.size() >= wanted.size() && name.compare(name.size() - wanted.size(), wanted.size(), wanted) == 0 &&
           (name.size() == wanted.size() || name[name.size() - wanted.size() - 1] == '.');
  });
}

nn::StateDict tensors_of(const nn::Checkpoint& file) {
  return file.root().is(nn::PickleValue::Kind::dict) ? file.state_dict(file.root()) : nn::StateDict{};
}

/// The architecture whose program wrote `file`; null: none does.
const Architecture* architecture_of(const nn::Checkpoint& file, const nn::StateDict& tensors) {
  for (const Architecture& architecture : architectures())
    if (architecture.checkpoints && architecture.checkpoints->recognise(file, tensors)) return &architecture;
  return nullptr;
}

/// Throws Error(bad_model) where no architecture has such files.
const Architecture& require_architecture(const nn::Checkpoint& file) {
  const Architecture* architecture = architecture_of(file, tensors_of(file));
  if (!architecture)
    fail(ErrorCode::bad_model, "{} is not a voice that voxconv can read; \"voxconv info\" says what it holds.", file.path());
  return *architecture;
}

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

VoiceInfo describe_voice(const std::string& path, const Architecture& architecture, const CheckpointVoice& voice) {
  VoiceInfo info;
  const std::string stem = fs::path(path).stem().string();
  info.name = voice_name(stem);
  info.title = to_utf8(voice.title.empty() ? stem : voice.title);
  info.architecture = architecture.name;
  info.sample_rate = voice.sample_rate;
  info.attribution = to_utf8(voice.author);
  info.path = path;
  return info;
}

ModelInfo describe_settings(const VoiceInfo& info, const nlohmann::json& settings) {
  const Architecture* architecture = find_architecture(info.architecture);
  if (!architecture) {
    ModelInfo unknown;
    unknown.architecture = info.architecture;
    return unknown;
  }
  try {
    ModelInfo model = architecture->describe(info, settings);
    model.architecture = architecture->name;
    model.is_voice = true;
    return model;
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "{} has model settings that cannot be read: {}.", info.path, e.what());
  }
}

}  // namespace

bool is_voice_file(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  std::error_code ignored;
  return (extension == ".pth" || extension == ".pt" || extension == ".ckpt" || extension == ".safetensors") &&
         fs::is_regular_file(path, ignored);
}

VoiceInfo read_voice_file(const std::string& path) {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  const Architecture& architecture = require_architecture(file);
  return describe_voice(path, architecture, architecture.checkpoints->read(file));
}

std::shared_ptr<const VoiceModel> load_voice_file(const std::string& path, torch::Device device, torch::ScalarType precision) {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  return require_architecture(file).checkpoints->load(file, device, precision);
}

void voice_file_to_bundle(const std::string& path, const std::string& title, const std::string& index, const std::string& dir) {
  const nn::Checkpoint file = nn::open_checkpoint(path);
  const Architecture& architecture = require_architecture(file);
  const CheckpointVoice voice = architecture.checkpoints->read(file);
  VoiceInfo info = describe_voice(path, architecture, voice);
  if (!title.empty()) info.title = title;
  write_bundle(dir, info, voice.settings, voice.tensors);
  if (index.empty()) return;
  if (const std::int64_t dim = load_retrieval_index(index)->dim(); dim != voice.content_dim)
    fail(ErrorCode::bad_model, "The index {} holds features of {} numbers; the voice {} takes {}. It belongs to another voice.", index, dim,
         path, voice.content_dim);
  std::error_code error;
  fs::copy_file(index, fs::path(dir) / index_name, error);
  if (error) fail(ErrorCode::io, "Cannot copy the index {}: {}.", index, error.message());
}

void bundle_to_voice_file(const std::string& bundle_dir, const std::string& path) {
  const Bundle bundle = read_bundle(bundle_dir);
  const Architecture* architecture = find_architecture(bundle.info.architecture);
  if (!architecture || !architecture->checkpoints)
    fail(ErrorCode::usage, "The voice {} is of the architecture \"{}\", which no .pth holds; export it to a .zip.", bundle.info.name,
         bundle.info.architecture);
  try {
    architecture->checkpoints->write(bundle, path);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::bad_model, "{} has model settings that cannot be read: {}.", bundle.info.path, e.what());
  }
}

ModelInfo inspect_model(const std::string& path) try {
  if (fs::is_directory(path)) {
    const Bundle bundle = read_bundle(path);
    return describe_settings(bundle.info, bundle.model);
  }
  const nn::Checkpoint file = nn::open_checkpoint(path);
  const nn::StateDict tensors = tensors_of(file);
  if (const Architecture* architecture = architecture_of(file, tensors)) {
    try {
      const CheckpointVoice voice = architecture->checkpoints->read(file);
      return describe_settings(describe_voice(path, *architecture, voice), voice.settings);
    } catch (const Error&) {  // without its settings, or of another shape: named below
    }
  }
  ModelInfo info;
  if (const SeparatorArchitecture* separator = separator_architecture_of(file))
    info.architecture = fmt::format("{} (separator)", separator->title);
  const auto name_by = [&](std::span<const KnownTensor> known) {
    for (const KnownTensor& model : known)
      if (info.architecture.empty() && has_tensor(tensors, model.name)) info.architecture = model.title;
  };
  name_by(known_tensors);
  for (const Architecture& architecture : architectures()) name_by(architecture.known_tensors);
  return info;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
