#pragma once
#include "eval/sound.h"
#include "eval/timbre.h"
#include "nn/torch.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {

/// The voice that results should have.
struct Target {
  /// [256] unit vector: normalised mean of the recordings' embeddings, or the one that the voice carries; zeros where all are silent
  torch::Tensor embedding;
  Timbre timbre;           ///< of all recordings
  torch::Tensor spectrum;  ///< mean of the recordings' long-term spectra; undefined where there are none
  SoundFigures figures;    ///< mean of the recordings'
};

Target target_of(const std::vector<Sound>& recordings);

/// Every figure of a row that is measured from sounds alone; the result's melody is the source's, `key` semitones up.
EvalRow compare(const Sound& source, const Sound& result, const Target& target, double key);

}  // namespace voxconv::eval
