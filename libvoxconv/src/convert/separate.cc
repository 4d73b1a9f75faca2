#include "voxconv/separate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <limits>

#include "audio/own_tags.h"
#include "convert/batch_run.h"
#include "convert/separator_impl.h"
#include "convert/stem_stream.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/stage_clock.h"
#include "models/separation/lead_and_backing.h"
#include "nn/device.h"
#include "voxconv/model_catalog.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr double separated_block_s = 1;
constexpr const char* karaoke_model = "melband-roformer-karaoke";  // of the catalog
// What measure_stems() looks at.
constexpr std::int64_t most_excerpts = 6;
constexpr double excerpt_s = 6;

/// {voice} stands for the stem.
constexpr const char* stem_template = "{stem}-{voice}.{ext}";

/// Those that are wanted in the order of Separator::stems(): the first one is finished last. Throws Error(usage).
std::vector<std::string> checked_stems(const Separator& separator, const std::vector<std::string>& wanted) {
  const std::vector<std::string> known = separator.stems();
  if (wanted.empty()) fail(ErrorCode::usage, "No stem is wanted; name some of {}.", fmt::join(known, ", "));
  for (const std::string& stem : wanted)
    if (std::ranges::find(known, stem) == known.end())
      fail(ErrorCode::usage, "There is no stem \"{}\"; {} finds {}.", stem, separator.impl().loaded.name, fmt::join(known, ", "));
  std::vector<std::string> stems;
  std::ranges::copy_if(known, std::back_inserter(stems),
                       [&](const std::string& stem) { return std::ranges::find(wanted, stem) != wanted.end(); });
  return stems;
}

/// The stem that comes first gives the target, the others stand beside it.
std::vector<BatchItem> plan_stems(const BatchOptions& options, const std::vector<std::string>& stems) {
  BatchOptions named = options;
  named.name_template = stem_template;
  VoiceInfo first;
  first.name = stems.front();
  return plan_batch(named, first, [&](const fs::path& source, const fs::path&, const fs::path& target) {
    std::vector<fs::path> others;
    for (auto stem = stems.begin() + 1; stem != stems.end(); ++stem)
      others.emplace_back(stem_path(source.string(), target.parent_path().string(), *stem, target.extension().string().substr(1)));
    return others;
  });
}

/// Passes on evenly spread parts of a source, one after another.
class ExcerptReader : public AudioReader {
 public:
  ExcerptReader(AudioReader& source, double seconds) : source_(source), info_(source.info()) {
    const bool whole = seconds <= most_excerpts * excerpt_s;
    count_ = whole ? 1 : most_excerpts;
    length_ = whole ? std::numeric_limits<std::int64_t>::max() : std::int64_t(excerpt_s * info_.rate);
    stride_ = std::int64_t(seconds / count_ * info_.rate);
    if (!whole) info_.frames = count_ * length_;
  }
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    while (index_ < count_) {
      const std::int64_t start = count_ == 1 ? 0 : index_ * stride_ + (stride_ - length_) / 2, left = start + length_ - at_;
      if (left <= 0) {
        ++index_;
        continue;
      }
      const bool skip = at_ < start;
      const std::int64_t most = skip ? std::min<std::int64_t>(start - at_, info_.rate) : std::min(left, std::int64_t(max_frames));
      if (!source_.read(out, std::size_t(most))) break;
      at_ += std::int64_t(out.frames());
      if (!skip) return true;
    }
    index_ = count_;
    out = AudioBuffer(info_.rate, std::size_t(info_.channels));
    return false;
  }

 private:
  AudioReader& source_;
  AudioInfo info_;
  std::int64_t count_ = 1, length_ = 0, stride_ = 0, index_ = 0, at_ = 0;  ///< in frames, but for count and index
};

/// Whether a separator of the model catalog is here.
bool is_installed(const std::string& name) {
  const ModelCatalog catalog;
  return std::ranges::any_of(
      catalog.entries(), [&](const CatalogEntry& entry) { return entry.name == name && catalog.state(entry) == ModelState::installed; });
}

std::unique_ptr<AudioWriter> open_stem(const SeparateJob& job, const std::string& stem, const AudioInfo& info) {
  WriteOptions options;
  options.rate = info.rate;
  options.channels = Separator::stem_channels(info.channels);
  options.format = job.format;
  options.raw = job.raw;
  options.bitrate_kbps = job.bitrate_kbps;
  options.tags = info.tags;
  options.tags[own_tag::stem] = stem;
  options.cover = info.cover;
  return open_writer(job.targets.at(stem), options);
}

}  // namespace

const std::vector<std::string>& separators() { return separation_models(); }

Separator::Separator(const LoadOptions& load, const std::string& model, const std::string& settings) try {
  nn::set_threads(load.threads, load.jobs);
  const torch::Device device = nn::select_device(load.device);
  // Magnitudes reach thousands, which float16 has no room for between the layers.
  const torch::ScalarType wished = nn::select_precision(load.precision, device);
  const torch::ScalarType precision = wished == torch::kHalf ? torch::kFloat : wished;
  impl_ = std::make_shared<const Impl>(Impl{device, precision, load_separation_model(model, settings, device, precision)});
} catch (...) {
  throw_as_error();
}

Separator Separator::with_backing(const LoadOptions& load, const std::string& model, const std::string& settings) try {
  const Separator named(load, model, settings);
  const bool is_karaoke = named.impl().model().vocals_are_lead();
  if (!is_karaoke && !is_installed(karaoke_model))
    fail(ErrorCode::usage,
         "{} does not tell backing vocals from the lead voice. That takes a karaoke model as well: \"voxconv models get {}\" fetches one, "
         "and "
         "--model names the file of another one.",
         named.impl().loaded.name, karaoke_model);
  const Separator other(load, is_karaoke ? separators().front() : karaoke_model);
  const std::shared_ptr<const Impl>&vocals = (is_karaoke ? other : named).impl_, &karaoke = (is_karaoke ? named : other).impl_;
  LoadedSeparator both{lead_and_backing(vocals->loaded.model, karaoke->loaded.model), vocals->loaded.name + " with " + karaoke->loaded.name,
                       vocals->loaded.files};
  both.files.insert(both.files.end(), karaoke->loaded.files.begin(), karaoke->loaded.files.end());
  return Separator(std::make_shared<const Impl>(Impl{vocals->device, vocals->precision, std::move(both), vocals, karaoke}));
} catch (...) {
  throw_as_error();
}

bool Separator::finds_backing() const { return impl_->of_vocals != nullptr; }

std::vector<std::string> Separator::stems() const {
  std::vector<std::string> names{vocals_stem, music_stem};
  std::ranges::remove_copy(impl_->model().stems(), std::back_inserter(names), vocals_stem);
  return names;
}

SeparateReport Separator::run(AudioReader& source, const std::vector<StemTarget>& targets, const ProgressFn& on_progress,
                              const CancelToken& cancel) const try {
  const auto start = std::chrono::steady_clock::now();
  const AudioInfo& info = source.info();
  std::vector<std::string> wanted, parts;
  for (const StemTarget& target : targets) wanted.push_back(target.stem);
  if (!wanted.empty()) wanted = checked_stems(*this, wanted);
  std::ranges::copy_if(wanted, std::back_inserter(parts),
                       [](const std::string& stem) { return stem != vocals_stem && stem != music_stem; });
  StemStream stream(impl_->model(), info.rate, info.channels, parts);
  StemMeter meter(info.rate, std::size_t(stem_channels(info.channels)));
  const auto take = [&](const Stems& stems) {
    if (stems.vocals.empty()) return;
    meter.push(stems);
    for (const auto& [stem, writer] : targets)
      writer->write(stem == vocals_stem  ? stems.vocals
                    : stem == music_stem ? stems.music
                                         : stems.parts[std::size_t(std::ranges::find(parts, stem) - parts.begin())]);
  };
  std::int64_t frames = 0;
  AudioBuffer audio;
  while (source.read(audio, std::size_t(std::max(1.0, separated_block_s * info.rate)))) {
    cancel.check();
    frames += std::int64_t(audio.frames());
    take(stream.push(audio));
    if (on_progress) on_progress({"separate", double(frames) / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""});
  }
  cancel.check();
  take(stream.finish());
  for (auto target = targets.rbegin(); target != targets.rend(); ++target) target->writer->finish();
  return {double(frames) / info.rate, seconds_since(start), meter.peak_db(), meter.levels()};
} catch (...) {
  throw_as_error();
}

StemLevels measure_stems(const Separator& separator, AudioReader& source, double seconds, AudioWriter* vocals,
                         const CancelToken& cancel) try {
  ExcerptReader excerpts(source, seconds);
  StereoReader stereo(excerpts);
  std::vector<StemTarget> targets;
  if (vocals) targets.push_back({"vocals", vocals});
  return separator.run(stereo, targets, {}, cancel).levels;
} catch (...) {
  throw_as_error();
}

SeparateReport separate_file(const Separator& separator, const SeparateJob& job, const ProgressFn& on_progress,
                             const CancelToken& cancel) try {
  std::vector<std::string> wanted;
  for (const auto& [stem, path] : job.targets) wanted.push_back(stem);
  const std::vector<std::string> stems = checked_stems(separator, wanted);
  const auto source = open_reader(job.source, job.read);
  StereoReader stereo(*source, job.source);
  std::vector<std::unique_ptr<AudioWriter>> writers;
  std::vector<StemTarget> targets;
  for (const std::string& stem : stems) {
    writers.push_back(open_stem(job, stem, source->info()));
    targets.push_back({stem, writers.back().get()});
  }
  SeparateReport report = separator.run(stereo, targets, on_progress, cancel);
  report.files = job.targets;
  if (report.peak_db > 0 && job.format != "wavf")
    log_warning("{}: a stem reaches {:+.1f} dBFS and may be clipped; the format wavf holds it.", job.source, report.peak_db);
  return report;
} catch (...) {
  throw_as_error();
}

std::string stem_path(const std::string& source, const std::string& folder, const std::string& stem, const std::string& extension) {
  const std::string name = source == "-" ? "stdin" : fs::path(source).stem().string();
  return (fs::path(folder) / (name + "-" + stem + "." + extension)).string();
}

std::size_t separate_batch_size(const Separator& separator, const BatchOptions& options, const std::vector<std::string>& stems) try {
  return plan_stems(options, checked_stems(separator, stems)).size();
} catch (...) {
  throw_as_error();
}

BatchReport separate_batch(const Separator& separator, const BatchOptions& options, const std::vector<std::string>& wanted_stems,
                           const BatchCallbacks& callbacks, const CancelToken& cancel) try {
  const std::vector<std::string> stems = checked_stems(separator, wanted_stems);
  const auto worker = [&]() -> FileWorker {
    return [&](const FileJob& job, const std::vector<std::string>& others, const ProgressFn& on_progress, const CancelToken& stop) {
      SeparateJob parts{job.source, {{stems.front(), job.target}}, job.read, job.format, job.raw, job.bitrate_kbps};
      for (std::size_t i = 0; i < others.size(); ++i) parts.targets[stems[i + 1]] = others[i];
      const auto done = std::make_shared<const SeparateReport>(separate_file(separator, parts, on_progress, stop));
      FileResult result;
      result.report.source_s = done->source_s;
      result.report.wall_s = done->wall_s;
      result.separation = done;
      return result;
    };
  };
  return run_batch(plan_stems(options, stems), options, separator.impl().device, worker, callbacks, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
