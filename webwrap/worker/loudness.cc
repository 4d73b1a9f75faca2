#include "worker/loudness.h"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace webwrap {
namespace {

struct LoudnessRelease {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

void check(int error) {
  if (error != EBUR128_SUCCESS) throw std::runtime_error("The loudness of a sound cannot be measured: libebur128 refuses it.");
}

double db(double linear) { return 20 * std::log10(linear); }

}  // namespace

Loudness measure_loudness(voxconv::AudioReader& sound, const voxconv::CancelToken& cancel) {
  const auto channels = std::size_t(sound.info().channels);
  const std::unique_ptr<ebur128_state, LoudnessRelease> state(
      ebur128_init(unsigned(channels), static_cast<unsigned long>(sound.info().rate),
                   EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_SAMPLE_PEAK));
  if (!state) throw std::bad_alloc();
  std::vector<float> interleaved;
  for (voxconv::AudioBuffer audio; sound.read(audio, std::size_t(sound.info().rate));) {
    cancel.check();
    interleaved.resize(audio.frames() * channels);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t i = 0; i < audio.frames(); ++i) interleaved[i * channels + c] = audio.channels[c][i];
    check(ebur128_add_frames_float(state.get(), interleaved.data(), audio.frames()));
  }
  Loudness loudness;
  check(ebur128_loudness_global(state.get(), &loudness.integrated_lufs));
  check(ebur128_loudness_range(state.get(), &loudness.range_lu));
  double true_peak = 0, sample_peak = 0;
  for (unsigned c = 0; c < channels; ++c) {
    double value = 0;
    check(ebur128_true_peak(state.get(), c, &value));
    true_peak = std::max(true_peak, value);
    check(ebur128_sample_peak(state.get(), c, &value));
    sample_peak = std::max(sample_peak, value);
  }
  loudness.true_peak_dbtp = db(true_peak);
  loudness.sample_peak_dbfs = db(sample_peak);
  return loudness;
}

}  // namespace webwrap
