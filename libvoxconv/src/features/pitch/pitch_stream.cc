#include "features/pitch/pitch_stream.h"

#include <algorithm>
#include <cmath>

#include "core/stage_clock.h"

namespace voxconv {
namespace {

static_assert(PitchStream::hop_frames % f0_window_step == 0 && PitchStream::lead_frames % f0_window_step == 0);

F0Frames joined(const std::vector<F0Frames>& parts) {
  if (parts.empty()) return {torch::empty({0}), torch::empty({0})};
  std::vector<torch::Tensor> hz, confidence;
  for (const F0Frames& part : parts) {
    hz.push_back(part.hz);
    confidence.push_back(part.confidence);
  }
  return {torch::cat(hz), torch::cat(confidence)};
}

/// Frames [begin, end) of a window, on the CPU.
F0Frames cut(const torch::Tensor& hz, const torch::Tensor& confidence, std::int64_t begin, std::int64_t end) {
  const auto part = [&](const torch::Tensor& x) { return x.slice(0, begin, end).to(torch::kCPU, torch::kFloat).clone(); };
  return {part(hz), part(confidence)};
}

}  // namespace

PitchStream::PitchStream(std::shared_ptr<const F0Estimator> estimator, std::int64_t together)
    : estimator_(std::move(estimator)),
      together_(together),
      context_(static_cast<std::int64_t>(std::ceil(estimator_->context_s() * frame_rate / f0_window_step)) * f0_window_step) {}

F0Frames PitchStream::push(std::span<const float> audio) {
  audio_.insert(audio_.end(), audio.begin(), audio.end());
  end_ += static_cast<std::int64_t>(audio.size());
  std::vector<F0Frames> out;
  // Only when more audio is there than a window needs can it be known not to be the last one.
  const auto ready = [&] { return ((end_ - 1) / feature_hop - context_ - lead_frames) / hop_frames; };
  const auto windows_done = [&] { return (done_ - lead_frames) / hop_frames; };
  while (windows_done() < ready())
    analyse(done_ == 0 ? 1 : std::min(together_, ready() - windows_done()), out);  // the first one is shorter
  return joined(out);
}

F0Frames PitchStream::finish() {
  if (end_ == 0) return joined({});
  const StageScope stage(Stage::f0);
  const std::int64_t from = std::max<std::int64_t>(0, done_ - context_);
  const F0Frames frames = estimator_->estimate(audio_between(from * feature_hop, end_));
  return cut(frames.hz, frames.confidence, done_ - from, frame_count(end_) - from);
}

torch::Tensor PitchStream::audio_between(std::int64_t begin, std::int64_t end) {
  return torch::from_blob(audio_.data() + (begin - start_), {end - begin});
}

/// The next `count` windows, which are of one length and not the last ones.
void PitchStream::analyse(std::int64_t count, std::vector<F0Frames>& out) {
  const StageScope stage(Stage::f0);
  const std::int64_t new_frames = done_ == 0 ? lead_frames + hop_frames : hop_frames;
  const std::int64_t before = std::min(done_, context_);
  std::vector<torch::Tensor> windows;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t from = done_ + i * hop_frames - before;
    windows.push_back(audio_between(from * feature_hop, (done_ + i * hop_frames + new_frames + context_) * feature_hop));
  }
  if (count == 1) {
    const F0Frames frames = estimator_->estimate(windows[0]);
    out.push_back(cut(frames.hz, frames.confidence, before, before + new_frames));
  } else {
    const F0Frames frames = estimator_->estimate_windows(torch::stack(windows));
    for (std::int64_t i = 0; i < count; ++i) out.push_back(cut(frames.hz[i], frames.confidence[i], before, before + new_frames));
  }
  done_ += (count - 1) * hop_frames + new_frames;
  const std::int64_t keep = std::max<std::int64_t>(0, done_ - context_) * feature_hop;
  audio_.erase(audio_.begin(), audio_.begin() + std::ptrdiff_t(keep - start_));
  start_ = keep;
}

}  // namespace voxconv
