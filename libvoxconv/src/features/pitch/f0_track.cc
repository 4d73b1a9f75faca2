#include "core/boundary.h"
#include "features/analysis_audio.h"
#include "features/pitch/pitch_stream.h"
#include "nn/device.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace {

void append(std::vector<float>& to, const torch::Tensor& values) {
  to.insert(to.end(), values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
}

}  // namespace

F0Track estimate_f0(AudioReader& reader, const F0Options& options) try {
  const torch::NoGradGuard guard;
  const torch::Device device = nn::select_device(options.device);
  const auto estimator = load_f0_estimator(options.estimator, {options.min_hz, options.max_hz}, device);
  const SongPlan plan = plan_song(estimator.get(), device);
  PitchStream pitch(estimator, plan);
  F0Track track;
  const auto add = [&](const F0Frames& frames) {
    append(track.hz, frames.hz);
    append(track.confidence, frames.confidence);
  };
  read_analysis_audio(reader, plan, [&](std::span<const float> audio, std::int64_t) { add(pitch.push(audio)); });
  add(pitch.finish());
  pitch.missed().warn({options.min_hz, options.max_hz});
  return track;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
