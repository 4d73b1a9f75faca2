#include "eval/sound.h"

#include <algorithm>

#include "audio/downmix.h"
#include "audio/resampler.h"
#include "eval/memory_audio.h"
#include "eval/metrics.h"
#include "eval/periodicity.h"
#include "eval/spectrum_measures.h"
#include "features/frames.h"
#include "features/loudness.h"
#include "voxconv/f0.h"

namespace voxconv::eval {
namespace {

/// As a conversion hears it: channels of opposite phase do not cancel.
AudioBuffer mono(const AudioBuffer& audio) {
  MemoryReader reader(audio);
  DownmixReader mixed(reader);
  return read_all(mixed);
}

torch::Tensor to_tensor(const AudioBuffer& audio) { return torch::tensor(at::ArrayRef<float>(audio.channels[0])); }

std::vector<float> pitch(const AudioBuffer& audio, const std::string& estimator, torch::Device device) {
  MemoryReader reader(audio);
  F0Options options;
  options.estimator = estimator;
  options.device = device.str();
  return estimate_f0(reader, options).hz;
}

}  // namespace

Sound SoundAnalyser::analyse(const AudioBuffer& audio, const CancelToken& cancel) const {
  const AudioBuffer mixed = mono(audio), features = resample(mixed, feature_rate);
  cancel.check();
  Sound sound;
  sound.full_band = to_tensor(resample(mixed, full_band_rate));
  sound.audio = to_tensor(features);
  sound.f0 = pitch(features, "fcpe", device_);
  cancel.check();
  const std::vector<float> second = pitch(features, "swiftf0", device_);
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
