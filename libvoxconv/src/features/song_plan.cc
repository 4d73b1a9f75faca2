#include "features/song_plan.h"

#include <algorithm>
#include <cmath>

#include "features/analysis_audio.h"
#include "features/frames.h"
#include "features/pitch/f0_estimator.h"

namespace voxconv {
namespace {

// Content encoders need some seconds of speech around a frame to be sure of it, and their attention costs by the square of the window
// (docs/content-encoders.md).
constexpr std::int64_t hop_frames = 10 * frame_rate, content_context = frame_rate, content_fade = 30;
// The first window of the pitch is longer, so that the content's windows, which need the pitch of their context, can follow closely.
constexpr std::int64_t pitch_lead = (content_context + 1 + f0_window_step - 1) / f0_window_step * f0_window_step;
static_assert(hop_frames % f0_window_step == 0);

/// How many windows at a time keep a device busy.
std::int64_t batch_for(torch::Device device) { return device.is_cpu() ? 1 : 4; }

}  // namespace

Window WindowSequence::window(std::int64_t index) const {
  const auto specials = std::int64_t(spec_.first.size());
  Window window;
  for (std::int64_t i = 0; i < std::min(index, specials); ++i) window.begin += spec_.first[std::size_t(i)];
  window.begin += std::max<std::int64_t>(0, index - specials) * spec_.hop;
  window.end = window.begin + (index < specials ? spec_.first[std::size_t(index)] : spec_.hop);
  window.from = std::max<std::int64_t>(0, window.begin - spec_.left);
  window.to = window.end + spec_.right;
  return window;
}

/// Windows at the start that are shorter or longer than the others are computed by themselves.
std::int64_t WindowSequence::batch_at(std::int64_t index) const {
  return index < std::int64_t(spec_.first.size()) || window(index).begin < spec_.left ? 1 : spec_.batch;
}

std::vector<Window> WindowSequence::take(std::int64_t count) {
  std::vector<Window> windows;
  for (; count > 0; --count) windows.push_back(window(index_++));
  return windows;
}

std::vector<Window> WindowSequence::next(std::int64_t available) {
  const std::int64_t batch = batch_at(index_);
  return window(index_ + batch - 1).to <= available ? take(batch) : std::vector<Window>();
}

std::vector<Window> WindowSequence::rest(std::int64_t available, std::int64_t total) {
  if (ended_) return {};
  std::int64_t count = 0;
  while (count < batch_at(index_) && window(index_ + count).to <= available) ++count;
  if (count > 0) return take(count);
  Window window = this->window(index_);
  if (window.begin >= total) return {};
  window.end = spec_.last_takes_rest ? total : std::min(window.end, total);
  window.to = spec_.last_takes_rest ? total : std::min(window.to, total);
  window.last = ended_ = window.end == total;
  ++index_;
  return {window};
}

void SignalBuffer::drop_before(std::int64_t position) {
  const std::int64_t count = std::clamp<std::int64_t>(position - start_, 0, std::int64_t(kept_.size()));
  kept_.erase(kept_.begin(), kept_.begin() + std::ptrdiff_t(count));
  start_ += count;
}

std::size_t SongPlan::read_frames(int rate) const { return std::size_t(std::max(1.0, read_s * rate)); }

std::int64_t SongPlan::feature_lookahead_frames() const {
  // A frame in front of a border waits for the fade over it, which needs the whole next batch; a window is known not to be the last one
  // when there is a sample more than it needs.
  const std::int64_t pitch_ahead = pitch.hop > 0 ? pitch.first[0] - pitch.hop + pitch.right : 0;
  return content_fade + content.batch * content.hop + std::max(content.right, pitch_ahead) + 1;
}

std::int64_t SongPlan::lookahead_frames() const {
  return AnalysisAudio::lookahead_frames + feature_lookahead_frames() + voice.windows.batch * voice.windows.hop + voice.windows.right +
         voice.behind + after_voice;
}

SongPlan plan_song(const F0Estimator* f0, torch::Device device, double read_s, VoiceWindows voice) {
  SongPlan plan;
  plan.voice = std::move(voice);
  plan.content = {
      .hop = hop_frames, .left = content_context, .right = content_context, .batch = batch_for(device), .last_takes_rest = true};
  plan.content_fade = content_fade;
  if (f0) {
    const auto steps = std::int64_t(std::ceil(f0->context_s() * frame_rate / f0_window_step));
    const std::int64_t context = steps * f0_window_step;
    plan.pitch = plan.content;
    plan.pitch.left = plan.pitch.right = context;
    plan.pitch.first = {hop_frames + pitch_lead};
  }
  plan.read_s = read_s > 0 ? read_s : double(plan.content.batch * hop_frames) / frame_rate;
  return plan;
}

}  // namespace voxconv
