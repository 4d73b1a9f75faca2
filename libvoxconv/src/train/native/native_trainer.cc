#include "train/native/native_trainer.h"

#include <chrono>
#include <filesystem>
#include <optional>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/paths.h"
#include "core/sha256.h"
#include "core/stage_clock.h"
#include "models/bundle.h"
#include "models/native/config.h"
#include "models/native/native_voice.h"
#include "nn/device.h"
#include "nn/module.h"
#include "train/native/acoustic_task.h"
#include "train/native/recordings.h"
#include "train/native/vocoder_task.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

constexpr double default_minutes = 10;
constexpr F0Range recordings_range{50, 1500};  // Hz: of speech and singing; above it FCPE finds pitch in hiss
/// Sharper envelopes cost a little held-out loss: a fine-tuned kathleen had 0.1 % more than before and sounded more natural
/// (NISQA 2.82, 2.56).
constexpr double adversarial_allowance = 1.02;

struct SpeakerRecordings {
  std::string name;
  std::vector<std::string> files;
};

/// Where a run writes.
struct Folders {
  std::string out, work;
  std::string run() const { return (fs::path(work) / "run").string(); }
};

Folders folders(const TrainOptions& options) {
  const std::string out = options.out_dir.empty() ? (fs::path(user_voices_dir()) / options.name).string() : options.out_dir;
  return {out, options.work_dir.empty() ? out + ".train" : options.work_dir};
}

/// The speakers that --data names; in the stage "voice" all of it is one. What the run itself writes there is no recording.
std::vector<SpeakerRecordings> list_speakers(const TrainOptions& options, const Folders& dirs) {
  const std::string each = "each:";
  const std::vector<std::string> except = {dirs.out, dirs.work, dirs.run()};
  std::vector<SpeakerRecordings> speakers;
  for (const std::string& item : options.data) {
    if (item.rfind(each, 0) == 0) {
      for (const std::string& file : find_recordings(item.substr(each.size()), except))
        speakers.push_back({fs::path(file).stem().string(), {file}});
    } else {
      speakers.push_back({fs::path(item).lexically_normal().filename().string(), find_recordings(item, except)});
      if (speakers.back().name.empty()) speakers.back().name = fs::path(item).lexically_normal().parent_path().filename().string();
    }
  }
  if (options.stage != "voice") return speakers;
  SpeakerRecordings one{options.name, {}};
  for (const auto& speaker : speakers) one.files.insert(one.files.end(), speaker.files.begin(), speaker.files.end());
  return {one};
}

std::vector<SpeakerData> prepare(const TrainOptions& options, const std::vector<SpeakerRecordings>& listed, const std::string& work_dir,
                                 torch::Device device, torch::ScalarType precision, const ProgressFn& on_progress,
                                 const CancelToken& cancel) {
  FeatureTools tools;
  if (options.stage != "vocoder" && !options.zero_shot) tools.content = load_content_encoder("whisper-base", device, precision);
  tools.f0 = load_f0_estimator("fcpe", recordings_range, device);
  tools.plan = plan_song(tools.f0.get(), device);
  tools.speaker = std::make_shared<SpeakerEncoder>(device);
  if (options.denoise) tools.denoiser = std::make_shared<const Denoiser>(device);
  std::vector<SpeakerData> speakers;
  for (const SpeakerRecordings& speaker : listed) {
    try {
      speakers.push_back(prepare_speaker(speaker.name, speaker.files, tools, (fs::path(work_dir) / "features").string(),
                                         options.max_minutes, on_progress, cancel));
    } catch (const Error& e) {
      if (e.code() == ErrorCode::cancelled)
        fail(ErrorCode::cancelled, "Stopped while the recordings were prepared; the same command prepares what is missing.");
      if (e.code() != ErrorCode::bad_audio || options.stage == "voice") throw;
      log_warning("Left out the speaker {}: {}", speaker.name, e.what());
    }
  }
  if (speakers.empty()) fail(ErrorCode::bad_audio, "None of the recordings given with --data can be trained on.");
  return speakers;
}

/// What training starts from: a voice, or a file of weights that is no voice's; neither: from nothing.
struct Start {
  std::optional<Bundle> voice;
  std::string weights;

  explicit operator bool() const { return voice || !weights.empty(); }
  /// A hash of all that the starting weights are made of.
  std::string hash() const {
    if (!voice) return weights.empty() ? "none" : sha256_file(weights);
    const std::string base = sha256_file(native::acoustic_weights(*voice)), own = sha256_file(voice->weights_path);
    return base == own ? base : base + own;
  }
};

Start starting_weights(const TrainOptions& options) {
  const auto in_folder = [](const std::string& folder) { return (fs::path(folder) / "weights.safetensors").string(); };
  if (options.from.empty()) return {{}, options.stage == "voice" ? model_file("native/base/weights.safetensors") : ""};
  if (is_weights_folder(options.from)) return {{}, in_folder(options.from)};
  return {read_bundle(VoiceStore().find(options.from).path), ""};
}

struct Networks {
  native::AcousticModel acoustic{nullptr};  ///< none in the stage vocoder
  native::Vocoder vocoder{nullptr};
};

Networks load_networks(const TrainOptions& options, const Start& from, torch::Device device) {
  Networks networks;
  networks.vocoder = native::Vocoder();
  if (options.stage == "vocoder") {
    if (from.voice) fail(ErrorCode::usage, "{} is a voice; the vocoder's training starts from a folder with its weights.", options.from);
    if (from) nn::load_parameters(*networks.vocoder, nn::Safetensors(from.weights));
  } else {
    networks.acoustic = from.voice ? native::load_acoustic_model(*from.voice)
                        : from     ? native::load_acoustic_model(nn::Safetensors(from.weights))
                                   : native::AcousticModel();
    networks.acoustic->to(device);
    nn::load_parameters(*networks.vocoder, nn::Safetensors(model_file("native/vocoder/weights.safetensors")));
    networks.vocoder->eval();
  }
  networks.vocoder->to(device);
  return networks;
}

/// 5, 50 and 95 % of the speaker's voiced frames.
void describe_pitch(const SpeakerData& speaker, VoiceInfo& info) {
  const torch::Tensor voiced = speaker.f0.masked_select(speaker.f0 > 0);
  if (voiced.numel() == 0) return;
  const torch::Tensor quantiles = torch::quantile(voiced, torch::tensor({0.05f, 0.5f, 0.95f}));
  info.f0_low = quantiles[0].item<double>();
  info.f0_median = quantiles[1].item<double>();
  info.f0_high = quantiles[2].item<double>();
}

/// What a run must share with the one whose checkpoint it goes on from.
std::map<std::string, std::string> origin(const TrainOptions& options, const std::vector<SpeakerRecordings>& speakers, const Start& from) {
  Sha256 recordings;
  for (const SpeakerRecordings& speaker : speakers) recordings.update(recordings_hash(speaker.files, options.max_minutes, options.denoise));
  return {{"recordings", recordings.hex()},
          {"starting weights", from.hash()},
          {"size", options.compact ? "compact" : "full"},
          {"stage", options.stage},
          {"seed", std::to_string(options.seed)}};
}

LoopOptions loop_options(const TrainOptions& options, const std::string& run_dir) {
  LoopOptions loop{run_dir, options.minutes, options.steps, options.checkpoint_minutes, options.seed, options.resume};
  if (loop.minutes <= 0 && loop.steps <= 0) loop.minutes = default_minutes;
  return loop;
}

/// train_voice() with options without problems.
TrainReport train_native_voice(const TrainOptions& options, const ProgressFn& on_progress, const CancelToken& cancel) {
  nn::set_threads(options.threads);
  const torch::Device device = nn::select_device(options.device);
  const torch::ScalarType precision = nn::select_precision(options.precision, device);
  const Folders dirs = folders(options);

  // Before anything is prepared, which takes long, or made: most mistakes are in the paths.
  const auto listed = list_speakers(options, dirs);
  const Start from = starting_weights(options);
  const std::string base_hash = from.hash();
  const Networks networks = load_networks(options, from, device);
  LoopOptions loop = loop_options(options, dirs.run());
  if (!options.zero_shot) {
    loop.origin = origin(options, listed, from);
    check_origin(loop);
  }

  const auto start = std::chrono::steady_clock::now();
  // The vocoder needs many kinds of sound, the acoustic model much of what each voice says.
  const Corpus corpus(prepare(options, listed, dirs.work, device, precision, on_progress, cancel), options.stage == "vocoder" ? 0.5 : 1.0);
  TrainReport report;
  report.prepare_s = seconds_since(start);
  for (const SpeakerData& speaker : corpus.speakers()) report.data_s += double(speaker.frames()) / frame_rate;

  std::unique_ptr<Task> task;
  if (options.stage == "vocoder") {
    task = std::make_unique<VocoderTask>(corpus, networks.vocoder, device, from ? 3e-4 : 1e-3);
  } else {
    AcousticTaskOptions task_options;
    // Without a loss scale fp16 would underflow; bfloat16 does not.
    task_options.precision = precision == torch::kHalf ? torch::kBFloat16 : precision;
    if (from) {  // fine-tuning: the weights are good already
      const bool base = options.stage == "base";
      task_options.peak_rate = base ? 6e-4 : 3e-4;
      task_options.adversarial_from = 0.2;  // of a base, too: it is the discriminator that gains by more minutes
      task_options.keep_upper_band = !base;
      task_options.as_difference = options.compact;
    }
    task = std::make_unique<AcousticTask>(corpus, networks.acoustic, networks.vocoder, device, task_options);
  }

  std::map<std::string, torch::Tensor> weights;
  report.trained = !options.zero_shot;
  if (report.trained) {
    if (options.stage == "voice") {
      report.zero_shot_loss = task->held_out_loss();
      weights = task->weights();
    }
    LoopResult result = run_training(*task, loop, on_progress, cancel);
    report.steps = result.steps;
    report.train_s = result.seconds;
    report.loss = result.best_loss;
    report.trained = report.zero_shot_loss == 0 || report.loss < adversarial_allowance * report.zero_shot_loss;
    if (report.trained) weights = std::move(result.best);
    report.log_path = (fs::path(loop.work_dir) / "log.csv").string();
  } else {
    weights = task->weights();
  }
  const bool uses_base = !report.trained && options.from.empty();  // then the embedding is all there is to keep
  if (uses_base) weights.clear();
  if (options.stage != "voice") {
    make_folder(dirs.out);
    nn::save_safetensors((fs::path(dirs.out) / "weights.safetensors").string(), weights);
    return report;
  }
  const SpeakerData& speaker = corpus.speakers().front();
  weights["speaker"] = speaker.embedding();
  VoiceInfo info;
  info.name = options.name;
  info.title = options.title.empty() ? options.name : options.title;
  info.language = options.language;
  info.gender = options.gender;
  info.architecture = native::architecture().name;
  info.sample_rate = native::sample_rate;
  info.licence = options.licence;
  info.consent = options.consent;
  info.attribution = options.attribution;
  info.version = "1.0.0";
  describe_pitch(speaker, info);
  const native::Acoustic acoustic = uses_base         ? native::Acoustic::base
                                    : options.compact ? native::Acoustic::difference
                                                      : native::Acoustic::own;
  const nlohmann::json settings = native::bundle_settings(acoustic);
  if (acoustic != native::Acoustic::own && settings.at("base_sha256") != base_hash)
    fail(ErrorCode::bad_model, "The base model was replaced by another one while training ran; start the training again.");
  write_bundle(dirs.out, info, settings, weights);
  report.voice = read_bundle(dirs.out).info;
  return report;
}

}  // namespace

Trainer native_trainer() { return {"native", {"voice", "base", "vocoder"}, train_native_voice}; }

}  // namespace voxconv::train
