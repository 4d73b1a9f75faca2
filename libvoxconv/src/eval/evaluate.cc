#include <filesystem>
#include <set>

#include "audio/find_audio.h"
#include "audio/resampler.h"
#include "convert/voice_impl.h"
#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "eval/memory_audio.h"
#include "eval/metrics.h"
#include "eval/report.h"
#include "features/frames.h"
#include "features/loudness.h"
#include "features/speaker/speaker_encoder.h"
#include "voxconv/converter.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

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

/// What every measure is taken from: 16 kHz, channels averaged, [N].
torch::Tensor feature_audio(const AudioBuffer& audio) {
  torch::Tensor mono = torch::zeros({static_cast<std::int64_t>(audio.frames())});
  for (const auto& channel : audio.channels)
    mono += torch::from_blob(const_cast<float*>(channel.data()), mono.sizes()) / double(audio.channel_count());
  AudioBuffer buffer(audio.rate, 1);
  buffer.channels[0].assign(mono.const_data_ptr<float>(), mono.const_data_ptr<float>() + mono.numel());
  buffer = resample(buffer, feature_rate);
  return torch::from_blob(buffer.channels[0].data(), {static_cast<std::int64_t>(buffer.frames())}).clone();
}

/// One sound with what is measured of it.
struct Measured {
  F0Track f0;
  torch::Tensor loudness, embedding;

  Measured(const AudioBuffer& audio, const SpeakerEncoder& encoder, const std::string& device) {
    eval::MemoryReader reader(audio);
    F0Options options;
    options.estimator = "fcpe";  // one fixed judge, whatever the conversion used
    options.device = device;
    f0 = estimate_f0(reader, options);
    const torch::Tensor features = feature_audio(audio);
    loudness = a_weighted_loudness(features);
    embedding = encoder.embed(features).cpu();
  }
};

/// The normalised mean embedding of the target's recordings, or the one its voice carries.
torch::Tensor target_embedding(const Voice& voice, const std::vector<std::string>& references, const SpeakerEncoder& encoder,
                               const CancelToken& cancel) {
  if (references.empty()) {
    const torch::Tensor stored = voice.impl().model->speaker_embedding();
    if (!stored.defined() || stored.numel() != SpeakerEncoder::dim)
      fail(ErrorCode::bad_model, "Voice {} carries no speaker embedding; name recordings of its speaker as references.", voice.info().name);
    return stored.flatten().cpu();
  }
  torch::Tensor sum = torch::zeros({SpeakerEncoder::dim});
  for (const std::string& file : references) {
    cancel.check();
    const auto reader = open_reader(file);
    sum += encoder.embed(feature_audio(read_all(*reader))).cpu();
  }
  return sum / sum.norm().clamp_min(1e-12);
}

/// A file for each converted source: <dir>/<stem>.wav, with a number where an earlier source had the same stem.
std::vector<std::string> saved_paths(const std::string& dir, const std::vector<std::string>& sources) {
  std::vector<std::string> paths;
  std::set<std::string> taken;
  for (const std::string& source : sources) {
    const std::string stem = fs::path(source).stem().string();
    std::string name = stem;
    for (int n = 2; !taken.insert(name).second; ++n) name = stem + "-" + std::to_string(n);
    paths.push_back((fs::path(dir) / (name + ".wav")).string());
  }
  return paths;
}

void refuse_to_replace(const std::vector<std::string>& recordings, const std::vector<std::string>& saved) {
  for (const std::string& path : saved)
    for (const std::string& recording : recordings)
      if (std::error_code none; fs::equivalent(path, recording, none))
        fail(ErrorCode::usage, "{} would be replaced by a converted file; name another folder to save those in.", recording);
}

}  // namespace

EvalReport evaluate(const Voice& voice, const EvalOptions& options, const ProgressFn& on_progress, const CancelToken& cancel) try {
  options.convert.validate();
  const std::vector<std::string> sources = expand(options.sources), references = expand(options.references);
  if (sources.empty()) fail(ErrorCode::usage, "There is nothing to evaluate; name the files or folders to convert.");
  std::vector<std::string> saved_files;
  if (!options.save_dir.empty()) {
    saved_files = saved_paths(options.save_dir, sources);
    refuse_to_replace(sources, saved_files);
    refuse_to_replace(references, saved_files);
    make_folder(options.save_dir);
  }

  const std::string device = voice.impl().device.str();
  const SpeakerEncoder encoder(voice.impl().device);
  const torch::Tensor target = target_embedding(voice, references, encoder, cancel);
  Converter converter(voice, options.convert);

  EvalReport report;
  report.voice = voice.info().name;
  for (const std::string& source : sources) {
    cancel.check();
    if (on_progress) on_progress({"evaluate", double(report.rows.size()), double(sources.size()), "files", source});
    const auto source_reader = open_reader(source);
    const AudioBuffer original = read_all(*source_reader);
    eval::MemoryReader reader(original);
    std::unique_ptr<AudioWriter> saved;
    if (!saved_files.empty()) {
      WriteOptions format;
      format.rate = converter.output_rate();
      format.channels = converter.output_channels(static_cast<int>(original.channel_count()));
      format.format = "wav24";
      format.tags = provenance_tags(source_reader->info().tags, voice.info(), options.convert);
      saved = open_writer(saved_files[report.rows.size()], format);
    }
    eval::CapturingWriter writer(std::move(saved));
    const ConvertReport done = converter.run(reader, writer, {}, cancel);

    const Measured before(original, encoder, device), after(writer.audio(), encoder, device);
    const eval::PitchError pitch = eval::pitch_error(before.f0.hz, after.f0.hz, done.key);
    EvalRow row;
    row.source = source;
    row.seconds = original.seconds();
    row.f0_correlation = pitch.correlation;
    row.f0_median_cents = pitch.median_cents;
    row.secs_target = eval::cosine(after.embedding, target);
    row.secs_source = eval::cosine(after.embedding, before.embedding);
    row.secs_source_target = eval::cosine(before.embedding, target);
    row.loudness_error_db = eval::loudness_error_db(before.loudness, after.loudness);
    row.rtf = done.source_s > 0 ? done.wall_s / done.source_s : 0;
    report.rows.push_back(row);
  }
  if (on_progress) on_progress({"evaluate", double(sources.size()), double(sources.size()), "files", ""});
  report.mean = mean_row(report.rows);
  return report;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
