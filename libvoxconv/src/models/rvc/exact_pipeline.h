#pragma once
#include <vector>

#include "models/rvc/synthesizer.h"
#include "models/voice_model.h"

namespace voxconv::rvc {

/// Where RVC cuts what is too long for it, in seconds: these are its figures for the CPU and float32.
struct ExactCuts {
  double pad = 1;      ///< mirrored audio at both ends of the song, and the context of each part
  double query = 6;    ///< how far from its place a cut may move to the quietest spot
  double centre = 38;  ///< from cut to cut
  double most = 41;    ///< songs below are not cut
};

/// RVC's own pipeline (infer/vc/pipeline.py): the whole song at once, hard cuts, attention over each part, and the noise that
/// torch.manual_seed(song.seed) would give RVC. `song.bridge`: as the code of 2026 does, with the random numbers that its HuBERT draws and
/// drops; else as that of 2023-2024. Returns samples at the model's rate, before RVC's own resampling and rounding.
/// Throws Error(usage) for decoders that RVC does not have.
std::vector<float> convert_exactly(const Synthesizer& synthesizer, const WholeSong& song, const ExactCuts& cuts = {});

}  // namespace voxconv::rvc
