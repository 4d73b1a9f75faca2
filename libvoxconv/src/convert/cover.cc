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
#include "audio/own_tags.h"
#include "convert/batch_run.h"
#include "convert/cover_mix.h"
#include "convert/cover_song.h"
#include "convert/denoise_reader.h"
#include "convert/dereverb_reader.h"
#include "convert/kept_vocals.h"
#include "convert/separator_impl.h"
#include "convert/sum_reader.h"
#include "convert/voice_impl.h"
#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/sha256.h"
#include "core/stage_clock.h"
#include "core/told_once.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

// How the time of a cover is divided, for its progress.
constexpr double separate_share = 0.2, separate_both_share = 0.5, measure_share = 0.05, denoise_share = 0.2;
constexpr double key_tolerance = 1e-6;  // semitones, for what rounding does to 12.1 - 12
constexpr double loud_peak_db = 12;     // above full scale; no mix is mastered that hot
// Files of a cover's stems; the last two only where backing vocals have a voice of their own.
const std::vector<std::string> stem_names = {"vocals", "converted", "music", "backing", "converted-backing"};
constexpr std::size_t backing_stem_names = 2;

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

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// The name of a separator that ships; of others what their files hold, whatever their names.
std::string key_of(const Separator::Impl& separator) {
  const LoadedSeparator& loaded = separator.loaded;
  std::string key = loaded.name;
  if (!loaded.files.empty()) {
    Sha256 hash;
    for (const std::string& file : loaded.files) hash.update(sha256_file(file));
    key = hash.hex().substr(0, 16);
  }
  return separator.precision == torch::kFloat ? key : key + "-bf16";
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
  options.denoise = false;  // is done before: the loudness is that of the denoised vocals as well
  return options;
}

/// The writers of a cover that goes to files.
struct CoverFiles {
  std::unique_ptr<AudioWriter> cover, vocals, converted, music, backing, converted_backing;
  CoverWriters all() const { return {cover.get(), vocals.get(), converted.get(), music.get(), backing.get(), converted_backing.get()}; }
};

std::unique_ptr<AudioWriter> open_cover_stem(const std::string& path, const std::string& stem, const AudioInfo& info, Tags tags = {}) {
  WriteOptions options;
  options.rate = info.rate;
  options.channels = Separator::stem_channels(info.channels);
  options.tags = std::move(tags);
  options.tags[own_tag::stem] = stem;
  return open_writer(path, options);
}

/// The files of a cover's stems, in the order of stem_names; none without a folder.
std::vector<std::string> stem_paths(const std::string& folder, const std::string& source, bool with_backing) {
  std::vector<std::string> paths;
  if (folder.empty()) return paths;
  for (const std::string& stem : stem_names) paths.push_back(stem_path(source, folder, stem, "flac"));
  if (!with_backing) paths.resize(paths.size() - backing_stem_names);
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
  for (const auto& [name, value] : {std::pair("vocals", vocals_db), std::pair("music", music_db), std::pair("backing vocals", backing_db)})
    if (!(value >= -60 && value <= 24)) fail(ErrorCode::usage, "The gain of the {} is {:g} dB; expected -60 to 24.", name, value);
  if (music_shift(convert) != 0 && convert.wet != 1)
    fail(ErrorCode::usage,
         "A key of {:+g} semitones shifts the music, too, but not the song's own vocals, of which a wet of {:g} would mix in a part: "
         "use a wet of 1, or whole octaves (-12, 0, 12 ...).",
         convert.key, convert.wet);
  backing_options().validate();
  if (const double music_key = music_shift(convert);
      !backing_key_auto && std::abs(std::remainder(backing_key - music_key, 12)) > key_tolerance)
    fail(ErrorCode::usage,
         "The backing vocals' key is {:+g} semitones, and the music's {:+g}: they would be out of tune. Use whole octaves from that: "
         "{:+g}, {:+g} "
         "or {:+g}.",
         backing_key, music_key, music_key - 12, music_key, music_key + 12);
} catch (...) {
  throw_as_error();
}

ConvertOptions CoverOptions::backing_options() const {
  ConvertOptions options = convert;
  const double music_key = music_shift(convert);
  options.key_auto = backing_key_auto && music_key == 0;
  options.key = backing_key_auto ? music_key : backing_key;
  options.f0_file.clear();
  options.index.clear();
  options.speaker = 0;
  return options;
}

std::string user_vocals_cache() {
  for (const auto& [variable, below] : {std::pair("XDG_CACHE_HOME", ""), std::pair("HOME", ".cache")})
    if (const char* value = std::getenv(variable); value && *value) return (fs::path(value) / below / "voxconv/vocals").string();
  return "";
}

/// Opens a part of a song, each time from its beginning.
using OpenPart = std::function<std::unique_ptr<AudioReader>()>;

struct CoverMaker::Impl {
  Voice voice;
  Separator separator;
  CoverOptions options;
  Converter converter;
  std::optional<Converter> backing_converter;
  std::shared_ptr<const Denoiser> denoiser;  ///< null: vocals are converted with their noise
  std::string vocals_key, lead_key;          ///< tell what is in the cache and was found in other ways

  CoverFiles open_files(const FileJob& job, const std::vector<std::string>& stems, const AudioInfo& info, bool has_vocals,
                        bool has_backing) const;
  SongMeasures separate(const SongSource& song, const std::string& hash, const FoundVocals& found, CoverProgress& progress,
                        const CancelToken& cancel, CoverReport& report) const;
  void find_lead(const FoundVocals& found, const std::string& hash, CoverProgress& progress, const CancelToken& cancel,
                 CoverReport& report) const;
  void mix(const SongSource& song, const FoundVocals& found, const SongMeasures& measures, const CoverWriters& writers,
           const std::string& folder, CoverProgress& progress, const CancelToken& cancel, CoverReport& report);
  void convert_backing(const OpenPart& open_backing, const OpenPart& open_sung, const std::optional<Reverb>& reverb,
                       const std::string& target, CoverProgress& progress, const CancelToken& cancel, BackingReport& report);
  OpenPart denoised(const OpenPart& open, const std::string& path, CoverProgress& progress) const;
};

/// Gives the files of `found` the song's vocals, kept or new, and measures the song. `hash`: of its file; empty: nothing is kept.
SongMeasures CoverMaker::Impl::separate(const SongSource& song, const std::string& hash, const FoundVocals& found, CoverProgress& progress,
                                        const CancelToken& cancel, CoverReport& report) const {
  const bool with_reverb = options.reverb != VocalReverb::untreated, with_lead = !found.lead.empty();
  const VocalsCache vocals_cache(options.cache_dir, options.cache_bytes, hash, vocals_key),
      lead_cache(options.cache_dir, options.cache_bytes, hash, lead_key);
  const auto measure = [&] {
    auto measures = measure_song(song, found, with_reverb, progress);
    if (measures && with_lead) report.backing = measures->parts;
    return measures;
  };
  if (vocals_cache.take(found.vocals)) {
    try {
      report.from_cache = !with_lead || lead_cache.take(found.lead);
      if (!report.from_cache) find_lead(found, lead_cache.song(), progress, cancel, report);
      progress.begin("the vocals are there already", measure_share);
      if (const auto measures = measure()) {
        if (!report.from_cache) lead_cache.keep(found.lead, found.vocals);
        vocals_cache.trim();
        return *measures;
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_audio) throw;
    }
    report.from_cache = false;
    log_warning("{}: the vocals that were kept of it are damaged, and are made again.", song.name);
    progress.drop();
  }
  for (const std::string& path : {found.vocals, found.lead})  // may be links to what is kept
    if (!path.empty()) fs::remove(path);
  progress.begin("separating", with_lead ? separate_both_share : separate_share);
  {
    OpenSong source(song, song.name);
    KeptVocalsWriter vocals(found.vocals, source.info(), vocals_cache.song());
    std::vector<StemTarget> targets{{vocals_stem, &vocals}};
    std::optional<KeptVocalsWriter> lead;
    if (with_lead) targets.push_back({lead_stem, &lead.emplace(found.lead, source.info(), lead_cache.song())});
    TrackedReader reader(source, [&](double seconds) { progress.tell(seconds); });
    const SeparateReport separated = separator.run(reader, targets, {}, cancel);
    report.separate_s += separated.wall_s;
    progress.set_length(separated.source_s);
  }
  if (vocals_cache.keep(found.vocals) && with_lead) lead_cache.keep(found.lead, found.vocals);
  vocals_cache.trim();
  progress.begin("measuring", measure_share);
  const auto measures = measure();
  if (!measures) fail(ErrorCode::bad_audio, "{} has another length each time it is read.", song.name);
  return *measures;
}

/// Tells the lead voice from backing vocals in the vocals that are there.
void CoverMaker::Impl::find_lead(const FoundVocals& found, const std::string& hash, CoverProgress& progress, const CancelToken& cancel,
                                 CoverReport& report) const {
  progress.begin("telling lead voice and backing vocals apart", separate_both_share - separate_share);
  const auto vocals = found.open_vocals();
  KeptVocalsWriter lead(found.lead, vocals->info(), hash);
  TrackedReader reader(*vocals, [&](double seconds) { progress.tell(seconds); });
  report.separate_s += Separator(separator.impl().of_lead).run(reader, {{vocals_stem, &lead}}, {}, cancel).wall_s;
}

CoverFiles CoverMaker::Impl::open_files(const FileJob& job, const std::vector<std::string>& stems, const AudioInfo& info, bool has_vocals,
                                        bool has_backing) const {
  WriteOptions target;
  target.rate = options.convert.resample ? int(options.convert.resample) : info.rate;
  target.channels = Separator::stem_channels(info.channels);
  target.format = job.format;
  target.raw = job.raw;
  target.bitrate_kbps = job.bitrate_kbps;
  const auto tags_of = [&](const Tags& tags) { return has_vocals ? provenance_tags(tags, voice.info(), options.convert) : tags; };
  const auto backing_tags = [&](const Tags& tags) {
    return has_backing ? provenance_tags(tags, options.backing->info(), options.backing_options()) : tags;
  };
  target.tags = tags_of(info.tags);
  if (has_backing) {  // two voices: the second has its note beside the first one's
    target.tags["comment"] = backing_tags({{"comment", target.tags["comment"]}})["comment"];
    target.tags[own_tag::backing_voice] = options.backing->info().name;
  }
  target.tags[own_tag::cover] = "yes";  // a song in which nobody sings is a result, too, and no source of the next batch
  target.cover = info.cover;
  CoverFiles files;
  files.cover = open_writer(job.target, target);
  const std::pair<std::unique_ptr<AudioWriter> CoverFiles::*, Tags> parts[] = {{&CoverFiles::vocals, {}},
                                                                               {&CoverFiles::converted, tags_of({})},
                                                                               {&CoverFiles::music, {}},
                                                                               {&CoverFiles::backing, {}},
                                                                               {&CoverFiles::converted_backing, backing_tags({})}};
  for (std::size_t i = 0; i < stems.size(); ++i) files.*parts[i].first = open_cover_stem(stems[i], stem_names[i], info, parts[i].second);
  return files;
}

namespace {

/// Converts `part`, without the reverberation, as the vocals of `mix`.
ConvertReport sing(Converter& converter, AudioReader& part, const std::optional<Reverb>& reverb, CoverMix& mix, CoverProgress& progress,
                   const CancelToken& cancel) {
  const bool two_passes = converter.options().key_auto;
  const auto on_progress = [&](const Progress& step) {
    progress.tell(step.stage == "key" ? step.done / 4 : two_passes ? (progress.length() + 3 * step.done) / 4 : step.done);
  };
  std::optional<DereverbReader> dry;
  if (reverb) dry.emplace(part, *reverb);
  return converter.run(dry ? static_cast<AudioReader&>(*dry) : part, mix, on_progress, cancel);
}

}  // namespace

/// The same part without background noise: as a file, since it is read more than once.
OpenPart CoverMaker::Impl::denoised(const OpenPart& open, const std::string& path, CoverProgress& progress) const {
  const auto part = open();
  TrackedReader tracked(*part, [&](double seconds) { progress.tell(seconds); });
  DenoisingReader reader(tracked, denoiser, options.convert.denoise_limit);
  KeptVocalsWriter writer(path, part->info(), "");
  for (AudioBuffer audio; reader.read(audio, std::size_t(part->info().rate));) writer.write(audio);
  writer.finish();
  return [path] { return std::make_unique<VocalsReader>(path); };
}

/// Writes to `target` what takes the place of the backing vocals, as loud and wide as they are. `open_sung`: what is converted of them.
void CoverMaker::Impl::convert_backing(const OpenPart& open_backing, const OpenPart& open_sung, const std::optional<Reverb>& reverb,
                                       const std::string& target, CoverProgress& progress, const CancelToken& cancel,
                                       BackingReport& report) {
  const auto backing = open_backing(), sung = open_sung(), for_level = open_sung();
  std::optional<DereverbReader> dry_for_level;
  if (reverb) dry_for_level.emplace(*for_level, *reverb);
  KeptVocalsWriter converted(target, backing->info(), "");
  CoverTargets targets;
  targets.rate = backing->info().rate;
  targets.converted = &converted;
  CoverMix mix(*backing, nullptr, backing_converter->output_rate(), {}, targets,
               {dry_for_level ? &*dry_for_level : for_level.get(), reverb && options.reverb == VocalReverb::keep ? &*reverb : nullptr});
  report.convert = sing(*backing_converter, *sung, reverb, mix, progress, cancel);
  mix.finish_targets();
}

/// `folder`: for files that are needed on the way.
void CoverMaker::Impl::mix(const SongSource& song, const FoundVocals& found, const SongMeasures& measures, const CoverWriters& writers,
                           const std::string& folder, CoverProgress& progress, const CancelToken& cancel, CoverReport& report) {
  const bool has_vocals = measures.levels.has_vocals(), has_music = measures.levels.has_music() || !has_vocals;
  const bool has_backing = report.backing && report.backing->found;
  const double shift = has_music ? music_shift(options.convert) : 0;
  if (!has_vocals)
    log_warning("{}: no vocals were found; the result is the song{}, without a change of voice.", song.name,
                shift == 0 ? "" : " in the new key");
  if (!has_music) log_warning("{}: no music was found beside the vocals; all of it is converted.", song.name);
  if (has_vocals && report.backing && !has_backing)
    log_warning("{}: no {} found; all vocals are converted with one voice.", song.name,
                report.backing->backing_db < report.backing->lead_db ? "backing vocals were" : "lead voice was");
  const std::optional<Reverb>& reverb = measures.reverb;
  OpenSong whole(song);
  // What the voice takes the place of: without music all of the song, but for backing vocals.
  const auto open_replaced = [&]() -> std::unique_ptr<AudioReader> {
    if (has_music) return has_backing ? found.open_lead() : found.open_vocals();
    SumReader::Readers all, without;
    all.push_back(std::make_unique<OpenSong>(song));
    if (has_backing) without.push_back(found.open_backing());
    return std::make_unique<SumReader>(std::move(all), std::move(without));
  };
  const OpenPart open_backing = [&] { return found.open_backing(); };
  const std::string converted_path = folder + "/converted.flac";
  const bool denoises = has_vocals && denoiser;
  const double part_share = progress.left() / (has_backing ? 2 : 1), convert_share = part_share * (denoises ? 1 - denoise_share : 1);
  const auto without_noise = [&](const OpenPart& open, const std::string& name) {
    if (!denoises) return open;
    progress.begin("denoising", part_share * denoise_share);
    return denoised(open, folder + "/" + name, progress);
  };
  if (has_backing) {
    const OpenPart open_sung_backing = without_noise(open_backing, "denoised-backing.flac");
    progress.begin("converting the backing vocals", convert_share);
    convert_backing(open_backing, open_sung_backing, reverb, converted_path, progress, cancel, *report.backing);
  }
  const OpenPart open_sung = without_noise(open_replaced, "denoised.flac");
  progress.begin("converting", convert_share);

  // What was found where nobody sings is music, which is shifted as a whole.
  const auto open_vocals = [&]() -> std::unique_ptr<AudioReader> {
    if (!has_vocals && shift != 0) return std::make_unique<NoVocals>(whole.info());
    return found.open_vocals();
  };
  const auto own_vocals = !has_vocals ? open_vocals() : has_music || has_backing ? open_replaced() : nullptr;
  const auto own_backing = has_backing ? found.open_backing() : nullptr;
  const auto converted_backing = has_backing ? std::make_unique<VocalsReader>(converted_path) : nullptr;
  const int rate = options.convert.resample ? int(options.convert.resample) : whole.info().rate;

  CoverGains gains;
  gains.music = float(linear(options.music_db));
  gains.vocals = float(linear(options.vocals_db));
  gains.backing = float(linear(options.backing_db));
  gains.wet = has_vocals ? float(options.convert.wet) : 0;
  report.gain_db = -measures.excess_db;
  if (measures.excess_db > loud_peak_db)
    log_warning("{}: the cover is {:.1f} dB lower than the song, for a peak of that one; look for a damaged sample.", song.name,
                measures.excess_db);
  gains.whole = float(linear(report.gain_db + options.convert.gain_db));
  TrackedReader tracked(whole, [&](double seconds) {
    if (!has_vocals) progress.tell(seconds);
  });
  // The converter, and loudness and width of what it gives, get the vocals without their noise and reverberation.
  const auto vocals_for_level = reverb || denoises ? open_sung() : nullptr;
  std::optional<DereverbReader> dry_for_level;
  if (reverb) {
    dry_for_level.emplace(*vocals_for_level, *reverb);
    report.reverb_s = reverb->decay_s();
    report.reverb_db = reverb->level_db();
  }
  const auto shift_vocals = shift != 0 ? open_vocals() : nullptr;
  std::optional<ShiftedSong> shifted;
  if (shift != 0) shifted.emplace(tracked, *shift_vocals, shift);
  CoverMix mix(
      shifted ? static_cast<AudioReader&>(*shifted) : tracked, own_vocals.get(), converter.output_rate(), gains,
      {writers.cover, rate, writers.vocals, writers.converted, writers.music, writers.backing, writers.converted_backing},
      {dry_for_level ? &*dry_for_level : vocals_for_level.get(), reverb && options.reverb == VocalReverb::keep ? &*reverb : nullptr},
      {own_backing.get(), converted_backing.get()});
  if (has_vocals)
    report.convert = sing(converter, *open_sung(), reverb, mix, progress, cancel);
  else
    mix.finish();
  mix.finish_targets();
  report.convert.source_s = measures.seconds;
  report.convert.limiter_gain_db = mix.limiter_gain_db();
}

CoverMaker::CoverMaker(Voice voice, Separator separator, CoverOptions options) try {
  options.validate();
  if (music_shift(options.convert) != 0) require_pitch_shift();
  if (options.backing && !separator.finds_backing())
    fail(ErrorCode::usage, "{} does not tell backing vocals from the lead voice; use Separator::with_backing().",
         separator.impl().loaded.name);
  Converter converter(voice, vocal_options(options.convert));
  std::optional<Converter> backing_converter;
  if (options.backing) backing_converter.emplace(*options.backing, vocal_options(options.backing_options()));
  const auto denoiser = options.convert.denoise ? std::make_shared<const Denoiser>(voice.impl().device) : nullptr;
  std::string vocals_key, lead_key;
  if (!options.cache_dir.empty()) {
    vocals_key = key_of(separator.finds_backing() ? *separator.impl().of_vocals : separator.impl());
    if (options.backing) lead_key = vocals_key + "-" + key_of(separator.impl()) + "-lead";
  }
  impl_ = std::unique_ptr<Impl>(new Impl{std::move(voice), std::move(separator), std::move(options), std::move(converter),
                                         std::move(backing_converter), denoiser, std::move(vocals_key), std::move(lead_key)});
} catch (...) {
  throw_as_error();
}

CoverMaker::CoverMaker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CoverMaker CoverMaker::another() const {
  const Impl& impl = *impl_;
  std::optional<Converter> backing;
  if (impl.backing_converter) backing.emplace(impl.backing_converter->another());
  return CoverMaker(std::unique_ptr<Impl>(new Impl{impl.voice, impl.separator, impl.options, impl.converter.another(), std::move(backing),
                                                   impl.denoiser, impl.vocals_key, impl.lead_key}));
}

CoverMaker::~CoverMaker() = default;
CoverMaker::CoverMaker(CoverMaker&&) noexcept = default;
CoverMaker& CoverMaker::operator=(CoverMaker&&) noexcept = default;

CoverReport CoverMaker::run(const FileJob& job, const ProgressFn& on_progress, const CancelToken& cancel) {
  return run(job, stem_paths(impl_->options.stems_dir, job.source, impl_->options.backing.has_value()), on_progress, cancel);
}

CoverReport CoverMaker::run(const FileJob& job, const std::vector<std::string>& stems, const ProgressFn& on_progress,
                            const CancelToken& cancel) try {
  const auto start = std::chrono::steady_clock::now();
  const ToldOnce of_the_song;
  CoverReport report;
  CoverProgress progress(on_progress, cancel);
  for (const std::string& stem : stems)
    for (const std::string& other : {job.source, job.target})
      if (other != "-" && same_file(stem, other))
        fail(ErrorCode::usage, "{} would be replaced by a stem of {}; name another folder for the stems.", other, job.source);
  if (!stems.empty()) make_folder(fs::path(stems.front()).parent_path().string());
  if (job.target != "-" && !takes_bytes(job.target)) const AtomicFile before_the_work(job.target);
  const TemporaryFolder temporary;
  const FoundVocals found{temporary.file("vocals.flac"), impl_->options.backing ? temporary.file("lead.flac") : ""};
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
  const SongMeasures measures = impl_->separate(song, cached ? sha256_file(path) : "", found, progress, cancel, report);
  report.levels = measures.levels;
  progress.set_length(measures.seconds);
  const bool has_vocals = measures.levels.has_vocals();
  const CoverFiles files = impl_->open_files(job, stems, info, has_vocals, report.backing && report.backing->found);
  impl_->mix(song, found, measures, files.all(), temporary.path(), progress, cancel, report);
  report.wall_s = seconds_since(start);
  return report;
} catch (...) {
  throw_as_error();
}

CoverReport CoverMaker::run(const CoverJob& job, const ProgressFn& on_progress, const CancelToken& cancel) try {
  const auto start = std::chrono::steady_clock::now();
  const ToldOnce of_the_song;
  CoverReport report;
  CoverProgress progress(on_progress, cancel);
  const SongSource song{job.name, job.open_song};
  const bool with_backing = impl_->options.backing.has_value();
  if (!job.vocals.empty() && job.lead.empty() == with_backing)
    fail(ErrorCode::usage, "{} comes with a file of its vocals, and {} of its lead voice.", job.name,
         with_backing ? "none" : "one, but no voice for backing vocals,");
  if (const AudioInfo info = OpenSong(song).info(); info.frames > 0) progress.set_length(double(info.frames) / info.rate);
  std::optional<TemporaryFolder> temporary;
  if (job.vocals.empty() || with_backing || impl_->denoiser) temporary.emplace();
  FoundVocals found{job.vocals, job.lead};
  SongMeasures measures;
  if (found.vocals.empty()) {
    found = {temporary->file("vocals.flac"), with_backing ? temporary->file("lead.flac") : ""};
    measures = impl_->separate(song, "", found, progress, cancel, report);
  } else {
    progress.begin("measuring", measure_share);
    const auto known = measure_song(song, found, impl_->options.reverb != VocalReverb::untreated, progress);
    if (!known)
      fail(ErrorCode::bad_audio, "The vocals in {} are not those of {}: rate, channels or length differ.", found.vocals, job.name);
    measures = *known;
    if (with_backing) report.backing = measures.parts;
    report.from_cache = true;
  }
  report.levels = measures.levels;
  progress.set_length(measures.seconds);
  CoverWriters writers = call_caller([&] { return job.open_writers(measures.levels); });
  std::list<CallerWriter> passing;  // what the caller's writers throw leaves as it is
  for (AudioWriter** writer :
       {&writers.cover, &writers.vocals, &writers.converted, &writers.music, &writers.backing, &writers.converted_backing})
    if (*writer) *writer = &passing.emplace_back(**writer);
  impl_->mix(song, found, measures, writers, temporary ? temporary->path() : "", progress, cancel, report);
  report.wall_s = seconds_since(start);
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
      const auto done = std::make_shared<const CoverReport>(own->run(job, stems, on_progress, stop));
      FileResult result{done->convert, done};
      result.report.wall_s = done->wall_s;
      return result;
    };
  };
  const auto stems_of = [&](const fs::path& source, const fs::path& folder, const fs::path&) {
    const std::vector<std::string> paths = stem_paths(cover.stems_dir.empty() ? "" : (fs::path(cover.stems_dir) / folder).string(),
                                                      source.string(), cover.backing.has_value());
    return std::vector<fs::path>(paths.begin(), paths.end());
  };
  return run_batch(plan_batch(files, voice.info(), stems_of), files, voice.impl().device, worker, callbacks, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
