#include "audio/downmix.h"
#include "core/boundary.h"
#include "features/analysis_audio.h"
#include "features/pitch/pitch_stream.h"
#include "nn/device.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace {

constexpr std::size_t block_frames = 16384;  // read at a time

void append(std::vector<float>& to, const torch::Tensor& values) {
  to.insert(to.end(), values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
}

}  // namespace

F0Track estimate_f0(AudioReader& reader, const F0Options& options) try {
  const torch::NoGradGuard guard;
  PitchStream pitch(load_f0_estimator(options.estimator, {options.min_hz, options.max_hz}, nn::select_device(options.device)));
  DownmixReader mono(reader);
  AnalysisAudio analysis(reader.info().rate);
  F0Track track;
  const auto add = [&](const F0Frames& frames) {
    append(track.hz, frames.hz);
    append(track.confidence, frames.confidence);
  };
  for (AudioBuffer block; mono.read(block, block_frames);) add(pitch.push(analysis.push(block)));
  add(pitch.push(analysis.finish()));
  add(pitch.finish());
  return track;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
