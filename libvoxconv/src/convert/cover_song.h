#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audio/checked_reader.h"
#include "convert/reverb.h"
#include "convert/stem_stream.h"
#include "voxconv/cover.h"

namespace voxconv {

/// A song that is read several times.
struct SongSource {
  std::string name;  ///< for messages
  std::function<std::unique_ptr<AudioReader>()> open;
};

/// One reading of it, with at most two channels.
class OpenSong : public AudioReader {
 public:
  explicit OpenSong(const SongSource& song, const std::string& told_name = "");
  const AudioInfo& info() const override { return stereo_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override { return stereo_.read(out, max_frames); }

 private:
  std::unique_ptr<AudioReader> source_;
  CheckedReader checked_;
  StereoReader stereo_;
};

/// Passes a source on and tells how far it was read; the callback may throw.
class TrackedReader : public AudioReader {
 public:
  TrackedReader(AudioReader& source, std::function<void(double seconds)> on_read) : source_(source), on_read_(std::move(on_read)) {}
  const AudioInfo& info() const override { return source_.info(); }
  bool read(AudioBuffer& out, std::size_t max_frames) override;

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
  double left() const { return 1 - before_ - share_; }  ///< behind the step that was begun
  void tell(double seconds);

 private:
  const ProgressFn& report_;
  const CancelToken& cancel_;
  double length_ = 0, before_ = 0, share_ = 0;
  std::string step_;
};

/// Files of what was found in a song.
struct FoundVocals {
  std::string vocals;  ///< all of them
  std::string lead;    ///< the lead voice; empty: it was not told from backing vocals

  std::unique_ptr<AudioReader> open_vocals() const;
  std::unique_ptr<AudioReader> open_lead() const;
  std::unique_ptr<AudioReader> open_backing() const;  ///< the vocals less the lead voice
};

struct SongMeasures {
  double seconds = 0;
  StemLevels levels;
  BackingReport parts;           ///< levels of lead voice and backing vocals, where these are told apart
  double excess_db = 0;          ///< of the song's true peak above the limiter's ceiling
  std::optional<Reverb> reverb;  ///< of what is converted; nothing where it is dry, or was not asked for
};

/// Nothing where the vocals are not those of the song: they end elsewhere.
std::optional<SongMeasures> measure_song(const SongSource& source, const FoundVocals& found, bool with_reverb, CoverProgress& progress);

}  // namespace voxconv
