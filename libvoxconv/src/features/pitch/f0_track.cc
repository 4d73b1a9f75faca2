#include <cmath>
#include <span>

#include "audio/resampler.h"
#include "core/boundary.h"
#include "features/frames.h"
#include "features/pitch/f0_estimator.h"
#include "nn/device.h"
#include "voxconv/f0.h"

namespace voxconv {
namespace {

constexpr std::size_t block_frames = 16384;  // read at a time
constexpr std::int64_t window_frames = 20 * frame_rate;
static_assert(window_frames % f0_window_step == 0);

/// Feeds an estimator windows that lie on fixed places of the time line, with the context it asks for: the result does not depend on how
/// the audio was cut, and no more than a window is held.
class WindowedF0 {
 public:
  explicit WindowedF0(std::shared_ptr<const F0Estimator> estimator)
      : estimator_(std::move(estimator)),
        context_(static_cast<std::int64_t>(std::ceil(estimator_->context_s() * frame_rate / f0_window_step)) * f0_window_step) {}

  void push(std::span<const float> audio) {
    audio_.insert(audio_.end(), audio.begin(), audio.end());
    end_ += static_cast<std::int64_t>(audio.size());
    while (end_ > (done_ + window_frames + context_) * feature_hop)
      analyse(done_ + window_frames, (done_ + window_frames + context_) * feature_hop);
  }

  F0Track finish() {
    if (end_ > 0) analyse(frame_count(end_), end_);
    return std::move(track_);
  }

 private:
  /// Frames from done_ to `border`, from the samples before `to_sample`.
  void analyse(std::int64_t border, std::int64_t to_sample) {
    const std::int64_t from = std::max<std::int64_t>(0, done_ - context_);
    const torch::Tensor audio = torch::from_blob(audio_.data() + (from * feature_hop - start_), {to_sample - from * feature_hop});
    const F0Frames frames = estimator_->estimate(audio);
    const auto append = [&](std::vector<float>& out, const torch::Tensor& values) {
      const torch::Tensor part = values.slice(0, done_ - from, border - from).to(torch::kCPU, torch::kFloat).contiguous();
      out.insert(out.end(), part.data_ptr<float>(), part.data_ptr<float>() + part.numel());
    };
    append(track_.hz, frames.hz);
    append(track_.confidence, frames.confidence);
    done_ = border;
    const std::int64_t keep = std::max<std::int64_t>(0, done_ - context_) * feature_hop;
    audio_.erase(audio_.begin(), audio_.begin() + std::min<std::int64_t>(keep - start_, static_cast<std::int64_t>(audio_.size())));
    start_ = keep;
  }

  std::shared_ptr<const F0Estimator> estimator_;
  std::int64_t context_;  // frames
  F0Track track_;
  std::vector<float> audio_;  // from sample start_ on
  std::int64_t start_ = 0, end_ = 0;
  std::int64_t done_ = 0;  // frames
};

/// The mean of the channels.
AudioBuffer mix(const AudioBuffer& audio) {
  AudioBuffer mono(audio.rate, 1, audio.frames());
  for (const std::vector<float>& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i) mono.channels[0][i] += channel[i] / float(audio.channel_count());
  return mono;
}

}  // namespace

F0Track estimate_f0(AudioReader& reader, const F0Options& options) try {
  const torch::NoGradGuard guard;
  WindowedF0 windows(load_f0_estimator(options.estimator, {options.min_hz, options.max_hz}, nn::select_device(options.device)));
  StreamResampler resampler(1, reader.info().rate, feature_rate);
  AudioBuffer block;
  while (reader.read(block, block_frames)) windows.push(resampler.push(mix(block)).channels[0]);
  windows.push(resampler.finish().channels[0]);
  return windows.finish();
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
