#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "voxconv/audio_io.h"
#include "voxconv/progress.h"

namespace webwrap {

/// The part [start_s, end_s) of a source (end_s < 0: to its end). Stops as asked, and tells how much of what it must read is read, as far
/// as that is known.
class PartReader : public voxconv::AudioReader {
 public:
  using OnProgress = std::function<void(double share)>;
  PartReader(std::unique_ptr<voxconv::AudioReader> source, double start_s, double end_s, voxconv::CancelToken cancel,
             OnProgress on_progress = {});

  const voxconv::AudioInfo& info() const override { return info_; }
  bool read(voxconv::AudioBuffer& out, std::size_t max_frames) override;
  double seconds() const;  ///< of the part, given so far

 private:
  std::unique_ptr<voxconv::AudioReader> source_;
  voxconv::AudioInfo info_;
  voxconv::CancelToken cancel_;
  OnProgress on_progress_;
  std::int64_t start_, end_, whole_, at_ = 0, given_ = 0;
};

/// The outline of a waveform: the largest magnitudes of equal stretches, at most 2000.
class PeakMeter {
 public:
  void add(const voxconv::AudioBuffer&);
  std::vector<double> values() const;  ///< 0..1, three decimals

 private:
  std::vector<float> peaks_;
  std::size_t stretch_ = 64, in_last_ = 64;  ///< frames: of a peak, and in the last one
};

/// A level as a factor.
double linear(double db);

/// Whether nothing can be heard (-60 dBFS) of what was made of something that could (-40 dBFS).
bool fell_silent(const std::vector<double>& peaks_before, const std::vector<double>& peaks_after);

/// Writes the same to several files, and measures the peaks of it.
class TeeWriter : public voxconv::AudioWriter {
 public:
  void add(std::unique_ptr<voxconv::AudioWriter> writer) { writers_.push_back(std::move(writer)); }
  void write(const voxconv::AudioBuffer&) override;
  void finish() override;
  std::vector<double> peaks() const { return meter_.values(); }

 private:
  std::vector<std::unique_ptr<voxconv::AudioWriter>> writers_;
  PeakMeter meter_;
};

}  // namespace webwrap
