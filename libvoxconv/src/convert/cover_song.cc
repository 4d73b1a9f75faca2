#include "convert/cover_song.h"

#include <algorithm>
#include <cmath>

#include "audio/limiter.h"
#include "convert/kept_vocals.h"
#include "convert/sum_reader.h"
#include "core/caller.h"

namespace voxconv {
namespace {

constexpr double measured_block_s = 1;
// Lead voice and backing vocals: quieter ones are not heard, and further apart the one is a trace of the other.
constexpr double heard_db = -60, apart_db = 24;

AudioBuffer less(AudioBuffer from, const AudioBuffer& taken) {
  for (std::size_t c = 0; c < from.channel_count(); ++c)
    std::transform(from.channels[c].begin(), from.channels[c].end(), taken.channels[c].begin(), from.channels[c].begin(), std::minus<>());
  return from;
}

bool fits(const AudioReader& part, const AudioInfo& song) { return part.info().rate == song.rate && part.info().channels == song.channels; }

}  // namespace

OpenSong::OpenSong(const SongSource& song, const std::string& told_name)
    : source_(call_caller(song.open)), checked_(*source_), stereo_(checked_, told_name) {}

bool TrackedReader::read(AudioBuffer& out, std::size_t max_frames) {
  const bool more = source_.read(out, max_frames);
  frames_ += std::int64_t(out.frames());
  on_read_(double(frames_) / info().rate);
  return more;
}

void CoverProgress::tell(double seconds) {
  cancel_.check();
  if (!report_) return;
  const double part = length_ > 0 ? std::min(1.0, seconds / length_) : 0;
  report_({"cover", length_ > 0 ? length_ * (before_ + share_ * part) : seconds, length_, "s", step_});
}

std::unique_ptr<AudioReader> FoundVocals::open_vocals() const { return std::make_unique<VocalsReader>(vocals); }

std::unique_ptr<AudioReader> FoundVocals::open_lead() const { return std::make_unique<VocalsReader>(lead); }

std::unique_ptr<AudioReader> FoundVocals::open_backing() const {
  SumReader::Readers all, without;
  all.push_back(open_vocals());
  without.push_back(open_lead());
  return std::make_unique<SumReader>(std::move(all), std::move(without));
}

std::optional<SongMeasures> measure_song(const SongSource& source, const FoundVocals& found, bool with_reverb, CoverProgress& progress) {
  OpenSong song(source);
  const auto vocals = found.open_vocals(), lead = found.lead.empty() ? nullptr : found.open_lead();
  const AudioInfo& info = song.info();
  if (!fits(*vocals, info) || (lead && !fits(*lead, info))) return std::nullopt;
  StemMeter meter(info.rate, std::size_t(info.channels)), parts(info.rate, std::size_t(info.channels));
  std::optional<ReverbEstimator> of_vocals, of_song;
  if (with_reverb) {
    of_vocals.emplace(info.rate, std::size_t(info.channels));
    of_song.emplace(info.rate, std::size_t(info.channels));  // all of a song without music is converted
  }
  TruePeakLimiter limiter(info.channels, info.rate);
  std::int64_t frames = 0;
  for (AudioBuffer whole; song.read(whole, std::size_t(measured_block_s * info.rate));) {
    Stems stems;
    stems.vocals = read_exactly(*vocals, whole.frames());
    if (stems.vocals.frames() < whole.frames()) return std::nullopt;
    if (lead) {
      Stems sung;
      sung.vocals = read_exactly(*lead, whole.frames());
      if (sung.vocals.frames() < whole.frames()) return std::nullopt;
      sung.music = less(stems.vocals, sung.vocals);
      parts.push(sung);
    }
    limiter.push(whole);
    if (of_song) of_song->push(whole);
    if (of_vocals) of_vocals->push(stems.vocals);
    frames += std::int64_t(whole.frames());
    stems.music = less(std::move(whole), stems.vocals);
    meter.push(stems);
    progress.tell(double(frames) / info.rate);
  }
  AudioBuffer rest;
  if (vocals->read(rest, 1) || (lead && lead->read(rest, 1))) return std::nullopt;
  limiter.finish();
  SongMeasures measures{double(frames) / info.rate, meter.levels(), {}, limiter.largest_reduction_db(), std::nullopt};
  if (lead) {
    const StemLevels levels = parts.levels();
    measures.parts.lead_db = levels.vocals_db;
    measures.parts.backing_db = levels.music_db;
    measures.parts.found = measures.levels.has_vocals() && std::min(levels.vocals_db, levels.music_db) > heard_db &&
                           std::abs(levels.vocals_db - levels.music_db) < apart_db;
  }
  if (with_reverb && measures.levels.has_vocals()) measures.reverb = (measures.levels.has_music() ? of_vocals : of_song)->estimate();
  return measures;
}

}  // namespace voxconv
