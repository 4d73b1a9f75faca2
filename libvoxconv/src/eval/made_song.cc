#include "eval/made_song.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace voxconv::eval {
namespace {

constexpr int rate = 44100;
constexpr double note_s = 0.6, consonant_s = 0.08, fade_s = 0.04;
constexpr int notes_of_a_phrase = 8;                                              // the last of them is the pause
constexpr std::array<int, notes_of_a_phrase> melody = {0, 4, 7, 12, 7, 5, 2, 0};  // semitones
constexpr double tonic_hz = 196;

}  // namespace

MadeSong::MadeSong(double seconds) {
  info_.rate = rate;
  info_.channels = 1;
  info_.frames = std::int64_t(std::llround(seconds * rate));
  info_.container = info_.codec = "made";
  const std::array<std::array<double, 3>, 3> vowel = {{{700, 90, 1}, {1200, 110, 0.5}, {2600, 160, 0.25}}};  // Hz, width, level
  for (std::size_t i = 0; i < vowel.size(); ++i) {
    const double radius = std::exp(-std::numbers::pi * vowel[i][1] / rate), angle = 2 * std::numbers::pi * vowel[i][0] / rate;
    formants_[i] = {2 * radius * std::cos(angle), -radius * radius, vowel[i][2] * (1 - radius) * 4};
  }
}

float MadeSong::next() {
  const double t = double(position_++) / rate;
  const auto note = std::int64_t(t / note_s);
  const double in_note = t - double(note) * note_s;
  const auto step = std::size_t(note % notes_of_a_phrase);
  noise_ = noise_ * 1664525u + 1013904223u;
  const double noise = double(noise_ >> 8) / double(1 << 23) - 1;
  if (step + 1 == notes_of_a_phrase) return float(1e-4 * noise);
  const double fade = std::clamp(std::min(in_note, note_s - in_note) / fade_s, 0.0, 1.0);
  if (in_note < consonant_s) return float(0.1 * fade * noise);
  const double vibrato = 0.3 * std::sin(2 * std::numbers::pi * 5.5 * t);
  phase_ += tonic_hz * std::exp2((melody[step] + vibrato) / 12) / rate;
  phase_ -= std::floor(phase_);
  const double source = 1 - 2 * phase_ + 0.01 * noise;
  double sound = 0;
  for (Formant& f : formants_) {
    const double y = f.gain * source + f.a1 * f.y1 + f.a2 * f.y2;
    f.y2 = f.y1;
    f.y1 = y;
    sound += y;
  }
  return float(std::clamp(0.25 * fade * sound, -0.95, 0.95));
}

bool MadeSong::read(AudioBuffer& out, std::size_t max_frames) {
  const auto count = std::size_t(std::min<std::int64_t>(std::int64_t(max_frames), info_.frames - position_));
  out = AudioBuffer(rate, 1, count);
  for (float& sample : out.channels[0]) sample = next();
  return count > 0;
}

}  // namespace voxconv::eval
