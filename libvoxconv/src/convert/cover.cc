#include "voxconv/cover.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <list>
#include <optional>

#include "audio/caller_writer.h"
#include "audio/checked_reader.h"
#include "convert/batch_run.h"
#include "convert/cover_mix.h"
#include "convert/dereverb_reader.h"
#include "convert/kept_vocals.h"
#include "convert/reverb.h"
#include "convert/separator_impl.h"
#include "convert/stem_stream.h"
#include "convert/voice_impl.h"
#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/sha256.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

constexpr double measured_block_s = 1;
// How the time of a cover is divided, for its progress.
constexpr double separate_share = 0.2, measure_share = 0.05;
constexpr double loud_peak_db = 12;  // above full scale; no mix is mastered that hot
const std::vector<std::string> stem_names = {"vocals", "converted", "music"};

/// A folder of its own for files that go with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* chosen = std::getenv("TMPDIR");
    const std::string parent = chosen && *chosen ? chosen : "/var/tmp";
    path_ = parent + "/voxconv-cover.XXXXXX";
    if (!::mkdtemp(path_.data()))
      fail(ErrorCode::io, "A folder for temporary files cannot be made in {}: {}. Name another one in TMPDIR.", parent,
           std::strerror(errno));
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Passes a source on and tells how far it was read; the callback may throw.
class TrackedReader : public AudioReader {
 public:
  TrackedReader(AudioReader& source, std::function<void(double seconds)> on_read) : source_(source), on_read_(std::move(on_read)) {}
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    const bool more = source_.read(out, max_frames);
    frames_ += std::int64_t(out.frames());
    on_read_(double(frames_) / info().rate);
    return more;
  }

 private:
  AudioReader& source_;
  std::function<void(double)> on_read_;
  std::int64_t frames_ = 0;
};

/// One progress over steps that each work through the whole song.
class CoverProgress {
 public:
  CoverProgress(const ProgressFn& report, const CancelToken& cancel) : report_(report), cancel_(cancel) {}

  void set_length(double seconds) { length_ = seconds; }
  double length() const { return length_; }
  /// From here on what is told counts for that share of the whole.
  void begin(const std::string& step, double share) {
    before_ += share_;
    step_ = step;
    share_ = share;
  }
  /// The step that was begun does not count: it is done in another way.
  void drop() { share_ = 0; }
  void tell(double seconds) {
    cancel_.check();
    if (!report_) return;
    const double part = length_ > 0 ? std::min(1.0, seconds / length_) : 0;
    report_({"cover", length_ > 0 ? length_ * (before_ + share_ * part) : seconds, length_, "s", step_});
  }

 private:
  const ProgressFn& report_;
  const CancelToken& cancel_;
  double length_ = 0, before_ = 0, share_ = 0;
  std::string step_;
};

/// A song that is read several times, with at most two channels.
struct SongSource {
  std::string name;  ///< for messages
  std::function<std::unique_ptr<AudioReader>()> open;
};

class OpenSong {
 public:
  explicit OpenSong(const SongSource& song, const std::string& told_name = "")
      : source_(call_caller(song.open)), checked_(*source_), stereo_(checked_, told_name) {}
  AudioReader& reader() { return stereo_; }

 private:
  std::unique_ptr<AudioReader> source_;
  CheckedReader checked_;
  StereoReader stereo_;
};

struct SongMeasures {
  double seconds = 0;
  StemLevels levels;
  double excess_db = 0;          ///< of the song's true peak above the limiter's ceiling
  std::optional<Reverb> reverb;  ///< of what is converted; nothing where it is dry, or was not asked for
};

/// Nothing where the vocals are not those of the song: they end elsewhere.
std::optional<SongMeasures> measure_song(const SongSource& source, const std::string& vocals_path, bool with_reverb,
                                         CoverProgress& progress) {
  OpenSong song(source);
  VocalsReader vocals(vocals_path);
  const AudioInfo& info = song.reader().info();
  if (vocals.info().rate != info.rate || vocals.info().channels != info.channels) return std::nullopt;
  StemMeter meter(info.rate, std::size_t(info.channels));
  std::optional<ReverbEstimator> of_vocals, of_song;
  if (with_reverb) {
    of_vocals.emplace(info.rate, std::size_t(info.channels));
    of_song.emplace(info.rate, std::size_t(info.channels));  // all of a song without music is converted
  }
  TruePeakLimiter limiter(info.channels, info.rate);
  std::int64_t frames = 0;
  Stems stems;
  AudioBuffer piece;
  while (song.reader().read(stems.music, std::size_t(measured_block_s * info.rate))) {
    stems.vocals = AudioBuffer(info.rate, std::size_t(info.channels));
    while (stems.vocals.frames() < stems.music.frames()) {
      if (!vocals.read(piece, stems.music.frames() - stems.vocals.frames())) return std::nullopt;
      for (std::size_t c = 0; c < piece.channel_count(); ++c)
        stems.vocals.channels[c].insert(stems.vocals.channels[c].end(), piece.channels[c].begin(), piece.channels[c].end());
    }
    limiter.push(stems.music);
    if (of_song) of_song->push(stems.music);
    for (std::size_t c = 0; c < stems.music.channel_count(); ++c)
      std::transform(stems.music.channels[c].begin(), stems.music.channels[c].end(), stems.vocals.channels[c].begin(),
                     stems.music.channels[c].begin(), std::minus<>());
    meter.push(stems);
    if (of_vocals) of_vocals->push(stems.vocals);
    frames += std::int64_t(stems.music.frames());
    progress.tell(double(frames) / info.rate);
  }
  if (vocals.read(piece, 1)) return std::nullopt;
  limiter.finish();
  SongMeasures measures{double(frames) / info.rate, meter.levels(), limiter.largest_reduction_db(), std::nullopt};
  if (with_reverb && measures.levels.has_vocals()) measures.reverb = (measures.levels.has_music() ? of_vocals : of_song)->estimate();
  return measures;
}

/// The name of a separator that ships; of others what their files hold, whatever their names.
std::string key_of(const Separator& separator) {
  const LoadedSeparator& loaded = separator.impl().loaded;
  std::string key = loaded.name;
  if (!loaded.files.empty()) {
    Sha256 hash;
    for (const std::string& file : loaded.files) hash.update(sha256_file(file));
    key = hash.hex().substr(0, 16);
  }
  return separator.impl().precision == torch::kFloat ? key : key + "-bf16";
}

/// Semitones, -6 to 6, by which the music gets to the key of the vocals; it stays as it is where they move by octaves.
double music_shift(const ConvertOptions& options) { return options.key_auto ? 0 : std::remainder(options.key, 12); }

/// Vocals of a song in which nobody sings.
class NoVocals : public AudioReader {
 public:
  explicit NoVocals(const AudioInfo& info) : info_(info) {}
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    out = AudioBuffer(info_.rate, std::size_t(info_.channels), max_frames);
    return true;
  }

 private:
  AudioInfo info_;
};

double linear(double db) { return std::pow(10, db / 20); }

/// What of a cover's options the converter of its vocals has.
ConvertOptions vocal_options(ConvertOptions options) {
  options.wet = 1;
  options.gain_db = 0;
  options.resample = 0;
  return options;
}

/// The writers of a cover that goes to files.
struct CoverFiles {
  std::unique_ptr<AudioWriter> cover, vocals, converted, music;
  CoverWriters all() const { return {cover.get(), vocals.get(), converted.get(), music.get()}; }
};

std::unique_ptr<AudioWriter> open_cover_stem(const std::string& path, const std::string& stem, const AudioInfo& info, Tags tags = {}) {
  WriteOptions options;
  options.rate = info.rate;
  options.channels = Separator::stem_channels(info.channels);
  options.tags = std::move(tags);
  options.tags["voxconv_stem"] = stem;
  return open_writer(path, options);
}

/// The files of a cover's stems, in the order of stem_names; none without a folder.
std::vector<std::string> stem_paths(const std::string& folder, const std::string& source) {
  std::vector<std::string> paths;
  if (!folder.empty())
    for (const std::string& stem : stem_names) paths.push_back(stem_path(source, folder, stem, "flac"));
  return paths;
}

/// Whether both names lead to one file, be it there or not yet.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code none;
  return fs::equivalent(a, b, none) || fs::weakly_canonical(a, none) == fs::weakly_canonical(b, none);
}

}  // namespace

void CoverOptions::validate() const try {
  convert.validate();
  for (const auto& [name, value] : {std::pair("vocals", vocals_db), std::pair("music", music_db)})
    if (!(value >= -60 && value <= 24)) fail(ErrorCode::usage, "The gain of the {} is {:g} dB; expected -60 to 24.", name, value);
  if (music_shift(convert) != 0 && convert.wet != 1)
    fail(ErrorCode::usage,
         "A key of {:+g} semitones shifts the music, too, but not the song's own vocals, of which a wet of {:g} would mix in a part: "
         "use a wet of 1, or whole octaves (-12, 0, 12 ...).",
         convert.key, convert.wet);
} catch (...) {
  throw_as_error();
}

std::string user_vocals_cache() {
  for (const auto& [variable, below] : {std::pair("XDG_CACHE_HOME", ""), std::pair("HOME", ".cache")})
    if (const char* value = std::getenv(variable); value && *value) return (fs::path(value) / below / "voxconv/vocals").string();
  return "";
}

struct CoverMaker::Impl {
  Voice voice;
  Separator separator;
  CoverOptions options;
  Converter converter;
  std::string separator_key;  ///< tells vocals in the cache that were found in other ways

  CoverFiles open_files(const FileJob& job, const std::vector<std::string>& stems, const AudioInfo& info, bool converted) const;
  SongMeasures separate(const SongSource& song, const VocalsCache& cache, const std::string& vocals_path, CoverProgress& progress,
                        const CancelToken& cancel, CoverReport& report) const;
  void mix(const SongSource& song, const std::string& vocals_path, const SongMeasures& measures, const CoverWriters& writers,
           CoverProgress& progress, const CancelToken& cancel, CoverReport& report);
};

/// Gives `vocals_path` the song's vocals, kept or new, and measures the song.
SongMeasures CoverMaker::Impl::separate(const SongSource& song, const VocalsCache& cache, const std::string& vocals_path,
                                        CoverProgress& progress, const CancelToken& cancel, CoverReport& report) const {
  if (cache.take(vocals_path)) {
    progress.begin("the vocals are there already", measure_share);
    try {
      if (const auto measures = measure_song(song, vocals_path, options.reverb != VocalReverb::untreated, progress)) {
        report.from_cache = true;
        return *measures;
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_audio) throw;
    }
    log_warning("{}: the vocals that were kept of it are damaged, and are made again.", song.name);
    fs::remove(vocals_path);
    progress.drop();
  }
  progress.begin("separating", separate_share);
  {
    OpenSong open(song, song.name);
    KeptVocalsWriter writer(vocals_path, open.reader().info(), cache.song());
    TrackedReader reader(open.reader(), [&](double seconds) { progress.tell(seconds); });
    const SeparateReport separated = separator.run(reader, {{vocals_stem, &writer}}, {}, cancel);
    report.separate_s = separated.wall_s;
    progress.set_length(separated.source_s);
  }
  cache.keep(vocals_path);
  progress.begin("measuring", measure_share);
  const auto measures = measure_song(song, vocals_path, options.reverb != VocalReverb::untreated, progress);
  if (!measures) fail(ErrorCode::bad_audio, "{} has another length each time it is read.", song.name);
  return *measures;
}

CoverFiles CoverMaker::Impl::open_files(const FileJob& job, const std::vector<std::string>& stems, const AudioInfo& info,
                                        bool converted) const {
  WriteOptions target;
  target.rate = options.convert.resample ? int(options.convert.resample) : info.rate;
  target.channels = Separator::stem_channels(info.channels);
  target.format = job.format;
  target.raw = job.raw;
  target.bitrate_kbps = job.bitrate_kbps;
  target.tags = converted ? provenance_tags(info.tags, voice.info(), options.convert) : info.tags;
  target.tags["voxconv_cover"] = "yes";  // a song in which nobody sings is a result, too, and no source of the next batch
  target.cover = info.cover;
  CoverFiles files;
  files.cover = open_writer(job.target, target);
  if (stems.empty()) return files;
  files.vocals = open_cover_stem(stems[0], stem_names[0], info);
  files.converted = open_cover_stem(stems[1], stem_names[1], info, converted ? provenance_tags({}, voice.info(), options.convert) : Tags());
  files.music = open_cover_stem(stems[2], stem_names[2], info);
  return files;
}

void CoverMaker::Impl::mix(const SongSource& song, const std::string& vocals_path, const SongMeasures& measures,
                           const CoverWriters& writers, CoverProgress& progress, const CancelToken& cancel, CoverReport& report) {
  const bool has_vocals = measures.levels.has_vocals(), has_music = measures.levels.has_music() || !has_vocals;
  const double shift = has_music ? music_shift(options.convert) : 0;
  if (!has_vocals)
    log_warning("{}: no vocals were found; the result is the song{}, without a change of voice.", song.name,
                shift == 0 ? "" : " in the new key");
  if (!has_music) log_warning("{}: no music was found beside the vocals; all of it is converted.", song.name);
  OpenSong whole(song);
  const auto open_vocals = [&]() -> std::unique_ptr<AudioReader> {
    // What was found where nobody sings is music, which is shifted as a whole.
    if (!has_vocals && shift != 0) return std::make_unique<NoVocals>(whole.reader().info());
    return std::make_unique<VocalsReader>(vocals_path);
  };
  const auto own_vocals = has_music ? open_vocals() : nullptr;
  const int rate = options.convert.resample ? int(options.convert.resample) : whole.reader().info().rate;

  CoverGains gains;
  gains.music = float(linear(options.music_db));
  gains.vocals = float(linear(options.vocals_db));
  gains.wet = has_vocals ? float(options.convert.wet) : 0;
  report.gain_db = -measures.excess_db;
  if (measures.excess_db > loud_peak_db)
    log_warning("{}: the cover is {:.1f} dB lower than the song, for a peak of that one; look for a damaged sample.", song.name,
                measures.excess_db);
  gains.whole = float(linear(report.gain_db + options.convert.gain_db));
  TrackedReader tracked(whole.reader(), [&](double seconds) {
    if (!has_vocals) progress.tell(seconds);
  });
  // The converter, and loudness and width of what it gives, get the vocals without their reverberation.
  const std::optional<Reverb>& reverb = measures.reverb;
  std::optional<OpenSong> song_for_level;
  if (reverb && !has_music) song_for_level.emplace(song);
  const auto vocals_for_level = reverb && has_music ? open_vocals() : nullptr;
  std::optional<DereverbReader> dry_for_level;
  if (reverb) {
    dry_for_level.emplace(vocals_for_level ? *vocals_for_level : song_for_level->reader(), *reverb);
    report.reverb_s = reverb->decay_s();
    report.reverb_db = reverb->level_db();
  }
  const auto shift_vocals = shift != 0 ? open_vocals() : nullptr;
  std::optional<ShiftedSong> shifted;
  if (shift != 0) shifted.emplace(tracked, *shift_vocals, shift);
  CoverMix mix(shifted ? static_cast<AudioReader&>(*shifted) : tracked, own_vocals.get(), converter.output_rate(), gains,
               {writers.cover, rate, writers.vocals, writers.converted, writers.music},
               {dry_for_level ? &*dry_for_level : nullptr, reverb && options.reverb == VocalReverb::keep ? &*reverb : nullptr});
  if (has_vocals) {
    OpenSong song_for_voice(song);
    const auto found = has_music ? std::make_unique<VocalsReader>(vocals_path) : nullptr;
    const bool two_passes = options.convert.key_auto;
    const auto on_progress = [&](const Progress& step) {
      const double half = step.stage == "key" ? step.done / 4 : two_passes ? (progress.length() + 3 * step.done) / 4 : step.done;
      progress.tell(half);
    };
    AudioReader& sung = found ? static_cast<AudioReader&>(*found) : song_for_voice.reader();
    std::optional<DereverbReader> dry_for_voice;
    if (reverb) dry_for_voice.emplace(sung, *reverb);
    report.convert = converter.run(dry_for_voice ? static_cast<AudioReader&>(*dry_for_voice) : sung, mix, on_progress, cancel);
  } else {
    mix.finish();
  }
  mix.finish_targets();
  report.convert.source_s = measures.seconds;
  report.convert.limiter_gain_db = mix.limiter_gain_db();
}

CoverMaker::CoverMaker(Voice voice, Separator separator, CoverOptions options) try {
  options.validate();
  if (music_shift(options.convert) != 0) require_pitch_shift();
  Converter converter(voice, vocal_options(options.convert));
  std::string key = options.cache_dir.empty() ? "" : key_of(separator);
  impl_ = std::unique_ptr<Impl>(new Impl{std::move(voice), std::move(separator), std::move(options), std::move(converter), std::move(key)});
} catch (...) {
  throw_as_error();
}

CoverMaker::CoverMaker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CoverMaker CoverMaker::another() const {
  return CoverMaker(
      std::unique_ptr<Impl>(new Impl{impl_->voice, impl_->separator, impl_->options, impl_->converter.another(), impl_->separator_key}));
}

CoverMaker::~CoverMaker() = default;
CoverMaker::CoverMaker(CoverMaker&&) noexcept = default;
CoverMaker& CoverMaker::operator=(CoverMaker&&) noexcept = default;

CoverReport CoverMaker::run(const FileJob& job, const ProgressFn& on_progress, const CancelToken& cancel) {
  return run(job, stem_paths(impl_->options.stems_dir, job.source), on_progress, cancel);
}

CoverReport CoverMaker::run(const FileJob& job, const std::vector<std::string>& stems, const ProgressFn& on_progress,
                            const CancelToken& cancel) try {
  const auto start = std::chrono::steady_clock::now();
  CoverReport report;
  CoverProgress progress(on_progress, cancel);
  for (const std::string& stem : stems)
    for (const std::string& other : {job.source, job.target})
      if (other != "-" && same_file(stem, other))
        fail(ErrorCode::usage, "{} would be replaced by a stem of {}; name another folder for the stems.", other, job.source);
  if (!stems.empty()) make_folder(fs::path(stems.front()).parent_path().string());
  if (job.target != "-" && !takes_bytes(job.target)) const AtomicFile before_the_work(job.target);
  const TemporaryFolder temporary;
  const std::string vocals_path = temporary.file("vocals.flac");
  std::string path = job.source;
  ReadOptions read = job.read;
  AudioInfo info;
  {
    const auto source = open_reader(job.source, job.read);
    info = source->info();
    if (info.frames > 0) progress.set_length(double(info.frames) / info.rate);
    // A pipe can be read only once.
    if (std::error_code none; !fs::is_regular_file(job.source, none)) {
      path = temporary.file("song.wav");
      read = {};
      WriteOptions copy;
      copy.rate = info.rate;
      copy.channels = info.channels;
      copy.format = "wavf";
      const auto writer = open_writer(path, copy);
      TrackedReader reader(*source, [&](double seconds) { progress.tell(seconds); });
      progress.begin("reading", 0);
      for (AudioBuffer audio; reader.read(audio, std::size_t(info.rate));) writer->write(audio);
      writer->finish();
    }
  }
  const bool cacheable = !job.read.raw && path == job.source;
  const SongSource song{job.source, [&] { return open_reader(path, read); }};
  const bool cached = cacheable && !impl_->options.cache_dir.empty() && impl_->options.cache_bytes > 0;
  const VocalsCache cache(impl_->options.cache_dir, impl_->options.cache_bytes, cached ? sha256_file(path) : "", impl_->separator_key);
  const SongMeasures measures = impl_->separate(song, cache, vocals_path, progress, cancel, report);
  report.levels = measures.levels;
  progress.set_length(measures.seconds);
  progress.begin("converting", 1 - measure_share - (report.from_cache ? 0 : separate_share));
  const CoverFiles files = impl_->open_files(job, stems, info, measures.levels.has_vocals());
  impl_->mix(song, vocals_path, measures, files.all(), progress, cancel, report);
  cache.trim();
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
} catch (...) {
  throw_as_error();
}

CoverReport CoverMaker::run(const CoverJob& job, const ProgressFn& on_progress, const CancelToken& cancel) try {
  const auto start = std::chrono::steady_clock::now();
  CoverReport report;
  CoverProgress progress(on_progress, cancel);
  const SongSource song{job.name, job.open_song};
  {
    OpenSong first(song);
    if (const AudioInfo& info = first.reader().info(); info.frames > 0) progress.set_length(double(info.frames) / info.rate);
  }
  std::optional<TemporaryFolder> temporary;
  std::string vocals_path = job.vocals;
  SongMeasures measures;
  if (vocals_path.empty()) {
    vocals_path = temporary.emplace().file("vocals.flac");
    measures = impl_->separate(song, VocalsCache("", 0, "", ""), vocals_path, progress, cancel, report);
  } else {
    progress.begin("measuring", measure_share);
    const auto found = measure_song(song, vocals_path, impl_->options.reverb != VocalReverb::untreated, progress);
    if (!found) fail(ErrorCode::bad_audio, "The vocals in {} are not those of {}: rate, channels or length differ.", vocals_path, job.name);
    measures = *found;
    report.from_cache = true;
  }
  report.levels = measures.levels;
  progress.set_length(measures.seconds);
  progress.begin("converting", 1 - measure_share - (report.from_cache ? 0 : separate_share));
  CoverWriters writers = call_caller([&] { return job.open_writers(measures.levels); });
  std::list<CallerWriter> passing;  // what the caller's writers throw leaves as it is
  for (AudioWriter** writer : {&writers.cover, &writers.vocals, &writers.converted, &writers.music})
    if (*writer) *writer = &passing.emplace_back(**writer);
  impl_->mix(song, vocals_path, measures, writers, progress, cancel, report);
  report.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
} catch (...) {
  throw_as_error();
}

BatchReport cover_batch(const Voice& voice, const Separator& separator, const CoverOptions& cover, const BatchOptions& options,
                        const BatchCallbacks& callbacks, const CancelToken& cancel) try {
  const CoverMaker maker(voice, separator, cover);
  BatchOptions files = options;
  files.convert = cover.convert;
  const auto worker = [&]() -> FileWorker {
    return [own = std::make_shared<CoverMaker>(maker.another())](const FileJob& job, const std::vector<std::string>& stems,
                                                                 const ProgressFn& on_progress, const CancelToken& stop) {
      const CoverReport done = own->run(job, stems, on_progress, stop);
      ConvertReport report = done.convert;
      report.wall_s = done.wall_s;
      return report;
    };
  };
  const auto stems_of = [&](const fs::path& source, const fs::path& folder, const fs::path&) {
    const std::vector<std::string> paths =
        stem_paths(cover.stems_dir.empty() ? "" : (fs::path(cover.stems_dir) / folder).string(), source.string());
    return std::vector<fs::path>(paths.begin(), paths.end());
  };
  return run_batch(plan_batch(files, voice.info(), stems_of), files, voice.impl().device, worker, callbacks, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
