#pragma once
#include <memory>

#include "voxconv/audio_io.h"
#include "voxconv/options.h"
#include "voxconv/progress.h"
#include "voxconv/voice.h"

namespace voxconv {

/// Seconds of work by stage. Where stages overlap, they add up to more than the time that passed.
struct StageSeconds {
  double read = 0;       ///< decoding, denoising, resampling, high-pass, loudness of the source
  double content = 0;    ///< content encoder
  double f0 = 0;         ///< f0 estimator
  double retrieval = 0;  ///< search in the retrieval index
  double synthesis = 0;  ///< voice model
  double post = 0;       ///< loudness of the result, resampling, mix, limiter, encoding
};

/// What a conversion did; every figure measured.
struct ConvertReport {
  double source_s = 0;         ///< seconds of audio read
  double wall_s = 0;           ///< seconds it took
  StageSeconds stages;         ///< where they went
  double first_audio_s = 0;    ///< until the first converted audio was handed to the writer
  double key = 0;              ///< semitones applied (the choice of key_auto)
  double limiter_gain_db = 0;  ///< most the limiter took off to stay below -1 dBTP; 0: nothing
  double voiced = 0;           ///< share of frames that were voiced; 0 in exact mode
};

struct FileJob;

/// Converts songs with one voice, in bounded memory at any length. One instance per thread; instances share the voice's weights.
class Converter {
 public:
  Converter(Voice voice, ConvertOptions options);  ///< throws Error(usage)
  Converter another() const;                       ///< the same for another thread: what was loaded is shared
  ~Converter();
  Converter(Converter&&) noexcept;
  Converter& operator=(Converter&&) noexcept;

  const VoiceInfo& voice() const;
  const ConvertOptions& options() const;

  /// The rate and channel count run() will write for a source with `source_channels` channels; open the writer with them.
  int output_rate() const;
  int output_channels(int source_channels) const;

  /// Reads the source to its end, writes the result and finishes the writer. Throws Error; the target then does not appear.
  ConvertReport run(AudioReader& reader, AudioWriter& writer, const ProgressFn& on_progress = {}, const CancelToken& cancel = {});

 private:
  struct Impl;
  explicit Converter(std::unique_ptr<Impl> impl);
  /// `ahead`: the same source once more, which a key is chosen from; none: what is read is kept until it is.
  ConvertReport run(AudioReader& reader, AudioReader* ahead, AudioWriter& writer, const ProgressFn& on_progress, const CancelToken& cancel);
  friend ConvertReport convert_file(Converter&, const FileJob&, const ProgressFn&, const CancelToken&);
  std::unique_ptr<Impl> impl_;
};

/// The tags a converted file carries: the source's, plus fields that say the vocal is AI-converted, by which voice, version and seed.
Tags provenance_tags(const Tags& source, const VoiceInfo& voice, const ConvertOptions& options);

}  // namespace voxconv
