#include <algorithm>
#include <filesystem>

#include "core/boundary.h"
#include "models/bundle.h"
#include "models/voice_file.h"
#include "nn/checkpoint/checkpoint.h"
#include "voxconv/error.h"
#include "voxconv/weights.h"

namespace voxconv {
namespace {

/// Other programs' models, told by the name of a tensor that only they have.
struct KnownModel {
  const char* tensor;
  const char* title;
};
constexpr KnownModel known_models[] = {
    {"unet.encoder.bn.weight", "RMVPE (f0 estimator)"},
    {"encoder.layers.0.self_attn.k_proj.weight", "HuBERT or ContentVec of fairseq (content encoder)"},
    {"encoder.layers.0.attention.k_proj.weight", "HuBERT or ContentVec of Hugging Face (content encoder)"},
    {"enc_p.enc_.attn_layers.0.conv_q.weight", "so-vits-svc (voice)"},
    {"enc_p.encoder.attn_layers.0.conv_q.weight", "RVC (voice) without its settings"},
    {"unit2ctrl.f0_embed.weight", "DDSP-SVC (voice)"},
    {"ddsp_model.unit2ctrl.f0_embed.weight", "DDSP-SVC (voice)"},
    {"cfm.estimator.x_embedder.weight_v", "Seed-VC (voice)"},
    {"generator.conv_pre.weight_v", "HiFi-GAN (vocoder)"},
    {"discriminators.0.convs.0.weight_v", "RVC's discriminator, which only training needs"},
};

bool has_tensor(const nn::StateDict& tensors, const std::string& wanted) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) {
    const std::string& name = item.first;  // perhaps below "model." or the like
    return name.size() >= wanted.size() && name.compare(name.size() - wanted.size(), wanted.size(), wanted) == 0 &&
           (name.size() == wanted.size() || name[name.size() - wanted.size() - 1] == '.');
  });
}

ModelInfo describe(const rvc::Checkpoint& checkpoint) {
  const rvc::Config& config = checkpoint.config;
  ModelInfo info;
  info.architecture = "rvc";
  info.is_voice = true;
  info.version = config.version;
  info.sample_rate = config.sample_rate;
  info.speakers = config.speakers;
  info.f0 = config.f0;
  info.vocoder = rvc::to_json(config).at("vocoder").get<std::string>();
  info.content_encoder = config.content_encoder;
  for (const char* key : {"epoch", "info", "iteration"})
    if (info.epochs.empty()) info.epochs = checkpoint.note(key);
  return info;
}

ModelInfo describe(const Bundle& bundle) {
  if (bundle.info.architecture == "rvc") return describe(read_bundle_settings(bundle));
  ModelInfo info;
  info.architecture = bundle.info.architecture;
  info.is_voice = info.architecture == "native";
  if (!info.is_voice) return info;
  info.sample_rate = bundle.info.sample_rate;
  info.speakers = 1;
  info.f0 = true;
  for (const auto& [key, field] : {std::pair{"content_encoder", &ModelInfo::content_encoder}, {"vocoder", &ModelInfo::vocoder}})
    if (bundle.model.contains(key) && bundle.model.at(key).is_string()) bundle.model.at(key).get_to(info.*field);
  return info;
}

}  // namespace

ModelInfo inspect_model(const std::string& path) try {
  if (std::filesystem::is_directory(path)) return describe(read_bundle(path));
  const nn::Checkpoint file = nn::open_checkpoint(path);
  ModelInfo info;
  if (!file.root().is(nn::PickleValue::Kind::dict)) return info;
  const nn::StateDict tensors = file.state_dict(file.root());
  if (has_tensor(tensors, "enc_p.emb_phone.weight") && (file.root().find("weight") || file.root().find("model"))) {
    try {
      return describe(rvc::read_stored_checkpoint(path));
    } catch (const Error&) {  // without its settings, or of another shape: named below
    }
  }
  for (const KnownModel& model : known_models)
    if (info.architecture.empty() && has_tensor(tensors, model.tensor)) info.architecture = model.title;
  return info;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
