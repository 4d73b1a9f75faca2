#include "audio/pitch_shift.h"

#include <soundtouch/SoundTouch.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "audio/samples.h"

namespace voxconv {
namespace {

static_assert(std::is_same_v<soundtouch::SAMPLETYPE, float>, "SoundTouch is built for 16-bit samples; voxconv needs its float build");

constexpr std::size_t fed_frames = 1024;  // at once, whatever the pieces
constexpr int sequence_ms = 40, seek_ms = 15, overlap_ms = 8;

/// By how much SoundTouch's result is late at these settings (negative: early), in seconds, on average over onsets: a sequence keeps the
/// times within it, while the time of what it is taken from runs faster or slower. Measured on music made for it, in ten keys.
double mean_delay_s(double semitones) { return -1.95e-3 * semitones / (1 + (semitones < 0 ? -0.14 : 0.09) * semitones); }

}  // namespace

struct PitchShift::State {
  soundtouch::SoundTouch shifter;
};

PitchShift::PitchShift(int channels, int rate, double semitones)
    : channels_(std::size_t(channels)), rate_(rate), state_(std::make_unique<State>()) {
  soundtouch::SoundTouch& shifter = state_->shifter;
  shifter.setChannels(unsigned(channels));
  shifter.setSampleRate(unsigned(rate));
  shifter.setSetting(SETTING_SEQUENCE_MS, sequence_ms);
  shifter.setSetting(SETTING_SEEKWINDOW_MS, seek_ms);
  shifter.setSetting(SETTING_OVERLAP_MS, overlap_ms);
  shifter.setPitchSemiTones(semitones);
  const std::int64_t late = std::llround(mean_delay_s(semitones) * rate);
  drop_ = std::size_t(std::max<std::int64_t>(0, late));
  ready_.resize(std::size_t(std::max<std::int64_t>(0, -late)) * channels_);
}

PitchShift::~PitchShift() = default;

/// Gives SoundTouch whole pieces and takes what it has made.
void PitchShift::feed() {
  std::size_t from = 0;
  for (; waiting_.size() - from >= fed_frames * channels_; from += fed_frames * channels_)
    state_->shifter.putSamples(waiting_.data() + from, fed_frames);
  waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(from));
  while (const std::size_t there = state_->shifter.numSamples()) {
    const std::size_t before = ready_.size();
    ready_.resize(before + there * channels_);
    state_->shifter.receiveSamples(ready_.data() + before, unsigned(there));
  }
  const std::size_t late = std::min(drop_, ready_.size() / channels_);
  drop_ -= late;
  ready_.erase(ready_.begin(), ready_.begin() + std::ptrdiff_t(late * channels_));
}

AudioBuffer PitchShift::take(std::size_t frames) {
  AudioBuffer out(rate_, channels_, frames);
  deinterleave(ready_.data(), frames, out);
  ready_.erase(ready_.begin(), ready_.begin() + std::ptrdiff_t(frames * channels_));
  frames_left_ -= frames;
  return out;
}

AudioBuffer PitchShift::push(const AudioBuffer& audio) {
  std::vector<float> interleaved;
  interleave(audio, 0, audio.frames(), interleaved);
  waiting_.insert(waiting_.end(), interleaved.begin(), interleaved.end());
  frames_left_ += audio.frames();
  feed();
  return take(std::min(frames_left_, ready_.size() / channels_));
}

AudioBuffer PitchShift::finish() {
  while (ready_.size() < frames_left_ * channels_) {
    waiting_.resize(waiting_.size() + fed_frames * channels_);
    feed();
  }
  return take(frames_left_);
}

}  // namespace voxconv
