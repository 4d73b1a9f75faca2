#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "core/boundary.h"
#include "core/caller.h"
#include "core/fail.h"
#include "train/native/native_trainer.h"

namespace voxconv {
namespace fs = std::filesystem;
using train::is_weights_folder;
using train::Trainer;
using train::trainers;
namespace {

/// The one for the voice that training starts from.
const Trainer& trainer_for(const TrainOptions& options) {
  if (options.from.empty() || is_weights_folder(options.from)) return trainers().front();
  const VoiceInfo voice = VoiceStore().find(options.from);
  std::vector<std::string_view> known;
  for (const Trainer& trainer : trainers()) {
    if (trainer.architecture == voice.architecture) return trainer;
    known.push_back(trainer.architecture);
  }
  fail(ErrorCode::usage, "{} is a voice of the architecture {}; training starts from voices of {} only.", options.from, voice.architecture,
       fmt::join(known, ", "));
}

}  // namespace

bool train::is_weights_folder(const std::string& path) {
  return fs::exists(fs::path(path) / "weights.safetensors") && !fs::exists(fs::path(path) / "voice.json");
}

std::span<const Trainer> train::trainers() {
  static const Trainer list[] = {
      native_trainer(),
  };
  return list;
}

std::vector<std::string> TrainOptions::problems() const {
  std::vector<std::string> result;
  const auto& stages = trainers().front().stages;
  if (std::find(stages.begin(), stages.end(), stage) == stages.end())
    result.push_back(fmt::format("stage is \"{}\"; expected one of {}.", stage, fmt::join(stages, ", ")));
  if (data.empty()) result.push_back("No recordings: name at least one folder with --data.");
  if (stage == "voice" && !std::regex_match(name, std::regex("[a-z0-9][a-z0-9_-]{0,63}")))
    result.push_back(fmt::format("The voice name \"{}\" is not usable; expected lower-case letters, digits, '-' and '_'.", name));
  if (stage != "voice" && out_dir.empty()) result.push_back("The stages base and vocoder need a folder to write to (--out).");
  if (stage != "voice" && zero_shot) result.push_back("Zero-shot is for the stage voice only.");
  if (compact && (stage != "voice" || zero_shot || !from.empty()))
    result.push_back("A compact voice is trained from the shipped base: not zero-shot, not from another voice, and in the stage voice.");
  if (minutes < 0 || steps < 0) result.push_back("The minutes and steps of training must not be negative.");
  if (max_minutes <= 0) result.push_back("The minutes of recordings that are used must be more than 0.");
  if (checkpoint_minutes <= 0) result.push_back("The minutes between checkpoints must be more than 0.");
  return result;
}

TrainReport train_voice(const TrainOptions& options, const ProgressFn& progress, const CancelToken& cancel) try {
  const ProgressFn on_progress = of_caller(progress);
  if (const auto problems = options.problems(); !problems.empty()) throw Error(ErrorCode::usage, problems.front());
  return trainer_for(options).train(options, on_progress, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
