#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "voxconv/batch.h"

namespace voxconv {

/// The separation models that ship, by name; the first is the default. Others are named as Separator says.
const std::vector<std::string>& separators();

/// How loud the vocals of a song and its music are.
struct StemLevels {
  double vocals_db = -120;         ///< dBFS, RMS over the channels, K-weighted (ITU-R BS.1770), of the loudest tenth of the 0.4 s blocks
  double music_db = -120;          ///< the same
  double lasting_music_db = -120;  ///< what the music reaches in two fifths of the 0.1 s blocks in which anything is heard
  /// A separator always finds traces of the one in the other. Below these bounds there is nothing else (docs/separation.md has figures).
  /// Music lasts; noises beside a voice, and sounds of it that are taken for music, don't.
  bool has_vocals() const { return vocals_db > -60 && vocals_db > music_db - 17; }
  bool has_music() const { return lasting_music_db > -60 && lasting_music_db > vocals_db - 21; }
};

/// What a separation did; every figure measured.
struct SeparateReport {
  double source_s = 0;    ///< seconds of audio read
  double wall_s = 0;      ///< seconds it took
  double peak_db = -120;  ///< of the stems' samples, dBFS; above 0 only formats with floating point hold them
  StemLevels levels;
  std::map<std::string, std::string> files{};  ///< of separate_file(): that of each stem
};

/// Where a stem goes.
struct StemTarget {
  std::string stem;  ///< one of Separator::stems()
  AudioWriter* writer = nullptr;
};

/// Takes songs apart into vocals, music and what else its model finds. Cheap to copy: weights are shared and const. Thread-safe.
class Separator {
 public:
  struct Impl;
  /// `model` is one of separators(), the name of a separator that "voxconv models get" has installed, or a file of another program: a
  /// checkpoint, or the .yaml of a bag of Demucs' (docs/separation.md). `settings` is the .yaml that belongs to a checkpoint; empty: the
  /// one beside it. The precisions auto and fp16 are fp32. Throws Error(usage | not_found | bad_model | device).
  explicit Separator(const LoadOptions& load = {}, const std::string& model = separators().front(), const std::string& settings = "");
  explicit Separator(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  /// A separator that tells the vocals apart into "lead" and "backing", which add up to them. That takes two models: one that finds all
  /// vocals, and a karaoke model, whose vocals are the lead voice. `model` is either; beside the first the karaoke model that "voxconv
  /// models get" has installed is used, beside the second separators().front(). Throws also Error(usage) where there is no karaoke model.
  static Separator with_backing(const LoadOptions& load = {}, const std::string& model = separators().front(),
                                const std::string& settings = "");

  /// "vocals", then "music", which is the song less the vocals, then what else the model finds.
  std::vector<std::string> stems() const;
  bool finds_backing() const;  ///< it is one of with_backing()

  /// The channels of the stems: 1 of a mono song, else 2 (of more, a stereo mix is taken apart). Their rate is the song's.
  static int stem_channels(int source_channels) { return source_channels == 1 ? 1 : 2; }

  /// Reads the source to its end, writes the stems, and finishes their writers, the first one last. vocals + music = source, sample by
  /// sample. Bounded memory; the result does not depend on how the reader cuts. Throws Error, Error(usage) for a stem that is not one of
  /// stems(); the targets then do not appear.
  SeparateReport run(AudioReader& source, const std::vector<StemTarget>& stems, const ProgressFn& on_progress = {},
                     const CancelToken& cancel = {}) const;

  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// How loud vocals and music are in a source of `seconds`: separates all of it up to 36 s, else six parts of 6 s that are evenly spread
/// over it, and measures these together. `vocals`, open at the source's rate with Separator::stem_channels() channels, gets the vocals of
/// those parts and is finished; null: nobody. Bounded memory. Throws Error.
StemLevels measure_stems(const Separator& separator, AudioReader& source, double seconds, AudioWriter* vocals = nullptr,
                         const CancelToken& cancel = {});

/// One separation from file to file.
struct SeparateJob {
  std::string source;                          ///< path, or "-" for standard input
  std::map<std::string, std::string> targets;  ///< of each stem that is wanted a path; or one of them "-" for standard output
  ReadOptions read;
  std::string format;    ///< as in WriteOptions; empty: by the extension of the target
  RawFormat raw;         ///< sample format of the format "raw"
  int bitrate_kbps = 0;  ///< lossy formats; 0: a good default
};

/// Opens, separates, and writes with the source's tags and cover. Throws Error; the targets then do not appear.
SeparateReport separate_file(const Separator& separator, const SeparateJob& job, const ProgressFn& on_progress = {},
                             const CancelToken& cancel = {});

/// The file of a stem ("vocals", "music" ...) for a source: "<stem of its name>-<stem>.<extension>" in `folder`.
std::string stem_path(const std::string& source, const std::string& folder, const std::string& stem, const std::string& extension);

/// What convert_batch() does, with separate_file(): of `options`, `name_template` and `convert` don't count; targets are named as by
/// stem_path(). `stems` are some of separator.stems(); an item's target is that which comes first there, and the reports hold only source_s
/// and wall_s, beside `separation`. Throws Error(usage).
BatchReport separate_batch(const Separator& separator, const BatchOptions& options, const std::vector<std::string>& stems,
                           const BatchCallbacks& callbacks = {}, const CancelToken& cancel = {});

/// How many items separate_batch() will have. Throws Error(usage).
std::size_t separate_batch_size(const Separator& separator, const BatchOptions& options, const std::vector<std::string>& stems);

}  // namespace voxconv
