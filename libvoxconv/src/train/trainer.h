#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "voxconv/trainer.h"

namespace voxconv::train {

/// How voices of an architecture are trained. The folder of its name in train/ defines one, trainer.cc lists it. It is no part of the
/// descriptor in models/architecture.h, for that lies in a layer below: it would have to name what only this one has.
struct Trainer {
  std::string_view architecture;
  std::vector<std::string_view> stages;  ///< of TrainOptions::stage; "voice" is the one that makes a voice
  /// train_voice() with options without problems.
  TrainReport (*train)(const TrainOptions& options, const ProgressFn& on_progress, const CancelToken& cancel);
};

/// All there are; the first is the one for voices that start from nothing or from plain weights.
std::span<const Trainer> trainers();

/// Whether `path` is a folder with weights that is no voice bundle: what the stages before "voice" write.
bool is_weights_folder(const std::string& path);

}  // namespace voxconv::train
