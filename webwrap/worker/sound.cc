#include "worker/sound.h"

#include <algorithm>
#include <cmath>

namespace webwrap {

using voxconv::AudioBuffer;

namespace {

constexpr std::size_t max_peaks = 2000;
constexpr double block_s = 0.5;

std::vector<float> halved(const std::vector<float>& peaks) {
  std::vector<float> result((peaks.size() + 1) / 2);
  for (std::size_t i = 0; i < peaks.size(); ++i) result[i / 2] = std::max(result[i / 2], peaks[i]);
  return result;
}

}  // namespace

PartReader::PartReader(std::unique_ptr<voxconv::AudioReader> source, double start_s, double end_s, voxconv::CancelToken cancel,
                       OnProgress on_progress)
    : source_(std::move(source)),
      info_(source_->info()),
      cancel_(std::move(cancel)),
      on_progress_(std::move(on_progress)),
      start_(std::llround(start_s * info_.rate)),
      end_(end_s < 0 ? -1 : std::llround(end_s * info_.rate)),
      whole_(info_.frames) {
  if (end_ >= 0 && (whole_ < 0 || end_ < whole_)) whole_ = end_;
  info_.frames = whole_ < 0 ? -1 : std::max<std::int64_t>(0, whole_ - start_);
}

bool PartReader::read(AudioBuffer& out, std::size_t max_frames) {
  const auto block = std::int64_t(std::max(1.0, block_s * info_.rate));
  for (;;) {
    cancel_.check();
    const bool skip = at_ < start_;
    std::int64_t wanted = skip ? std::min(block, start_ - at_) : std::int64_t(max_frames);
    if (end_ >= 0) wanted = std::min(wanted, end_ - at_);
    if (wanted <= 0 || !source_->read(out, std::size_t(wanted))) {
      out = AudioBuffer(info_.rate, std::size_t(info_.channels));
      return false;
    }
    at_ += std::int64_t(out.frames());
    if (on_progress_ && whole_ > 0) on_progress_(std::min(1.0, double(at_) / double(whole_)));
    if (skip) continue;
    given_ += std::int64_t(out.frames());
    return true;
  }
}

double PartReader::seconds() const { return double(given_) / info_.rate; }

void PeakMeter::add(const AudioBuffer& audio) {
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    if (in_last_ == stretch_) {
      if (peaks_.size() == 2 * max_peaks) {
        peaks_ = halved(peaks_);
        stretch_ *= 2;
      }
      peaks_.push_back(0);
      in_last_ = 0;
    }
    ++in_last_;
    for (const auto& channel : audio.channels) peaks_.back() = std::max(peaks_.back(), std::abs(channel[i]));
  }
}

std::vector<double> PeakMeter::values() const {
  std::vector<float> peaks = peaks_;
  while (peaks.size() > max_peaks) peaks = halved(peaks);
  std::vector<double> result;
  for (const float peak : peaks) result.push_back(std::round(std::min(1.f, peak) * 1000) / 1000);
  return result;
}

double linear(double db) { return std::pow(10, db / 20); }

bool fell_silent(const std::vector<double>& peaks_before, const std::vector<double>& peaks_after) {
  const auto has = [](const std::vector<double>& peaks, double level) {
    return std::any_of(peaks.begin(), peaks.end(), [&](double peak) { return peak >= level; });
  };
  return has(peaks_before, 0.01) && !has(peaks_after, 0.001);
}

void TeeWriter::write(const AudioBuffer& audio) {
  for (const auto& writer : writers_) writer->write(audio);
  meter_.add(audio);
}

void TeeWriter::finish() {
  for (const auto& writer : writers_) writer->finish();
}

}  // namespace webwrap
