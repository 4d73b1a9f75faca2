#include "convert/key_choice.h"

#include <algorithm>
#include <cmath>

#include "convert/feature_stream.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "features/analysis_audio.h"
#include "features/loudness.h"
#include "nn/device.h"

namespace voxconv {
namespace {

// The histogram.
constexpr double histogram_start_hz = 20, bins_per_octave = 120;
constexpr std::size_t bins = 920;                       // to 4 kHz
constexpr double silent_loudness = -55 / db_per_neper;  // of audio at the level of the analysis
constexpr double least_share = 0.02;                    // some frames of any noise seem to have a pitch
constexpr std::int64_t least_frames = 20;

// The choice.
constexpr double below = 4.0 / 12, above = 1;                             // octaves that a voice reaches beyond its range
constexpr double octave_low = -0.5, octave_high = 0.6, woman_high = 1.1;  // of the song's median, from the voice's
constexpr double octave_cost = 0.3;  // times the square of the octaves: two of them cost more naturalness than they bring likeness
constexpr double lower_width = 0.6;  // octaves; what lies further below the median is creak, or an error of the pitch estimator

bool known(const PitchRange& range) { return range.low > 0 && range.median >= range.low && range.high >= range.median; }

/// Share of a melody below a pitch: straight lines through its three points on a logarithmic scale, which go on at the ends. All in
/// octaves.
double share_below(const PitchRange& song, double pitch) {
  const double median = std::log2(song.median), high = std::log2(song.high), low = std::max(std::log2(song.low), median - lower_width);
  const double width = std::max(1e-3, pitch < median ? median - low : high - median);
  return std::clamp(0.5 + 0.45 * (pitch - median) / width, 0.0, 1.0);
}

}  // namespace

PitchHistogram::PitchHistogram() : counts_(bins) {}

void PitchHistogram::add(double hz) {
  ++sounding_;
  if (hz <= 0) return;
  ++voiced_;
  const double bin = std::floor(bins_per_octave * std::log2(hz / histogram_start_hz));
  ++counts_[std::size_t(std::clamp(bin, 0.0, double(bins - 1)))];
}

void PitchHistogram::add(const torch::Tensor& f0, const torch::Tensor& loudness) {
  const torch::Tensor sounding = f0.masked_select(loudness > silent_loudness).contiguous();
  for (std::int64_t t = 0; t < sounding.size(0); ++t) add(double(sounding.data_ptr<float>()[t]));
}

PitchRange PitchHistogram::range() const {
  if (double(voiced_) < std::max(double(least_frames), least_share * double(sounding_))) return {};
  const auto at = [&](double share) {
    std::int64_t passed = 0;
    std::size_t bin = 0;
    while (double(passed += counts_[bin]) < share * double(voiced_)) ++bin;
    return histogram_start_hz * std::exp2((double(bin) + 0.5) / bins_per_octave);
  };
  return {at(0.05), at(0.5), at(0.95)};
}

PitchRange pitch_range_of(AudioReader& reader, std::shared_ptr<const F0Estimator> f0, const SongPlan& plan, const ProgressFn& on_progress,
                          const CancelToken& cancel) {
  const torch::NoGradGuard guard;
  const AudioInfo& info = reader.info();
  FeatureStream features(plan, nullptr, std::move(f0));
  PitchHistogram histogram;
  const auto add = [&](const FeatureFrames& frames) {
    if (frames.size() > 0) histogram.add(frames.f0, frames.loudness);
  };
  read_analysis_audio(reader, plan, [&](std::span<const float> audio, std::int64_t frames_read) {
    cancel.check();
    add(features.push(audio));
    if (on_progress) on_progress({"key", double(frames_read) / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""});
  });
  add(features.finish());
  return histogram.range();
}

PitchRange measure_pitch_range(AudioReader& reader, const F0Options& options, const ProgressFn& on_progress,
                               const CancelToken& cancel) try {
  const torch::Device device = nn::select_device(options.device);
  auto f0 = load_f0_estimator(options.estimator, {options.min_hz, options.max_hz}, device);
  const SongPlan plan = plan_song(f0.get(), device);
  return pitch_range_of(reader, std::move(f0), plan, of_caller(on_progress), cancel);
} catch (...) {
  throw_as_error();
}

std::optional<std::pair<double, double>> reach_of(const PitchRange& voice) {
  if (!known(voice)) return std::nullopt;
  return std::pair(voice.low * std::exp2(-below), voice.high * std::exp2(above));
}

int choose_key(const PitchRange& song, const VoiceInfo& voice) {
  const auto reach = reach_of(range_of(voice));
  if (!known(song) || !reach) return 0;
  const double lowest = std::log2(reach->first), highest = std::log2(reach->second);
  const double distance = std::log2(song.median / voice.f0_median);
  int best = 0;
  double best_cost = 1e9;
  for (const int octaves : {0, 1, -1, 2, -2}) {
    const double outside = share_below(song, lowest - octaves) + 1 - share_below(song, highest - octaves);
    const double off = distance + octaves;
    const double cost = outside + std::max({0.0, octave_low - off, off - (voice.gender == "female" ? woman_high : octave_high)}) +
                        octave_cost * octaves * octaves;
    if (cost < best_cost) {
      best_cost = cost;
      best = octaves;
    }
  }
  return 12 * best;
}

}  // namespace voxconv
