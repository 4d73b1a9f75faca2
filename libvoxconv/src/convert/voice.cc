#include <filesystem>

#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "features/pitch/smooth.h"
#include "features/retrieval/retrieving_encoder.h"
#include "models/bundle.h"
#include "models/voice_file.h"
#include "nn/device.h"

namespace voxconv {
namespace {

constexpr const char* bundled_index = "index.faiss";
constexpr double exact_lowest_hz = 30, exact_highest_hz = 2000;  // RVC lets RMVPE look at its whole range
constexpr double protects_below = 0.5;                           // RVC's way to switch the protection off

/// Throws Error(usage) where the voice cannot do what `options` ask for.
void check_options(const Voice::Impl& voice, const ConvertOptions& options) {
  if (std::int64_t(options.speaker) >= voice.model->speakers())
    fail(ErrorCode::usage, "The speaker {} is not there; the voice {} has the speakers 0 to {}.", options.speaker, voice.info.name,
         voice.model->speakers() - 1);
  if (options.key_auto && (voice.info.f0_low <= 0 || voice.info.f0_high <= voice.info.f0_low))
    fail(ErrorCode::usage, "The range of the voice {} is not known, so its key cannot be chosen; give it in semitones, e.g. --key 12.",
         voice.info.name);
}

std::shared_ptr<const F0Estimator> load_f0(const Voice::Impl& voice, const ConvertOptions& options) {
  const F0Range range = options.exact ? F0Range{exact_lowest_hz, exact_highest_hz} : F0Range{options.f0_min, options.f0_max};
  const std::string preferred = voice.model->requirements().f0;
  if (options.f0 == "auto" && preferred != "auto") {
    try {
      return load_f0_estimator(preferred, range, voice.device, voice.precision);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::not_found) throw;  // its weights are not installed
    }
  }
  return load_f0_estimator(options.f0, range, voice.device, voice.precision);
}

std::shared_ptr<const RetrievalIndex> load_index(const Voice::Impl& voice, const ConvertOptions& options) {
  std::string path = options.index;
  if (path.empty()) {
    path = (std::filesystem::path(voice.info.path) / bundled_index).string();
    if (std::error_code error; voice.info.path.empty() || !std::filesystem::exists(path, error)) return nullptr;
  }
  if (options.index_rate <= 0) return nullptr;
  return load_retrieval_index(path, {.probes = std::int64_t(options.index_probes)});
}

}  // namespace

ConversionInputs load_conversion_inputs(const Voice::Impl& voice, const ConvertOptions& options) {
  check_options(voice, options);
  const ModelRequirements requirements = voice.model->requirements();
  ConversionInputs inputs;
  inputs.index = load_index(voice, options);
  inputs.keeps_plain = inputs.index && requirements.pitch && options.protect < protects_below;
  inputs.content = voice.content;
  if (inputs.index)
    inputs.content = std::make_shared<RetrievingEncoder>(voice.content, inputs.index, options.index_rate, inputs.keeps_plain);
  if (!options.f0_file.empty()) inputs.track = read_f0_file(options.f0_file);
  // RVC replaces part of the pitch by the file's, so the exact mode needs both.
  if (requirements.pitch && (!inputs.track || options.exact))
    inputs.f0 = with_median(load_f0(voice, options), std::int64_t(options.f0_median));
  if (options.denoise) inputs.denoiser = std::make_shared<const Denoiser>(voice.device);
  return inputs;
}

Voice Voice::load(const std::string& name_or_path, const LoadOptions& options) { return load(name_or_path, options, ConvertOptions{}); }

Voice Voice::load(const std::string& name_or_path, const LoadOptions& options, const ConvertOptions& use) try {
  use.validate();
  nn::set_threads(options.threads, options.jobs);
  Impl parts;
  parts.device = nn::select_device(options.device);
  parts.precision = nn::select_precision(options.precision, parts.device);
  parts.info = VoiceStore().find(name_or_path);
  if (!is_voice_file(parts.info.path)) check_weights(read_bundle(parts.info.path));
  parts.model = load_voice_model(parts.info.path, parts.device, parts.precision);
  check_options(parts, use);
  parts.content = load_content_encoder(parts.model->content_encoder(), parts.device, parts.precision);
  return Voice(std::make_shared<const Impl>(std::move(parts)));
} catch (...) {
  throw_as_error();
}

const VoiceInfo& Voice::info() const { return impl_->info; }

}  // namespace voxconv
