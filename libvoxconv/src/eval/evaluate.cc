#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "audio/find_audio.h"
#include "convert/voice_impl.h"
#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/stage_clock.h"
#include "eval/character_error.h"
#include "eval/comparison.h"
#include "eval/copy_synthesis.h"
#include "eval/memory_audio.h"
#include "eval/recognizer.h"
#include "eval/report.h"
#include "eval/sound.h"
#include "eval/spectrum_measures.h"
#include "models/native/native_voice.h"
#include "nn/device.h"
#include "voxconv/converter.h"
#include "voxconv/evaluator.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using eval::Sound;
using eval::Target;

/// The files a list of files and folders stands for.
std::vector<std::string> expand(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (std::error_code none; fs::is_directory(path, none)) {
      const auto found = find_audio(path);
      files.insert(files.end(), found.begin(), found.end());
    } else {
      files.push_back(path);
    }
  }
  return files;
}

/// A name for each source's files: its stem, with a number where an earlier source had the same.
std::vector<std::string> unique_stems(const std::vector<std::string>& sources) {
  std::vector<std::string> stems;
  std::set<std::string> taken;
  for (const std::string& source : sources) {
    const std::string stem = fs::path(source).stem().string();
    stems.push_back(stem);
    for (int n = 2; !taken.insert(stems.back()).second; ++n) stems.back() = stem + "-" + std::to_string(n);
  }
  return stems;
}

void refuse_to_replace(const std::vector<std::string>& recordings, const std::vector<std::string>& saved) {
  for (const std::string& path : saved)
    for (const std::string& recording : recordings)
      if (std::error_code none; fs::equivalent(path, recording, none))
        fail(ErrorCode::usage, "{} would be replaced by a converted file; name another folder to save those in.", recording);
}

Spectrogram picture_of(const Sound& sound, std::string title) {
  Spectrogram picture = eval::spectrogram(sound.full_band);
  picture.title = std::move(title);
  return picture;
}

/// The target's recordings, one after the other: each is forgotten but for what a target needs.
std::pair<Target, std::optional<Spectrogram>> read_target(const std::vector<std::string>& recordings, const eval::SoundAnalyser& analyser,
                                                          const CancelToken& cancel) {
  std::vector<Sound> sounds;
  std::optional<Spectrogram> first;
  for (const std::string& file : recordings) {
    cancel.check();
    const auto reader = open_reader(file);
    sounds.push_back(analyser.analyse(read_all(*reader), cancel));
    if (!first) first = picture_of(sounds.back(), "target: " + fs::path(file).filename().string());
    sounds.back().full_band = sounds.back().audio = torch::Tensor();
  }
  Target target = eval::target_of(sounds);
  if (target.embedding.norm().item<double>() == 0)
    fail(ErrorCode::usage, "No voice is to be heard in the references; name recordings in which the target speaks or sings.");
  return {std::move(target), std::move(first)};
}

Target stored_target(const Voice& voice) {
  const torch::Tensor stored = voice.impl().model->speaker_embedding();
  if (!stored.defined() || stored.numel() != SpeakerEncoder::dim)
    fail(ErrorCode::bad_model, "Voice {} carries no speaker embedding; name recordings of its speaker as references.", voice.info().name);
  Target target;
  target.embedding = stored.flatten().cpu();
  return target;
}

/// What was made of a source.
struct Result {
  AudioBuffer audio;
  double key = 0;  ///< semitones that its melody lies above the source's
  double wall_s = 0;
};

/// The files that an evaluation is of. Folders are searched once: what is left out in them is told in the log.
struct Files {
  std::vector<std::string> sources, names;  ///< names: of what is kept of each source
  std::vector<std::string> references;
};

/// One kind of evaluation: how results are made, and what they are compared with.
struct Procedure {
  std::string name;  ///< of what makes the results
  std::function<Result(const AudioBuffer& original, const Sound& source)> make;
  std::optional<Target> target;  ///< none: each source is its own
  std::optional<Spectrogram> target_picture;
  std::function<Tags(const Tags& source)> tags;  ///< of a saved result
};

/// The recogniser of words, if it is installed.
std::unique_ptr<const eval::Recognizer> find_recognizer(torch::Device device) {
  if (const auto model = eval::Recognizer::find_model()) return std::make_unique<eval::Recognizer>(*model, device);
  log_info("The character error rate (cer) is left out, for want of a speech recogniser; \"voxconv models get whisper-base\" fetches it.");
  return nullptr;
}

/// What the recogniser makes of the words: the result's as errors against the source's.
void compare_words(const eval::Recognizer& recognizer, const Sound& source, const Sound& result, const std::string& language,
                   const CancelToken& cancel, EvalRow& row) {
  const Transcript wanted = recognizer.transcribe(source.audio, language, cancel);
  row.language = wanted.language;
  if (!eval::spoken_characters(wanted.text).empty())
    row.cer = eval::character_error(wanted.text, recognizer.transcribe(result.audio, wanted.language, cancel).text);
}

EvalReport evaluate_files(const Procedure& procedure, const Files& files, const EvalOptions& options, const eval::SoundAnalyser& analyser,
                          const ProgressFn& on_progress, const CancelToken& cancel) {
  const std::vector<std::string>&sources = files.sources, &names = files.names;
  const auto recognizer = find_recognizer(analyser.device());
  EvalReport report;
  report.voice = procedure.name;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    cancel.check();
    if (on_progress) on_progress({"evaluate", double(i), double(sources.size()), "files", sources[i]});
    const auto reader = open_reader(sources[i]);
    const AudioBuffer original = read_all(*reader);
    const Sound source = analyser.analyse(original, cancel);
    const Result made = procedure.make(original, source);
    if (!options.save_dir.empty()) {
      WriteOptions format;
      format.rate = made.audio.rate;
      format.channels = static_cast<int>(made.audio.channel_count());
      format.format = "wav24";
      format.tags = procedure.tags(reader->info().tags);
      const auto writer = open_writer((fs::path(options.save_dir) / (names[i] + ".wav")).string(), format);
      writer->write(made.audio);
      writer->finish();
    }
    const Sound result = analyser.analyse(made.audio, cancel);
    EvalRow row = eval::compare(source, result, procedure.target ? *procedure.target : eval::target_of({source}), made.key);
    if (!procedure.target) row.secs_nearer_target = row.timbre_nearer_target = undefined_figure;  // than itself
    row.source = sources[i];
    if (recognizer) compare_words(*recognizer, source, result, options.language, cancel, row);
    row.seconds = original.seconds();
    row.rtf = row.seconds > 0 ? made.wall_s / row.seconds : undefined_figure;
    report.rows.push_back(row);
    if (options.on_spectrograms) {
      std::vector<Spectrogram> pictures{picture_of(source, "source: " + fs::path(sources[i]).filename().string()),
                                        picture_of(result, "result: " + procedure.name)};
      if (procedure.target_picture) pictures.push_back(*procedure.target_picture);
      call_caller([&] { options.on_spectrograms(names[i], pictures); });
    }
  }
  if (on_progress) on_progress({"evaluate", double(sources.size()), double(sources.size()), "files", ""});
  report.mean = mean_row(report.rows);
  return report;
}

/// What is wrong is said before any work is done.
Files prepare(const EvalOptions& options) {
  options.convert.validate();
  if (!options.language.empty()) eval::WhisperVocabulary().language(options.language);
  Files files;
  files.sources = expand(options.sources);
  if (files.sources.empty()) fail(ErrorCode::usage, "There is nothing to evaluate; name the files or folders to convert.");
  files.names = unique_stems(files.sources);
  files.references = expand(options.references);
  if (options.save_dir.empty()) return files;
  std::vector<std::string> saved;
  for (const std::string& name : files.names) saved.push_back((fs::path(options.save_dir) / (name + ".wav")).string());
  refuse_to_replace(files.sources, saved);
  refuse_to_replace(files.references, saved);
  make_folder(options.save_dir);
  return files;
}

}  // namespace

EvalReport evaluate(const Voice& voice, const EvalOptions& options, const ProgressFn& progress, const CancelToken& cancel) try {
  const ProgressFn on_progress = of_caller(progress);
  const Files files = prepare(options);
  const eval::SoundAnalyser analyser(voice.impl().device);
  Procedure procedure;
  procedure.name = voice.info().name;
  if (files.references.empty())
    procedure.target = stored_target(voice);
  else
    std::tie(procedure.target, procedure.target_picture) = read_target(files.references, analyser, cancel);
  Converter converter(voice, options.convert);
  procedure.make = [&](const AudioBuffer& original, const Sound&) {
    eval::MemoryReader reader(original);
    eval::CapturingWriter writer;
    const ConvertReport done = converter.run(reader, writer, {}, cancel);
    return Result{writer.audio(), done.key, done.wall_s};
  };
  procedure.tags = [&](const Tags& source) { return provenance_tags(source, voice.info(), options.convert); };
  EvalReport report = evaluate_files(procedure, files, options, analyser, on_progress, cancel);
  report.target_sound = procedure.target->figures;
  return report;
} catch (...) {
  throw_as_error();
}

EvalReport evaluate_vocoder(const EvalOptions& options, const LoadOptions& load, const ProgressFn& progress,
                            const CancelToken& cancel) try {
  const ProgressFn on_progress = of_caller(progress);
  if (!options.references.empty()) fail(ErrorCode::usage, "Copy synthesis compares each recording with itself; leave out the references.");
  const Files files = prepare(options);
  nn::set_threads(load.threads, load.jobs);
  const torch::Device device = nn::select_device(load.device);
  const eval::SoundAnalyser analyser(device);
  const native::Vocoder vocoder = native::load_vocoder(device);
  Procedure procedure;
  procedure.name = "native vocoder";
  procedure.make = [&](const AudioBuffer&, const Sound& source) {
    const auto start = std::chrono::steady_clock::now();
    const torch::Tensor audio = eval::copy_synthesis(vocoder, source.full_band, source.f0, options.convert.seed, device, cancel);
    Result result{AudioBuffer(eval::full_band_rate, 1), 0, seconds_since(start)};
    result.audio.channels[0].assign(audio.const_data_ptr<float>(), audio.const_data_ptr<float>() + audio.numel());
    return result;
  };
  procedure.tags = [](const Tags& source) { return source; };
  EvalReport report = evaluate_files(procedure, files, options, analyser, on_progress, cancel);
  report.target_sound = report.mean.source_sound;
  return report;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
