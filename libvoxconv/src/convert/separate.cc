#include "voxconv/separate.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>

#include "convert/batch_run.h"
#include "convert/separator_impl.h"
#include "convert/stem_stream.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "nn/device.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr double separated_block_s = 1;
// What measure_stems() listens to.
constexpr std::int64_t most_excerpts = 6;
constexpr double excerpt_s = 6;

/// {voice} stands for the stem.
constexpr const char* stem_template = "{stem}-{voice}.{ext}";

/// The vocals first, which are finished last: where they are, the music is.
std::vector<std::string> checked_stems(std::vector<std::string> stems) {
  std::ranges::sort(stems, std::greater());
  const auto repeated = std::ranges::unique(stems);
  stems.erase(repeated.begin(), repeated.end());
  if (stems.empty()) fail(ErrorCode::usage, "No stem is wanted; name vocals, music or both.");
  for (const std::string& stem : stems)
    if (stem != "vocals" && stem != "music") fail(ErrorCode::usage, "There is no stem \"{}\"; name vocals, music or both.", stem);
  return stems;
}

/// One plan per stem, of the same items; what is left out of one is so in all.
std::vector<std::vector<BatchItem>> plan_stems(const BatchOptions& options, const std::vector<std::string>& stems) {
  BatchOptions named = options;
  named.name_template = stem_template;
  std::vector<std::vector<BatchItem>> plans;
  for (const std::string& stem : stems) {
    VoiceInfo part;
    part.name = stem;
    plans.push_back(plan_batch(named, part));
  }
  for (const auto& plan : plans)
    for (std::size_t i = 0; i < plan.size(); ++i)
      if (BatchItem& first = plans.front()[i]; first.state == BatchItem::State::waiting) {
        const std::string target = first.target;
        if (plan[i].state != BatchItem::State::waiting) first = plan[i];
        if (first.state == BatchItem::State::waiting) first.target = target;
      }
  return plans;
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

std::unique_ptr<AudioWriter> open_stem(const SeparateJob& job, const std::string& target, const char* stem, const AudioInfo& info) {
  if (target.empty()) return nullptr;
  WriteOptions options;
  options.rate = info.rate;
  options.channels = Separator::stem_channels(info.channels);
  options.format = job.format;
  options.raw = job.raw;
  options.bitrate_kbps = job.bitrate_kbps;
  options.tags = info.tags;
  options.tags["voxconv_stem"] = stem;
  options.cover = info.cover;
  return open_writer(target, options);
}

}  // namespace

const std::vector<std::string>& separators() { return separation_models(); }

Separator::Separator(const LoadOptions& load, const std::string& model) try {
  nn::set_threads(load.threads, load.jobs);
  const torch::Device device = nn::select_device(load.device);
  // Magnitudes reach thousands, which float16 has no room for between the layers.
  const torch::ScalarType wished = nn::select_precision(load.precision, device);
  const torch::ScalarType precision = wished == torch::kHalf ? torch::kFloat : wished;
  impl_ = std::make_shared<const Impl>(Impl{device, precision, load_separation_model(model, device, precision)});
} catch (...) {
  throw_as_error();
}

SeparateReport Separator::run(AudioReader& source, AudioWriter* vocals, AudioWriter* music, const ProgressFn& on_progress,
                              const CancelToken& cancel) const try {
  const auto start = std::chrono::steady_clock::now();
  const AudioInfo& info = source.info();
  StemStream stream(*impl_->model, info.rate, info.channels);
  StemMeter meter(info.rate, std::size_t(stem_channels(info.channels)));
  const auto take = [&](const Stems& stems) {
    if (stems.vocals.empty()) return;
    meter.push(stems);
    if (vocals) vocals->write(stems.vocals);
    if (music) music->write(stems.music);
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
  if (music) music->finish();
  if (vocals) vocals->finish();
  return {double(frames) / info.rate, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), meter.peak_db(),
          meter.levels()};
} catch (...) {
  throw_as_error();
}

StemLevels measure_stems(const Separator& separator, AudioReader& source, double seconds, AudioWriter* vocals,
                         const CancelToken& cancel) try {
  ExcerptReader excerpts(source, seconds);
  StereoReader stereo(excerpts);
  return separator.run(stereo, vocals, nullptr, {}, cancel).levels;
} catch (...) {
  throw_as_error();
}

SeparateReport separate_file(const Separator& separator, const SeparateJob& job, const ProgressFn& on_progress,
                             const CancelToken& cancel) try {
  const auto source = open_reader(job.source, job.read);
  StereoReader stereo(*source, job.source);
  const auto vocals = open_stem(job, job.vocals, "vocals", source->info()), music = open_stem(job, job.music, "music", source->info());
  const SeparateReport report = separator.run(stereo, vocals.get(), music.get(), on_progress, cancel);
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

std::size_t separate_batch_size(const BatchOptions& options, const std::vector<std::string>& stems) try {
  return plan_stems(options, checked_stems(stems)).front().size();
} catch (...) {
  throw_as_error();
}

BatchReport separate_batch(const Separator& separator, const BatchOptions& options, const std::vector<std::string>& wanted_stems,
                           const BatchCallbacks& callbacks, const CancelToken& cancel) try {
  const std::vector<std::string> stems = checked_stems(wanted_stems);
  const auto plans = plan_stems(options, stems);
  const auto target = [&](const std::string& first, const char* stem) -> std::string {
    const auto wanted = std::ranges::find(stems, stem);
    if (wanted == stems.end()) return "";
    const auto item = std::ranges::find(plans.front(), first, &BatchItem::target);
    return plans[std::size_t(wanted - stems.begin())][std::size_t(item - plans.front().begin())].target;
  };
  const auto worker = [&]() -> FileWorker {
    return [&](const FileJob& job, const ProgressFn& on_progress, const CancelToken& stop) {
      const SeparateJob stems_of{job.source,      target(job.target, "vocals"), target(job.target, "music"), job.read, job.format, job.raw,
                                 job.bitrate_kbps};
      const SeparateReport done = separate_file(separator, stems_of, on_progress, stop);
      ConvertReport report;
      report.source_s = done.source_s;
      report.wall_s = done.wall_s;
      return report;
    };
  };
  return run_batch(plans.front(), options, separator.impl().device, worker, callbacks, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
