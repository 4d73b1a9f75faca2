#include "f0_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "picture.h"

namespace voxconv::cli {
namespace {

constexpr int width = 1400, height = 600;

/// Position on the scale of semitones, MIDI's numbers: 69 is A4, 440 Hz.
double note_of(double hz) { return 69 + 12 * std::log2(hz / 440); }

class Plot {
 public:
  static constexpr double left = 70, right = 20, top = 40, bottom = 45;  ///< margins

  Plot(double seconds, double low, double high) : seconds_(seconds), low_(low), high_(high) {}

  void grid() {
    static constexpr const char* names[] = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};
    const int step = high_ - low_ > 30 ? 12 : high_ - low_ > 14 ? 3 : 1;
    for (int note = int(std::ceil(low_)); note <= high_; ++note) {
      if (note % step != 0) continue;
      picture_.line(left, y(note), width - right, y(note));
      picture_.text(12, y(note) + 4, fmt::format("{}{}", names[note % 12], note / 12 - 1));
    }
    for (double step_s = round_step(seconds_), t = 0; t <= seconds_ + 1e-9; t += step_s) {
      picture_.line(x(t), top, x(t), height - bottom);
      picture_.text(x(t) - 8, height - bottom + 18, fmt::format("{:.6g}", t));
    }
    picture_.text(width / 2.0, height - 8, "s");
  }

  void dot(double seconds, double note) {
    cairo_set_source_rgb(picture_.cr(), 0.1, 0.3, 0.75);
    cairo_arc(picture_.cr(), x(seconds), y(note), 1.6, 0, 2 * M_PI);
    cairo_fill(picture_.cr());
  }

  Picture& picture() { return picture_; }

 private:
  double x(double seconds) const { return left + (width - left - right) * seconds / seconds_; }
  double y(double note) const { return height - bottom - (height - top - bottom) * (note - low_) / (high_ - low_); }

  Picture picture_{width, height};
  double seconds_, low_, high_;
};

}  // namespace

std::string plot_f0(const F0Track& track, const std::string& title) {
  double low = 1e9, high = 0;
  for (const float hz : track.hz) {
    if (hz <= 0) continue;
    low = std::min(low, double(hz));
    high = std::max(high, double(hz));
  }
  if (high == 0) low = 110, high = 440;  // nothing voiced: an empty plot over a usual range
  const double seconds = std::max(double(track.hz.size()) / track.frame_rate, 0.01);
  Plot plot(seconds, std::floor(note_of(low)) - 1, std::ceil(note_of(high)) + 1);
  plot.grid();
  plot.picture().text(Plot::left, 25, title);
  for (std::size_t t = 0; t < track.hz.size(); ++t)
    if (track.hz[t] > 0) plot.dot(double(t) / track.frame_rate, note_of(track.hz[t]));
  return plot.picture().png();
}

}  // namespace voxconv::cli
