#include "eval/comparison.h"

#include <cmath>

#include "eval/level_measures.h"
#include "eval/metrics.h"
#include "eval/report.h"
#include "eval/spectrum_measures.h"

namespace voxconv::eval {
namespace {

/// 1 where the result is nearer to the target, 0 where it is not; undefined where one of the similarities is.
double is_nearer(double to_target, double to_source) {
  if (std::isnan(to_target) || std::isnan(to_source)) return undefined_figure;
  return to_target > to_source ? 1 : 0;
}

}  // namespace

Target target_of(const std::vector<Sound>& recordings) {
  Target target;
  std::vector<SoundFigures> figures;
  torch::Tensor embeddings = torch::zeros({SpeakerEncoder::dim});
  for (const Sound& sound : recordings) {
    embeddings += sound.embedding;
    target.timbre.add(sound.timbre);
    if (sound.spectrum.defined()) target.spectrum = target.spectrum.defined() ? target.spectrum + sound.spectrum : sound.spectrum;
    figures.push_back(sound.figures);
  }
  target.embedding = embeddings / embeddings.norm().clamp_min(1e-12);
  if (target.spectrum.defined()) target.spectrum = target.spectrum / target.spectrum.sum();
  target.figures = mean_figures(figures);
  return target;
}

EvalRow compare(const Sound& source, const Sound& result, const Target& target, double key) {
  EvalRow row;
  const PitchError pitch = pitch_error(source.agreed, result.agreed, key);
  row.f0_correlation = pitch.correlation;
  row.f0_median_cents = pitch.median_cents;
  row.f0_agreement = pitch_agreement(source.f0, source.agreed, result.f0, result.agreed);
  row.secs_target = cosine(result.embedding, target.embedding);
  row.secs_source = cosine(result.embedding, source.embedding);
  row.secs_source_target = cosine(source.embedding, target.embedding);
  row.secs_nearer_target = is_nearer(row.secs_target, row.secs_source);
  row.timbre_target = timbre_similarity(result.timbre, target.timbre);
  row.timbre_source = timbre_similarity(result.timbre, source.timbre);
  row.timbre_source_target = timbre_similarity(source.timbre, target.timbre);
  row.timbre_nearer_target = is_nearer(row.timbre_target, row.timbre_source);
  row.loudness_error_db = loudness_error_db(source.loudness, result.loudness);
  row.level_difference_db = integrated_loudness(result.full_band) - integrated_loudness(source.full_band);
  const PauseLevels pauses = pause_levels(source.full_band, result.full_band, source.loudness, source.pitched);
  row.rest_db = pauses.rest_db;
  row.source_rest_db = pauses.source_rest_db;
  row.breath_change_db = pauses.breath_change_db;
  if (target.spectrum.defined() && result.spectrum.defined())
    row.spectrum_distance_db = spectrum_distance_db(result.spectrum, target.spectrum);
  row.result_sound = result.figures;
  row.source_sound = source.figures;
  return row;
}

}  // namespace voxconv::eval
