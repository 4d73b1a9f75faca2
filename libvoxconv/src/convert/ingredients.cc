#include "convert/ingredients.h"

#include <filesystem>

#include "core/fail.h"
#include "features/pitch/smooth.h"
#include "features/retrieval/retrieving_encoder.h"

namespace voxconv {
namespace {

constexpr const char* bundled_index = "index.faiss";
constexpr double lowest_hz = 30, highest_hz = 2000;
constexpr double protects_below = 0.5;  // RVC's way to switch the protection off

std::shared_ptr<const F0Estimator> load_f0(const Voice::Impl& voice, const ConvertOptions& options) {
  // RVC lets RMVPE look at its whole range.
  const F0Range range = options.exact ? F0Range{lowest_hz, highest_hz} : F0Range{options.f0_min, options.f0_max};
  const std::string preferred = voice.model->treatment().f0;
  if (options.f0 == "auto" && preferred != "auto") {
    try {
      return load_f0_estimator(preferred, range, voice.device);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::not_found) throw;  // its weights are not installed
    }
  }
  return load_f0_estimator(options.f0, range, voice.device);
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

void check_use(const Voice::Impl& voice, const ConvertOptions& options) {
  if (std::int64_t(options.speaker) >= voice.model->speakers())
    fail(ErrorCode::usage, "speaker is {}; the voice {} has the speakers 0 to {}.", options.speaker, voice.info.name,
         voice.model->speakers() - 1);
  if (options.key_auto && (voice.info.f0_low <= 0 || voice.info.f0_high <= voice.info.f0_low))
    fail(ErrorCode::usage, "The range of the voice {} is not known, so its key cannot be chosen; give it in semitones, e.g. --key 12.",
         voice.info.name);
}

Ingredients gather_ingredients(const Voice::Impl& voice, const ConvertOptions& options) {
  check_use(voice, options);
  const Treatment treatment = voice.model->treatment();
  Ingredients with;
  with.index = load_index(voice, options);
  with.protects = with.index && treatment.pitch && options.protect < protects_below;
  with.content = voice.content;
  if (with.index) with.content = std::make_shared<RetrievingEncoder>(voice.content, with.index, options.index_rate, with.protects);
  if (!options.f0_file.empty()) with.track = read_f0_file(options.f0_file);
  // RVC replaces part of the pitch by the file's, so the exact mode needs both.
  if (treatment.pitch && (!with.track || options.exact)) with.f0 = with_median(load_f0(voice, options), std::int64_t(options.f0_median));
  return with;
}

}  // namespace voxconv
