#include "models/rvc/rvc_voice.h"

#include "core/fail.h"
#include "models/rvc/checkpoint.h"
#include "models/rvc/exact_pipeline.h"
#include "models/rvc/rvc_stream.h"
#include "nn/safetensors.h"
#include "nn/weight_norm.h"

namespace voxconv::rvc {
namespace {

class RvcVoice final : public VoiceModel {
 public:
  explicit RvcVoice(std::shared_ptr<const Synthesizer> synthesizer) : synthesizer_(std::move(synthesizer)) {}

  int sample_rate() const override { return config().sample_rate; }
  std::string content_encoder() const override { return config().content_encoder; }
  torch::Tensor speaker_embedding() const override { return {}; }
  ModelRequirements requirements() const override { return {.rms_mix = true, .retrieval = true, .pitch = config().f0, .f0 = "rmvpe"}; }
  std::int64_t speakers() const override { return config().speakers; }
  VoiceWindows windows(const SynthesisOptions& options) const override { return RvcStream::windows(*synthesizer_, options.formant); }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions& options) const override {
    return std::make_unique<RvcStream>(synthesizer_, options);
  }
  std::vector<float> convert_whole(const WholeSong& song) const override { return convert_exactly(*synthesizer_, song); }

 private:
  const Config& config() const { return synthesizer_->config(); }

  std::shared_ptr<const Synthesizer> synthesizer_;
};

constexpr const char* notes_key = "notes";

/// What a bundle keeps of a checkpoint besides its tensors.
nlohmann::json settings_of(const Checkpoint& checkpoint) {
  nlohmann::json settings = to_json(checkpoint.config);
  if (!checkpoint.notes.empty()) settings[notes_key] = checkpoint.notes;
  return settings;
}

Checkpoint read_settings(const nlohmann::json& settings) {
  Checkpoint checkpoint;
  checkpoint.config = config_from_json(settings);
  if (settings.contains(notes_key)) settings.at(notes_key).get_to(checkpoint.notes);
  return checkpoint;
}

std::shared_ptr<const VoiceModel> load_bundle(const Bundle& bundle, torch::Device device, torch::ScalarType precision) {
  const nn::Safetensors file(bundle.weights_path);
  return make_voice(make_synthesizer(config_from_json(bundle.model), nn::fuse_weight_norms(file.tensors()), device, precision));
}

ModelInfo describe(const VoiceInfo&, const nlohmann::json& settings) {
  const Checkpoint checkpoint = read_settings(settings);
  const Config& config = checkpoint.config;
  ModelInfo info;
  info.version = config.version;
  info.sample_rate = config.sample_rate;
  info.speakers = config.speakers;
  info.f0 = config.f0;
  info.vocoder = settings.at("vocoder").get<std::string>();
  info.content_encoder = config.content_encoder;
  for (const char* key : {"epoch", "info", "iteration"})
    if (info.epochs.empty()) info.epochs = checkpoint.note(key);
  return info;
}

CheckpointVoice read_voice(const nn::Checkpoint& file) {
  Checkpoint checkpoint = read_stored_checkpoint(file);
  return {checkpoint.note("model_name"), checkpoint.note("author"),    checkpoint.config.sample_rate,
          settings_of(checkpoint),       std::move(checkpoint.stored), checkpoint.config.content_dim};
}

std::shared_ptr<const VoiceModel> load_voice(const nn::Checkpoint& file, torch::Device device, torch::ScalarType precision) {
  const Checkpoint checkpoint = read_checkpoint(file);
  return make_voice(make_synthesizer(checkpoint.config, checkpoint.weights, device, precision));
}

void write_voice(const Bundle& bundle, const std::string& path) {
  Checkpoint checkpoint = read_settings(bundle.model);
  checkpoint.stored = nn::Safetensors(bundle.weights_path).tensors();
  write_checkpoint(path, checkpoint);
}

constexpr CheckpointFormat checkpoint_format{is_checkpoint, read_voice, load_voice, write_voice};

constexpr KnownTensor known_tensors[] = {
    {"enc_p.encoder.attn_layers.0.conv_q.weight", "RVC (voice) without its settings"},
    {"discriminators.0.convs.0.weight_v", "RVC's discriminator, which only training needs"},
};

std::span<const OptionSpec> options() {
  using Kind = OptionSpec::Kind;
  using O = ConvertOptions;
  constexpr bool local = true;
  static const OptionSpec rows[] = {
      {"rms_mix",
       "rms-mix",
       Kind::number,
       "",
       0,
       1,
       {},
       "Loudness of RVC voices: 0 follows the source, 1 as the voice sings",
       &O::rms_mix,
       local},
      {"speaker", "speaker", Kind::integer, "", 0, 65535, {}, "Speaker of an RVC voice that has several", &O::speaker, local},
      {"profile",
       "profile",
       Kind::choice,
       "",
       0,
       0,
       {"auto", "classic", "head"},
       "RVC voices: unvoiced frames without a pitch (classic), or with that of their neighbours (head)",
       &O::profile,
       local},
      {"exact", "exact", Kind::flag, "", 0, 0, {}, "RVC voices: the whole file at once, exactly as RVC does it", &O::exact, local}};
  return rows;
}

}  // namespace

std::shared_ptr<const VoiceModel> make_voice(std::shared_ptr<const Synthesizer> synthesizer) {
  const Config& config = synthesizer->config();
  if (config.hop() * frame_rate != config.sample_rate)
    fail(ErrorCode::bad_model, "The RVC model makes {} samples a frame at {} Hz; expected {} frames a second.", config.hop(),
         config.sample_rate, frame_rate);
  return std::make_shared<RvcVoice>(std::move(synthesizer));
}

Architecture architecture() { return {"rvc", load_bundle, describe, &checkpoint_format, known_tensors, options}; }

}  // namespace voxconv::rvc
