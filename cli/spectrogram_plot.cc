#include "spectrogram_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "picture.h"

namespace voxconv::cli {
namespace {

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
