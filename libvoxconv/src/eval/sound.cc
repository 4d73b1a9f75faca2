#include "eval/sound.h"

#include <algorithm>

#include "audio/downmix.h"
#include "audio/resampler.h"
#include "eval/memory_audio.h"
#include "eval/metrics.h"
#include "eval/periodicity.h"
#include "eval/spectrum_measures.h"
#include "features/analysis_audio.h"
#include "features/frames.h"
#include "features/loudness.h"
#include "features/pitch/pitch_stream.h"
#include "voxconv/f0.h"

namespace voxconv::eval {
namespace {

/// Mixed as for a conversion: channels of opposite phase do not cancel.
AudioBuffer mono(const AudioBuffer& audio) {
  MemoryReader reader(audio);
  DownmixReader mixed(reader);
  return read_all(mixed);
}

torch::Tensor to_tensor(const AudioBuffer& audio) { return torch::tensor(at::ArrayRef<float>(audio.channels[0])); }

/// estimate_f0() with an estimator that is loaded.
std::vector<float> pitch(const AudioBuffer& audio, const std::shared_ptr<const F0Estimator>& estimator, torch::Device device,
                         const CancelToken& cancel) {
  const torch::NoGradGuard guard;
  MemoryReader reader(audio);
  const SongPlan plan = plan_song(estimator.get(), device);
  PitchStream stream(estimator, plan);
  std::vector<float> hz;
  const auto add = [&](const torch::Tensor& more) {
    hz.insert(hz.end(), more.const_data_ptr<float>(), more.const_data_ptr<float>() + more.numel());
  };
  read_analysis_audio(reader, plan, [&](std::span<const float> part, std::int64_t) {
    cancel.check();
    add(stream.push(part).hz);
  });
  add(stream.finish().hz);
  return hz;
}

}  // namespace

SoundAnalyser::SoundAnalyser(torch::Device device)
    : device_(device),
      fcpe_(load_f0_estimator("fcpe", {}, device)),
      swift_f0_(load_f0_estimator("swiftf0", {}, device)),
      encoder_(device),
      dnsmos_(device) {}

Sound SoundAnalyser::analyse(const AudioBuffer& audio, const CancelToken& cancel) const {
  const AudioBuffer mixed = mono(audio), features = resample(mixed, feature_rate);
  cancel.check();
  Sound sound;
  sound.full_band = to_tensor(resample(mixed, full_band_rate));
  sound.audio = to_tensor(features);
  sound.f0 = pitch(features, fcpe_, device_, cancel);
  cancel.check();
  const std::vector<float> second = pitch(features, swift_f0_, device_, cancel);
  cancel.check();
  sound.agreed = agreed_pitch(sound.f0, second);
  sound.pitched = sound.f0;
  for (std::size_t t = 0; t < std::min(sound.pitched.size(), second.size()); ++t) sound.pitched[t] = std::max(sound.pitched[t], second[t]);
  sound.loudness = a_weighted_loudness(sound.audio);
  sound.embedding = encoder_.embed(sound.audio).cpu();
  cancel.check();
  sound.timbre = analyse_timbre(sound.audio, sound.agreed);
  sound.spectrum = long_term_spectrum(sound.full_band);
  if (sound.spectrum.defined()) {
    sound.figures.band_db = band_levels_db(sound.spectrum);
    sound.figures.above_16k_db = above_16k_db(sound.spectrum);
  }
  cancel.check();
  const Periodicity periodic = periodicity(sound.full_band, sound.agreed);
  sound.figures.periodicity = periodic.bands;
  sound.figures.hnr_db = periodic.hnr_db;
  const DnsmosScores opinion = dnsmos_.score(sound.audio, cancel);
  sound.figures.sig = opinion.sig;
  sound.figures.bak = opinion.bak;
  sound.figures.ovrl = opinion.ovrl;
  return sound;
}

}  // namespace voxconv::eval
