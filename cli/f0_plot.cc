#include "f0_plot.h"

#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "voxconv/error.h"

namespace voxconv::cli {
namespace {

constexpr int width = 1400, height = 600;
constexpr double left = 70, right = 20, top = 40, bottom = 45;

/// Position on the scale of semitones, MIDI's numbers: 69 is A4, 440 Hz.
double note_of(double hz) { return 69 + 12 * std::log2(hz / 440); }

/// 1, 2 or 5 times a power of ten, so that about ten steps fill `span`.
double round_step(double span) {
  const double raw = std::max(span / 10, 0.01), power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

class Plot {
 public:
  Plot(double seconds, double low, double high) : seconds_(seconds), low_(low), high_(high) {
    cairo_set_source_rgb(cr(), 1, 1, 1);
    cairo_paint(cr());
    cairo_select_font_face(cr(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr(), 13);
  }

  void grid() {
    static constexpr const char* names[] = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};
    const int step = high_ - low_ > 30 ? 12 : high_ - low_ > 14 ? 3 : 1;
    for (int note = int(std::ceil(low_)); note <= high_; ++note) {
      if (note % step != 0) continue;
      line(left, y(note), width - right, y(note));
      text(12, y(note) + 4, fmt::format("{}{}", names[note % 12], note / 12 - 1));
    }
    for (double step_s = round_step(seconds_), t = 0; t <= seconds_ + 1e-9; t += step_s) {
      line(x(t), top, x(t), height - bottom);
      text(x(t) - 8, height - bottom + 18, fmt::format("{:.6g}", t));
    }
    text(width / 2.0, height - 8, "s");
  }

  void text(double at_x, double at_y, const std::string& what) {
    cairo_set_source_rgb(cr(), 0.2, 0.2, 0.2);
    cairo_move_to(cr(), at_x, at_y);
    cairo_show_text(cr(), what.c_str());
  }

  void dot(double seconds, double note) {
    cairo_set_source_rgb(cr(), 0.1, 0.3, 0.75);
    cairo_arc(cr(), x(seconds), y(note), 1.6, 0, 2 * M_PI);
    cairo_fill(cr());
  }

  std::string png() {
    std::string bytes;
    if (cairo_surface_write_to_png_stream(surface_.get(), append, &bytes) != CAIRO_STATUS_SUCCESS)
      throw Error(ErrorCode::internal, "The plot could not be made.");
    return bytes;
  }

 private:
  cairo_t* cr() { return cr_.get(); }
  double x(double seconds) const { return left + (width - left - right) * seconds / seconds_; }
  double y(double note) const { return height - bottom - (height - top - bottom) * (note - low_) / (high_ - low_); }

  void line(double x0, double y0, double x1, double y1) {
    cairo_set_source_rgb(cr(), 0.87, 0.87, 0.87);
    cairo_set_line_width(cr(), 1);
    cairo_move_to(cr(), x0, y0);
    cairo_line_to(cr(), x1, y1);
    cairo_stroke(cr());
  }

  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface_{cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height),
                                                                              cairo_surface_destroy};
  std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr_{cairo_create(surface_.get()), cairo_destroy};
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
  plot.text(left, 25, title);
  for (std::size_t t = 0; t < track.hz.size(); ++t)
    if (track.hz[t] > 0) plot.dot(double(t) / track.frame_rate, note_of(track.hz[t]));
  return plot.png();
}

}  // namespace voxconv::cli
