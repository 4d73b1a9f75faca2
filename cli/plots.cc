#include "plots.h"

#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>

#include "voxconv/error.h"

namespace voxconv::cli {
namespace {

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

/// `text` with U+FFFD for what is no UTF-8, as names of files may have it: cairo would draw nothing more from there on.
std::string as_utf8(const std::string& text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

/// A white picture to draw on, with dark text.
class Picture {
 public:
  Picture(int width, int height);
  cairo_t* cr() { return cr_.get(); }
  void text(double x, double y, const std::string& what);  ///< from (x, y) on its base line
  void line(double x0, double y0, double x1, double y1);   ///< of a grid: thin and grey
  std::string png();                                       ///< the file's bytes; throws Error(internal)

 private:
  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface_;
  std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr_;
};

Picture::Picture(int width, int height)
    : surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height), cairo_surface_destroy),
      cr_(cairo_create(surface_.get()), cairo_destroy) {
  cairo_set_source_rgb(cr(), 1, 1, 1);
  cairo_paint(cr());
  cairo_select_font_face(cr(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr(), 13);
}

void Picture::text(double x, double y, const std::string& what) {
  cairo_set_source_rgb(cr(), 0.2, 0.2, 0.2);
  cairo_move_to(cr(), x, y);
  cairo_show_text(cr(), as_utf8(what).c_str());
}

void Picture::line(double x0, double y0, double x1, double y1) {
  cairo_set_source_rgb(cr(), 0.87, 0.87, 0.87);
  cairo_set_line_width(cr(), 1);
  cairo_move_to(cr(), x0, y0);
  cairo_line_to(cr(), x1, y1);
  cairo_stroke(cr());
}

std::string Picture::png() {
  std::string bytes;
  cairo_status_t status = cairo_status(cr());
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png_stream(surface_.get(), append, &bytes);
  if (status != CAIRO_STATUS_SUCCESS)
    throw Error(ErrorCode::internal, std::string("The plot could not be made: ") + cairo_status_to_string(status) + ".");
  return bytes;
}

/// 1, 2 or 5 times a power of ten, so that about `steps` of them fill `span`.
double round_step(double span, double steps = 10) {
  const double raw = std::max(span / steps, 0.01), power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

/// Position on the scale of semitones, MIDI's numbers: 69 is A4, 440 Hz.
double note_of(double hz) { return 69 + 12 * std::log2(hz / 440); }

class F0Plot {
 public:
  static constexpr double left = 70, right = 20, top = 40, bottom = 45;  ///< margins

  F0Plot(double seconds, double low, double high) : seconds_(seconds), low_(low), high_(high) {}

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
  static constexpr int width = 1400, height = 600;

  double x(double seconds) const { return left + (width - left - right) * seconds / seconds_; }
  double y(double note) const { return height - bottom - (height - top - bottom) * (note - low_) / (high_ - low_); }

  Picture picture_{width, height};
  double seconds_, low_, high_;
};

// Spectrograms.

constexpr int panel_width = 560, panel_height = 512;
constexpr double left = 45, right = 20, top = 35, bottom = 45;
constexpr double range_db = 85;

/// From black over violet and orange to white: `level` in [0, 1] as a pixel.
std::uint32_t colour(double level) {
  static constexpr double stops[][3] = {{0, 0, 0}, {70, 15, 110}, {180, 50, 90}, {250, 140, 40}, {255, 250, 220}};
  constexpr int last = int(std::size(stops)) - 1;
  const double place = std::clamp(level, 0.0, 1.0) * last;
  const int stop = std::min(int(place), last - 1);
  std::uint32_t pixel = 0;
  for (int c = 0; c < 3; ++c) {
    const double value = stops[stop][c] + (stops[stop + 1][c] - stops[stop][c]) * (place - stop);
    pixel = pixel << 8 | std::uint32_t(std::lround(value));
  }
  return pixel;
}

void draw_levels(Picture& picture, const Spectrogram& sound, double x, double y) {
  const double loudest = *std::max_element(sound.db.begin(), sound.db.end());
  const int columns = int(sound.columns), rows = int(sound.rows);
  const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> image(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns, rows), cairo_surface_destroy);
  cairo_surface_flush(image.get());
  unsigned char* pixels = cairo_image_surface_get_data(image.get());
  for (int row = 0; row < rows; ++row) {
    auto* line = reinterpret_cast<std::uint32_t*>(pixels + std::ptrdiff_t(rows - 1 - row) * cairo_image_surface_get_stride(image.get()));
    for (int column = 0; column < columns; ++column)
      line[column] = colour(1 + (sound.db[std::size_t(row) * sound.columns + std::size_t(column)] - loudest) / range_db);
  }
  cairo_surface_mark_dirty(image.get());
  cairo_save(picture.cr());
  cairo_translate(picture.cr(), x, y);
  cairo_scale(picture.cr(), double(panel_width) / columns, double(panel_height) / rows);
  cairo_set_source_surface(picture.cr(), image.get(), 0, 0);
  cairo_pattern_set_extend(cairo_get_source(picture.cr()), CAIRO_EXTEND_PAD);
  cairo_rectangle(picture.cr(), 0, 0, columns, rows);
  cairo_fill(picture.cr());
  cairo_restore(picture.cr());
}

void draw_axes(Picture& picture, const Spectrogram& sound, double x) {
  for (double step = round_step(sound.top_hz / 1000, 11), khz = 0; khz <= sound.top_hz / 1000; khz += step) {
    const double y = top + panel_height * (1 - khz * 1000 / sound.top_hz);
    picture.line(x - 5, y, x, y);
    picture.text(x - 25, y + 4, fmt::format("{:.3g}", khz));
  }
  picture.text(x - 40, top - 10, "kHz");
  for (double step = round_step(sound.seconds, 8), t = 0; t <= sound.seconds; t += step) {
    const double place = x + panel_width * t / sound.seconds;
    picture.line(place, top + panel_height, place, top + panel_height + 5);
    picture.text(place - 6, top + panel_height + 19, fmt::format("{:.6g}", t));
  }
  picture.text(x + panel_width / 2.0, top + panel_height + 36, "s");
}

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
  F0Plot plot(seconds, std::floor(note_of(low)) - 1, std::ceil(note_of(high)) + 1);
  plot.grid();
  plot.picture().text(F0Plot::left, 25, title);
  for (std::size_t t = 0; t < track.hz.size(); ++t)
    if (track.hz[t] > 0) plot.dot(double(t) / track.frame_rate, note_of(track.hz[t]));
  return plot.picture().png();
}

std::string plot_spectrograms(const std::vector<Spectrogram>& spectrograms) {
  constexpr double step = left + panel_width + right;
  Picture picture(int(step * double(spectrograms.size())), int(top + panel_height + bottom));
  for (std::size_t i = 0; i < spectrograms.size(); ++i) {
    const double x = step * double(i) + left;
    if (!spectrograms[i].db.empty()) {
      draw_levels(picture, spectrograms[i], x, top);
      draw_axes(picture, spectrograms[i], x);
    }
    cairo_save(picture.cr());
    cairo_rectangle(picture.cr(), x, 0, panel_width, top);
    cairo_clip(picture.cr());
    picture.text(x, top - 10, spectrograms[i].title);
    cairo_restore(picture.cr());
  }
  return picture.png();
}

}  // namespace voxconv::cli
