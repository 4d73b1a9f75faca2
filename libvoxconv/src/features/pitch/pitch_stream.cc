#include "features/pitch/pitch_stream.h"

#include <utility>

#include "core/fail.h"
#include "core/stage_clock.h"
#include "features/frames.h"

namespace voxconv {
namespace {

F0Frames joined(const std::vector<F0Frames>& parts) {
  if (parts.empty()) return {torch::empty({0}), torch::empty({0})};
  std::vector<torch::Tensor> hz, confidence;
  for (const F0Frames& part : parts) {
    hz.push_back(part.hz);
    confidence.push_back(part.confidence);
  }
  return {torch::cat(hz), torch::cat(confidence)};
}

}  // namespace

PitchStream::PitchStream(std::shared_ptr<const F0Estimator> estimator, const SongPlan& plan)
    : estimator_(std::move(estimator)), windows_(plan.pitch) {
  if (plan.pitch.hop <= 0) fail(ErrorCode::internal, "PitchStream: the plan was made without an f0 estimator.");
}

F0Frames PitchStream::push(std::span<const float> audio) {
  audio_.append(audio);
  std::vector<F0Frames> out;
  // A window is known not to be the last one when there is more audio than it needs.
  while (true) {
    const std::vector<Window> windows = windows_.next((audio_.end() - 1) / feature_hop);
    if (windows.empty()) return joined(out);
    estimate(windows, out);
  }
}

F0Frames PitchStream::finish() {
  std::vector<F0Frames> out;
  while (audio_.end() > 0) {
    const std::vector<Window> windows = windows_.rest((audio_.end() - 1) / feature_hop, frame_count(audio_.end()));
    if (windows.empty()) break;
    estimate(windows, out);
  }
  return joined(out);
}

F0Frames estimate_pitch(const torch::Tensor& audio, std::shared_ptr<const F0Estimator> estimator, const SongPlan& plan) {
  const torch::Tensor samples = audio.to(torch::kCPU, torch::kFloat).contiguous();
  PitchStream stream(std::move(estimator), plan);
  return joined({stream.push({samples.data_ptr<float>(), std::size_t(samples.numel())}), stream.finish()});
}

void PitchStream::estimate(const std::vector<Window>& windows, std::vector<F0Frames>& out) {
  const StageScope stage(Stage::f0);
  std::vector<torch::Tensor> audio;
  for (const Window& window : windows)
    audio.push_back(audio_.view(window.from * feature_hop, window.last ? audio_.end() : window.to * feature_hop));
  const F0Frames frames = windows.size() == 1
                              ? estimator_->estimate_part(audio[0], windows[0].begin - windows[0].from, windows[0].end - windows[0].from)
                              : estimator_->estimate_windows(torch::stack(audio));
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto own_frames = [&](const torch::Tensor& x) {
      const torch::Tensor all = x.dim() == 1 ? x : x[std::int64_t(i)];
      return all.slice(0, windows[i].begin - windows[i].from, windows[i].end - windows[i].from).to(torch::kCPU, torch::kFloat).clone();
    };
    out.push_back({own_frames(frames.hz), own_frames(frames.confidence)});
    missed_.add(audio[i].slice(0, (windows[i].begin - windows[i].from) * feature_hop), out.back().hz);
  }
  audio_.drop_before(windows_.needed_from() * feature_hop);
}

}  // namespace voxconv
