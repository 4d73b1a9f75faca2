#include "features/pitch/pyin_estimator.h"

#include "features/frames.h"
#include "features/pitch/pyin.h"

namespace voxconv {

F0Frames PyinEstimator::estimate(const torch::Tensor& audio) const {
  const torch::Tensor samples = audio.to(torch::kCPU, torch::kFloat).contiguous();
  PyinConfig config;
  config.rate = feature_rate;
  config.hop = feature_hop;
  config.min_hz = range_.min_hz;
  config.max_hz = range_.max_hz;
  const PyinTrack track = pyin({samples.data_ptr<float>(), std::size_t(samples.size(0))}, config);
  return {torch::tensor(track.hz).to(audio.device()), torch::tensor(track.confidence).to(audio.device())};
}

}  // namespace voxconv
