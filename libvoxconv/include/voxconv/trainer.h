#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// What to train. The defaults make a usable voice out of five minutes of recordings in a quarter of an hour on two cores.
struct TrainOptions {
  /// "voice": fine-tune the base to one speaker, writes a voice bundle. The two stages that the shipped weights come from write a folder
  /// with weights.safetensors: "base", the acoustic model of many speakers, and "vocoder", the universal vocoder.
  std::string stage = "voice";
  /// Folders with recordings, searched in depth. In the stages base and vocoder each folder is a speaker; with "each:" before it, each
  /// recording in it.
  std::vector<std::string> data;
  std::string name;  ///< of the voice to make
  std::string from;  ///< bundle, voice or weights folder to start from; empty: the shipped base (stage voice), else nothing
  /// Stage voice: leave the weights that training would start from as they are; the recordings only give the speaker embedding. Ready in
  /// seconds.
  bool zero_shot = false;
  /// Stage voice, from the shipped base: train and keep only a difference to it, a tenth as many numbers. Such a voice wants the very base
  /// that it was trained from.
  bool compact = false;
  double max_minutes = 60;  ///< of recordings used per speaker
  bool denoise = false;     ///< take background noise out of the recordings first
  std::string out_dir;      ///< bundle folder to write; empty: the user's voices folder
  std::string work_dir;     ///< feature cache, checkpoints, log, audio samples; empty: <out_dir>.train
  double minutes = 0;       ///< stop after this much training time ...
  std::int64_t steps = 0;   ///< ... or these steps; both 0: 10 minutes
  std::string device = "auto";
  std::string precision = "auto";  ///< auto, fp32, bf16, fp16
  int threads = 0;
  std::uint64_t seed = 0;
  double checkpoint_minutes = 3;
  bool resume = true;                                                  ///< go on from the last checkpoint in work_dir
  std::string title, language, gender, licence, consent, attribution;  ///< for voice.json

  std::vector<std::string> problems() const;
};

struct TrainReport {
  VoiceInfo voice;
  std::int64_t steps = 0;
  double train_s = 0, prepare_s = 0;
  double data_s = 0;          ///< seconds of usable recordings
  double loss = 0;            ///< held-out, of the best trained weights; 0: too few recordings to hold any out
  double zero_shot_loss = 0;  ///< held-out, of the weights that training started from (stage voice)
  bool trained = false;  ///< whether the trained weights were kept: they are unless their held-out loss is over 2 % above zero_shot_loss
  std::string log_path;  ///< CSV
};

/// The seconds of a recording that training would use: what is left of its first hour when silence and scraps below a second are left out.
/// 0: nothing. Throws Error(not_found | bad_audio).
double usable_seconds(const std::string& recording);

/// Fine-tunes a voice; resumable after kill -9. Throws Error. Progress stages: "prepare" (files), "train" (steps).
TrainReport train_voice(const TrainOptions& options, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

}  // namespace voxconv
