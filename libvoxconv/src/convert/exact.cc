#include "convert/exact.h"

#include <algorithm>
#include <cmath>

#include "audio/downmix.h"
#include "audio/resampler.h"
#include "convert/lane.h"
#include "core/fail.h"
#include "core/stage_clock.h"

namespace voxconv {
namespace {

constexpr std::size_t read_frames = 65536;
constexpr double loudest = 0.99, steps = 32768;  // of RVC's 16-bit result
constexpr float audible = 1e-2f;

/// The whole source at 16 kHz; the mean of its channels, as RVC reads it.
std::vector<float> read_all(AudioReader& reader, const CancelToken& cancel) {
  StreamResampler down(1, reader.info().rate, feature_rate);
  std::vector<float> all;
  const auto append = [&](const AudioBuffer& more) { all.insert(all.end(), more.channels[0].begin(), more.channels[0].end()); };
  for (AudioBuffer audio; reader.read(audio, read_frames);) {
    cancel.check();
    append(down.push(channel_mean(audio)));
  }
  append(down.finish());
  return all;
}

/// The largest magnitude; not finite where a sample is not.
float peak_of(const std::vector<float>& audio) {
  float peak = 0;
  for (const float sample : audio) {
    if (!std::isfinite(sample)) return sample;
    peak = std::max(peak, std::abs(sample));
  }
  return peak;
}

/// Lowers what is too loud and rounds towards zero to 16 bits.
void to_16_bits(std::vector<float>& audio) {
  const double scale = steps / std::max(1.0, peak_of(audio) / loudest);
  for (float& sample : audio) sample = float(std::trunc(double(sample) * scale) / steps);
}

}  // namespace

std::vector<float> convert_exactly(const Voice::Impl& voice, const Ingredients& with, const ConvertOptions& options, int rate,
                                   AudioReader& reader, const ProgressFn& on_progress, const CancelToken& cancel) {
  const StageScope stage(Stage::read);  // what belongs to no later one
  std::vector<float> source = read_all(reader, cancel);
  if (source.empty()) return {};
  const double seconds = double(source.size()) / feature_rate;
  WholeSong song;
  song.audio = torch::from_blob(source.data(), {std::int64_t(source.size())});
  song.content = voice.content.get();
  song.f0 = with.f0.get();
  song.index = with.index.get();
  if (with.track) song.given_f0 = with.track->hz;
  song.key = options.key;
  song.index_rate = options.index_rate;
  song.protect = options.protect;
  song.rms_mix = options.rms_mix;
  song.bridge = options.profile == "head";
  song.speaker = std::int64_t(options.speaker);
  song.seed = options.seed;
  song.on_second = [&](double done) {
    cancel.check();
    if (on_progress) on_progress({"convert", done, seconds, "s", ""});
  };
  AudioBuffer result(voice.model->sample_rate(), 0);
  result.channels.push_back(voice.model->convert_whole(song));
  const float peak = peak_of(result.channels[0]);
  if (!std::isfinite(peak) || (peak < silent_peak && peak_of(source) > audible))
    fail(ErrorCode::bad_model, "The voice {} gives {} for a source that is not silent; its model is probably damaged.", voice.info.name,
         std::isfinite(peak) ? "silence" : "samples that are no numbers");
  const StageScope last(Stage::post);
  result = resample(result, rate);
  to_16_bits(result.channels[0]);
  return std::move(result.channels[0]);
}

}  // namespace voxconv
