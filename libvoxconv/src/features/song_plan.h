#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/torch.h"

namespace voxconv {

class F0Estimator;

/// How a stage wants its input cut. In units of the stage's input: frames of the 100 Hz clock, or samples.
struct WindowSpec {
  std::int64_t hop = 0;               ///< units that a window gives, > 0
  std::int64_t left = 0, right = 0;   ///< context: units before and after those that the result depends on, as far as the input has them
  std::vector<std::int64_t> first{};  ///< units that the first windows give instead of `hop`
  std::int64_t batch = 1;             ///< windows of one length that are computed in one call
  /// What becomes of the end: a window behind whose context the input ends gives all that is left (true), or the rest is cut by `hop` too.
  bool last_takes_rest = false;
};

/// One window: it gives the units [begin, end) and is computed from the units [from, to).
struct Window {
  std::int64_t begin = 0, end = 0, from = 0, to = 0;
  bool last = false;  ///< nothing is left behind `end`
};

/// The windows of one song, one after another. Their places, and which of them are computed together, follow from the specification and the
/// length of the song alone, so a result does not depend on the pieces in which the input comes. One per stream.
class WindowSequence {
 public:
  explicit WindowSequence(WindowSpec spec) : spec_(std::move(spec)) {}

  /// The windows to compute next, a whole batch of them, where the first `available` units of the input are there and it goes on behind
  /// them; none: more input is needed.
  std::vector<Window> next(std::int64_t available);
  /// The same once the input has ended after `total` units; those before `available` (normally `total`) can be the context of windows that
  /// are not the last. None: that was all.
  std::vector<Window> rest(std::int64_t available, std::int64_t total);

  std::int64_t needed_from() const { return window(index_).from; }  ///< units of the input before this one are not needed any more

 private:
  Window window(std::int64_t index) const;
  std::int64_t batch_at(std::int64_t index) const;
  std::vector<Window> take(std::int64_t count);

  WindowSpec spec_;
  std::int64_t index_ = 0;  ///< of the next window
  bool ended_ = false;
};

/// The part of a growing signal that is still needed, addressed by absolute positions.
class SignalBuffer {
 public:
  void append(std::span<const float> samples) { kept_.insert(kept_.end(), samples.begin(), samples.end()); }
  std::int64_t end() const { return start_ + std::int64_t(kept_.size()); }
  /// Samples [begin, end), which must be there: a view, valid until the next change of the buffer.
  torch::Tensor view(std::int64_t begin, std::int64_t end) { return torch::from_blob(kept_.data() + (begin - start_), {end - begin}); }
  void drop_before(std::int64_t position);

 private:
  std::vector<float> kept_;
  std::int64_t start_ = 0;
};

/// How a voice model cuts the frames that it is given.
struct VoiceWindows {
  WindowSpec windows;       ///< of its first stage; a hop of 0: it takes frames as they come
  std::int64_t behind = 0;  ///< frames behind a window's last one that must have gone through that stage, too: context of the later stages
};

/// How a song is cut, for everything that takes features from one: conversion, f0, key choice, evaluation, measurement, training. It
/// follows from what the stages declare and from the device alone. Windows are in frames of the 100 Hz clock.
struct SongPlan {
  double read_s = 0;              ///< seconds of the source that are read at a time; changes nothing of the result
  WindowSpec pitch;               ///< of the f0 estimator; the same whatever else is taken from the song
  WindowSpec content;             ///< of the content encoder, and of the loudness beside it
  std::int64_t content_fade = 0;  ///< frames either side of a border over which the content passes from one window's to the next one's
  VoiceWindows voice;             ///< of the voice model, as it declares them
  std::int64_t after_voice = 0;   ///< frames behind one that what is done to the voice's samples waits for

  /// Frames of a source at `rate` that are read at a time, at least 1.
  std::size_t read_frames(int rate) const;
  /// So many frames of 16 kHz audio behind a frame are enough to have its features.
  std::int64_t feature_lookahead_frames() const;
  /// So many frames of the source behind a frame are enough to have its samples in the result: the delay of the whole line, but for what
  /// ConvertOptions may put around it (denoise, profile "head").
  std::int64_t lookahead_frames() const;
};

/// The plan for a song from which the pitch is taken by `f0` (null: not at all). `read_s`: 0 lets the plan choose, as much as a batch of
/// windows takes. `voice`: what the voice model declares; none: no voice is synthesized.
SongPlan plan_song(const F0Estimator* f0, torch::Device device, double read_s = 0, VoiceWindows voice = {});

}  // namespace voxconv
