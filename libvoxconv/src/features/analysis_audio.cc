#include "features/analysis_audio.h"

#include <algorithm>
#include <cmath>

#include "audio/downmix.h"
#include "features/frames.h"

namespace voxconv {
namespace {

constexpr std::size_t second = feature_rate, part = feature_rate / 20;
const double kept_a_second = std::pow(10, -0.1 / 10);  // of the loudest power

double power_of(double db) { return std::pow(10, db / 10); }

void append(std::vector<float>& to, const std::vector<float>& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

/// The gain at the begin of the next second, from that second's own samples.
void AnalysisLevel::measure() {
  const std::size_t begin = std::size_t(first_gain_ + std::int64_t(gains_.size()) - start_) * second;
  const std::size_t end = std::min(begin + second, waiting_.size());
  loudest_ *= kept_a_second;
  for (std::size_t from = begin; from < end; from += part) {
    double power = 0;
    for (std::size_t n = from; n < std::min(from + part, end); ++n) power += double(waiting_[n]) * waiting_[n] / double(part);
    loudest_ = std::max(loudest_, power);
  }
  const double wanted = loudest_ < power_of(silent_db) ? 1 : std::sqrt(power_of(target_db) / loudest_);
  gains_.push_back(std::clamp(wanted, 1.0, std::sqrt(power_of(most_db))));
}

std::vector<float> AnalysisLevel::push(std::span<const float> audio) {
  waiting_.insert(waiting_.end(), audio.begin(), audio.end());
  return emit(false);
}

std::vector<float> AnalysisLevel::finish() { return emit(true); }

std::vector<float> AnalysisLevel::emit(bool last) {
  std::vector<float> out;
  std::size_t done = 0;
  // A second goes out when the one behind it is there, whose gain it ends with.
  while (last ? done < waiting_.size() : done + std::size_t(lookahead_s) * second <= waiting_.size()) {
    const std::size_t end = std::min(done + second, waiting_.size());
    const std::int64_t here = start_ + std::int64_t(done / second) - first_gain_;
    while (std::int64_t(gains_.size()) <= here + (end < waiting_.size() ? 1 : 0)) measure();
    const double gain = gains_[std::size_t(here)], change = gains_.back() - gain;
    for (std::size_t n = done; n < end; ++n) out.push_back(float(waiting_[n] * (gain + change * double(n - done) / double(second))));
    done = end;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(done));
  start_ += std::int64_t(done / second);
  return out;
}

void AnalysisLevel::restore(std::span<float> result, int rate, double share) {
  for (float& sample : result) {
    const std::int64_t at = restored_ / rate;
    while (first_gain_ < at && gains_.size() > 1) {
      gains_.pop_front();
      ++first_gain_;
    }
    // A result ends up to a frame behind its source.
    const double gain = gains_.front(), change = gains_.size() > 1 ? gains_[1] - gain : 0;
    const double raised = gain + change * double(restored_ % rate) / rate;
    sample = float(sample / (share == 1 ? raised : std::pow(raised, share)));
    ++restored_;
  }
}

AnalysisAudio::AnalysisAudio(int source_rate) : down_(1, source_rate, feature_rate, ResamplerQuality::medium) {}

std::vector<float> AnalysisAudio::push(const AudioBuffer& mono) { return level_.push(highpass_.push(down_.push(mono).channels[0])); }

std::vector<float> AnalysisAudio::finish() {
  std::vector<float> all = highpass_.push(down_.finish().channels[0]);
  append(all, highpass_.finish());
  all = level_.push(all);
  append(all, level_.finish());
  return all;
}

void read_analysis_audio(AudioReader& reader, const SongPlan& plan,
                         const std::function<void(std::span<const float> audio, std::int64_t frames_read)>& take) {
  DownmixReader mono(reader);
  AnalysisAudio analysis(mono.info().rate);
  const std::size_t piece = plan.read_frames(mono.info().rate);
  std::int64_t frames_read = 0;
  for (AudioBuffer audio; mono.read(audio, piece);) {
    frames_read += std::int64_t(audio.frames());
    take(analysis.push(audio), frames_read);
  }
  take(analysis.finish(), frames_read);
}

}  // namespace voxconv
