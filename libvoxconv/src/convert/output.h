#pragma once
#include <cstdint>
#include <vector>

#include "audio/limiter.h"
#include "audio/resampler.h"
#include "voxconv/audio_io.h"
#include "voxconv/options.h"

namespace voxconv {

/// Joins the converted channels with the dry source, sample by sample, and sends them on: mix, gain, limiter, writer.
class Output {
 public:
  /// The arguments must outlive it.
  Output(const ConvertOptions& options, int channels, int source_rate, int rate, AudioWriter& writer);

  void add_dry(const AudioBuffer& audio);
  void finish_dry();
  void add_wet(std::size_t channel, const std::vector<float>& samples);

  /// At the end: silence where a side has less than `length` samples in all, as of a source of a few frames no feature can be taken.
  void pad(std::int64_t length);

  /// Writes what is there on all sides, up to `length` samples in all; returns whether anything was written.
  bool write(std::int64_t length);

  /// Ends the file; returns the most that the limiter took off, in dB.
  double finish();

 private:
  const ConvertOptions& options_;
  int rate_;
  AudioWriter& writer_;
  StreamResampler dry_resampler_;
  TruePeakLimiter limiter_;
  std::vector<std::vector<float>> wet_, dry_;
  std::int64_t done_ = 0;
};

}  // namespace voxconv
