#include "convert/feature_stream.h"

#include <algorithm>

#include "core/stage_clock.h"
#include "features/background.h"
#include "features/loudness.h"

namespace voxconv {
namespace {

/// Hz of `count` frames from `first`; behind the track's end nothing is sung.
torch::Tensor track_frames(const F0Track& track, std::int64_t first, std::int64_t count) {
  torch::Tensor f0 = torch::zeros(count);
  for (std::int64_t t = 0; t < count && first + t < std::int64_t(track.hz.size()); ++t) f0[t] = track.hz[std::size_t(first + t)];
  return f0;
}

}  // namespace

FeatureFrames join(const std::vector<FeatureFrames>& parts) {
  std::vector<torch::Tensor> content, f0, loudness;
  for (const FeatureFrames& part : parts) {
    if (part.size() == 0) continue;
    content.push_back(part.content);
    f0.push_back(part.f0);
    loudness.push_back(part.loudness);
  }
  if (f0.empty()) return {};
  return {torch::cat(content), torch::cat(f0), torch::cat(loudness)};
}

FeatureStream::FeatureStream(const SongPlan& plan, std::shared_ptr<const ContentEncoder> content, std::shared_ptr<const F0Estimator> f0,
                             double pause_db, const F0Track* track)
    : content_(std::move(content)), track_(track), pause_db_(pause_db), fade_(plan.content_fade), windows_(plan.content) {
  if (f0 && !track) pitch_.emplace(std::move(f0), plan);
}

FeatureFrames FeatureStream::push(std::span<const float> audio) {
  audio_.append(audio);
  // The pitch comes first: its networks take the most memory, and content is large.
  if (pitch_) append_pitch(pitch_->push(audio).hz);
  std::vector<FeatureFrames> out;
  while (true) {
    const std::vector<Window> windows = windows_.next(available());
    if (windows.empty()) return join(out);
    extract(windows, out);
  }
}

FeatureFrames FeatureStream::finish() {
  if (audio_.end() == 0) return {};
  if (pitch_) append_pitch(pitch_->finish().hz);
  std::vector<FeatureFrames> out;
  while (true) {
    const std::vector<Window> windows = windows_.rest(available(), frame_count(audio_.end()));
    if (windows.empty()) return join(out);
    extract(windows, out);
  }
}

/// Frames that can be the context of a window which is not the last one: behind them is more audio, and their pitch is known.
std::int64_t FeatureStream::available() const {
  const std::int64_t frames = (audio_.end() - 1) / feature_hop;
  return pitch_ ? std::min(frames, f0_start_ + f0_.size(0) - 1) : frames;
}

/// Of the samples of one window [N], or of several [B, N].
torch::Tensor FeatureStream::encode(const torch::Tensor& audio) const {
  if (!content_) {
    std::vector<std::int64_t> shape = audio.sizes().vec();
    shape.back() = frame_count(shape.back());
    shape.push_back(0);
    return torch::zeros(shape);
  }
  const StageScope stage(Stage::content);
  return (audio.dim() == 1 ? content_->encode(audio) : content_->encode_windows(audio)).to(torch::kCPU);
}

/// Takes the next frames of the estimator's pitch.
void FeatureStream::append_pitch(const torch::Tensor& f0) {
  const std::int64_t drop = std::clamp<std::int64_t>(windows_.needed_from() - f0_start_, 0, f0_.size(0));
  f0_ = torch::cat({f0_.slice(0, drop), f0});
  f0_start_ += drop;
}

torch::Tensor FeatureStream::pitch(std::int64_t first, std::int64_t count) const {
  if (track_) return track_frames(*track_, first, count);
  return pitch_ ? f0_.slice(0, first - f0_start_, first - f0_start_ + count) : torch::zeros({count});
}

void FeatureStream::extract(const std::vector<Window>& windows, std::vector<FeatureFrames>& out) {
  std::vector<torch::Tensor> audio;
  for (const Window& window : windows)
    audio.push_back(audio_.view(window.from * feature_hop, window.last ? audio_.end() : window.to * feature_hop));
  const torch::Tensor content = windows.size() == 1 ? encode(audio[0]).unsqueeze(0) : encode(torch::stack(audio));
  for (std::size_t i = 0; i < windows.size(); ++i)
    add(windows[i], {content[std::int64_t(i)], pitch(windows[i].from, frame_count(audio[i].size(0))), rms_loudness(audio[i])}, out);
  audio_.drop_before(windows_.needed_from() * feature_hop);
}

/// Takes the features of the next window, all of it from window.from on.
void FeatureStream::add(const Window& window, FeatureFrames all, std::vector<FeatureFrames>& out) {
  if (pitch_ || track_) all.loudness = lower_background(all.loudness, all.f0, pause_db_);
  const auto cut = [&](const torch::Tensor& x, std::int64_t begin, std::int64_t end) {
    return x.slice(0, begin - window.from, end - window.from);
  };
  const std::int64_t end = window.last ? window.end : window.end + fade_;
  torch::Tensor content = cut(all.content, window.begin, end), f0 = cut(all.f0, window.begin, window.end),
                loudness = cut(all.loudness, window.begin, window.end);
  if (tail_.size() > 0) {
    // The last window has content of the frames around the border too: fade from its to this one's.
    const std::int64_t faded_from = window.begin - fade_, shared = std::min(2 * fade_, end - faded_from);
    const torch::Tensor part = ((torch::arange(shared, torch::kFloat) + 0.5) / double(2 * fade_)).unsqueeze(1);
    const torch::Tensor own = cut(all.content, faded_from, faded_from + shared);
    content = torch::cat({tail_.content.slice(0, 0, shared) * (1 - part) + own * part, cut(all.content, faded_from + shared, end)});
    f0 = torch::cat({tail_.f0, f0});
    loudness = torch::cat({tail_.loudness, loudness});
  }
  if (window.last) {
    out.push_back({content, f0, loudness});
    return;
  }
  const std::int64_t certain = content.size(0) - 2 * fade_;
  out.push_back({content.slice(0, 0, certain), f0.slice(0, 0, certain), loudness.slice(0, 0, certain)});
  tail_ = {content.slice(0, certain).clone(), f0.slice(0, certain).clone(), loudness.slice(0, certain).clone()};
}

}  // namespace voxconv
