#include "worker/video_painter.h"

#include <fmt/format.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

namespace webwrap {
namespace {

struct Colour {
  double r, g, b;
};
/// Those of the app's dark scheme (ui/css/base.css).
namespace colours {
constexpr Colour paper{0.098, 0.059, 0.106}, ink{0.976, 0.929, 0.894}, wet{1.0, 0.514, 0.384}, dry{0.353, 0.247, 0.620},
    sun{0.957, 0.663, 0.188};
}  // namespace colours

void set(cairo_t* cairo, const Colour& c, double alpha = 1) { cairo_set_source_rgba(cairo, c.r, c.g, c.b, alpha); }

void round_box(cairo_t* cairo, double x, double y, double width, double height, double radius) {
  using std::numbers::pi;
  radius = std::min({radius, width / 2, height / 2});
  cairo_new_sub_path(cairo);
  cairo_arc(cairo, x + width - radius, y + radius, radius, -pi / 2, 0);
  cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, pi / 2);
  cairo_arc(cairo, x + radius, y + height - radius, radius, pi / 2, pi);
  cairo_arc(cairo, x + radius, y + radius, radius, pi, 3 * pi / 2);
  cairo_close_path(cairo);
}

struct DrawingRelease {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  void operator()(PangoLayout* layout) const { g_object_unref(layout); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
};
using Surface = std::unique_ptr<cairo_surface_t, DrawingRelease>;
using Cairo = std::unique_ptr<cairo_t, DrawingRelease>;
using Layout = std::unique_ptr<PangoLayout, DrawingRelease>;

Surface surface_of(const Pixels& pixels) {
  return Surface(cairo_image_surface_create_for_data(const_cast<unsigned char*>(pixels.bytes.data()), CAIRO_FORMAT_RGB24, pixels.width,
                                                     pixels.height, int(pixels.stride())));
}

struct TextStyle {
  double size = 40;
  bool bold = false;
  int lines = 1;  ///< the rest is cut off with an ellipsis
};

/// Text laid out in a width; plain text, never markup. Directions of writing and characters that one font lacks are Pango's work.
Layout lay_out(cairo_t* cairo, const std::string& text, const TextStyle& style, double width) {
  Layout layout(pango_cairo_create_layout(cairo));
  const std::unique_ptr<PangoFontDescription, DrawingRelease> font(pango_font_description_new());
  pango_font_description_set_family_static(font.get(), "sans");
  pango_font_description_set_weight(font.get(), style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size(font.get(), style.size * PANGO_SCALE);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_width(layout.get(), int(width * PANGO_SCALE));
  pango_layout_set_height(layout.get(), -style.lines);
  pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  pango_layout_set_alignment(layout.get(), PANGO_ALIGN_CENTER);
  pango_layout_set_single_paragraph_mode(layout.get(), true);
  pango_layout_set_text(layout.get(), text.data(), int(text.size()));
  return layout;
}

double height_of(const Layout& layout) {
  int width = 0, height = 0;
  pango_layout_get_pixel_size(layout.get(), &width, &height);
  return height;
}

double width_of(const Layout& layout) {
  int width = 0, height = 0;
  pango_layout_get_pixel_size(layout.get(), &width, &height);
  return width;
}

void show(cairo_t* cairo, const Layout& layout, double x, double y) {
  cairo_move_to(cairo, x, y);
  pango_cairo_show_layout(cairo, layout.get());
}

}  // namespace

struct VideoPainter::Canvas {
  explicit Canvas(VideoScene wanted)
      : scene(std::move(wanted)),
        background(cairo_image_surface_create(CAIRO_FORMAT_RGB24, scene.width, scene.height)),
        picture(cairo_image_surface_create(CAIRO_FORMAT_RGB24, scene.width, scene.height)),
        cairo(cairo_create(picture.get())) {
    const Cairo painting(cairo_create(background.get()));
    paint_backdrop(painting.get());
    place_parts(painting.get());
    cairo_set_source_surface(cairo.get(), background.get(), 0, 0);
    cairo_paint(cairo.get());
    check();
  }

  void check() const {
    if (const cairo_status_t status = cairo_status(cairo.get()); status != CAIRO_STATUS_SUCCESS)
      throw std::runtime_error(fmt::format("A picture of a video cannot be drawn: {}.", cairo_status_to_string(status)));
  }

  /// The cover, out of focus and dark; without one a glow in the app's colours.
  void paint_backdrop(cairo_t* to) const {
    const double w = scene.width, h = scene.height;
    set(to, colours::paper);
    cairo_paint(to);
    if (scene.cover) {
      // Made tiny and large again by straight lines between its pixels: a cheap and wide blur.
      const Pixels tiny = square_of(*scene.cover, 24);
      const Surface source = surface_of(tiny);
      const double side = std::max(w, h) * 1.1;
      cairo_save(to);
      cairo_translate(to, (w - side) / 2, (h - side) / 2);
      cairo_scale(to, side / tiny.width, side / tiny.height);
      cairo_set_source_surface(to, source.get(), 0, 0);
      cairo_pattern_set_filter(cairo_get_source(to), CAIRO_FILTER_BILINEAR);
      cairo_pattern_set_extend(cairo_get_source(to), CAIRO_EXTEND_PAD);
      cairo_paint(to);
      cairo_restore(to);
      set(to, colours::paper, 0.72);
      cairo_paint(to);
      return;
    }
    const auto glow = [&](double x, double y, double radius, const Colour& c, double alpha) {
      cairo_pattern_t* pattern = cairo_pattern_create_radial(x, y, 0, x, y, radius);
      cairo_pattern_add_color_stop_rgba(pattern, 0, c.r, c.g, c.b, alpha);
      cairo_pattern_add_color_stop_rgba(pattern, 1, c.r, c.g, c.b, 0);
      cairo_set_source(to, pattern);
      cairo_paint(to);
      cairo_pattern_destroy(pattern);
    };
    glow(w * 0.15, h * 0.12, w * 0.95, colours::dry, 0.75);
    glow(w * 0.95, h * 0.45, w * 0.85, colours::wet, 0.42);
    glow(w * 0.2, h * 0.95, w * 0.9, colours::sun, 0.28);
  }

  /// Cover, texts and the place of the waveform, one below the other in the middle; feeds of phones lay their buttons over the edges.
  void place_parts(cairo_t* to) {
    const double w = scene.width, h = scene.height, margin = w * 0.09, inner = w - 2 * margin;
    const bool tall = h > w * 1.2;
    const Layout title = lay_out(to, scene.title, {tall ? 72. : 58., true, tall ? 3 : 2}, inner);
    const Layout voice = lay_out(to, scene.voice, {tall ? 40. : 34., false, 1}, inner);
    const Layout label = lay_out(to, scene.label, {tall ? 36. : 30., true, 1}, inner - 120);
    const Layout footer = lay_out(to, scene.footer, {tall ? 30. : 26., false, 1}, inner);
    wave_height = tall ? 240 : 170;
    const double gap = tall ? 44 : 26, label_height = height_of(label) + (tall ? 36 : 26), footer_height = height_of(footer);
    const double texts = height_of(title) + gap / 2 + height_of(voice) + gap + label_height + gap + wave_height;
    const double edge = tall ? h * 0.1 : 48, room = h - 2 * edge - footer_height - gap - texts - gap;
    const double cover = scene.cover ? std::clamp(room, 120., inner) : 0;
    double y = edge + std::max(0., (room + gap - (cover > 0 ? cover + gap : 0)) / 2);
    if (cover > 0) {
      paint_cover(to, (w - cover) / 2, y, cover);
      y += cover + gap;
    }
    set(to, colours::ink);
    show(to, title, margin, y);
    y += height_of(title) + gap / 2;
    set(to, colours::ink, 0.8);
    show(to, voice, margin, y);
    y += height_of(voice) + gap;
    paint_label(to, label, y, label_height);
    y += label_height + gap;
    wave_top = y;
    set(to, colours::ink, 0.6);
    show(to, footer, margin, h - edge - footer_height);
  }

  void paint_cover(cairo_t* to, double x, double y, double side) const {
    const Pixels small = square_of(*scene.cover, int(side));
    const Surface source = surface_of(small);
    cairo_save(to);
    round_box(to, x, y, side, side, 36);
    cairo_clip(to);
    cairo_translate(to, x, y);
    cairo_scale(to, side / small.width, side / small.height);
    cairo_set_source_surface(to, source.get(), 0, 0);
    cairo_paint(to);
    cairo_restore(to);
  }

  void paint_label(cairo_t* to, const Layout& label, double y, double height) const {
    const double box = width_of(label) + height * 1.1, x = (scene.width - box) / 2;
    round_box(to, x, y, box, height, height / 2);
    set(to, colours::wet);
    cairo_fill(to);
    set(to, colours::paper);
    const double inner = scene.width - 2 * scene.width * 0.09 - 120;
    show(to, label, (scene.width - inner) / 2, y + (height - height_of(label)) / 2);
  }

  double level_at(std::ptrdiff_t index) const {
    return index < 0 || index >= std::ptrdiff_t(scene.levels.size()) ? 0 : std::clamp(scene.levels[std::size_t(index)], 0., 1.);
  }

  void paint_wave(double seconds) {
    cairo_t* to = cairo.get();
    const double w = scene.width, centre = w / 2, pitch = w / 54, bar = pitch * 0.58;
    cairo_save(to);
    cairo_rectangle(to, 0, wave_top - 4, w, wave_height + 8);
    cairo_clip(to);
    cairo_set_source_surface(to, background.get(), 0, 0);
    cairo_paint(to);
    const double at = seconds * VideoScene::levels_per_s;
    const auto first = std::ptrdiff_t(std::floor(at - centre / pitch)) - 1, last = std::ptrdiff_t(std::ceil(at + centre / pitch)) + 1;
    for (std::ptrdiff_t i = first; i <= last; ++i) {
      if (i < 0 || i >= std::ptrdiff_t(scene.levels.size())) continue;
      const double x = centre + (double(i) + 0.5 - at) * pitch, height = std::max(bar, level_at(i) * wave_height);
      const double near_edge = std::clamp(std::min(x, w - x) / (w * 0.12), 0., 1.);
      set(to, double(i) + 0.5 <= at ? colours::wet : colours::ink, (double(i) + 0.5 <= at ? 1 : 0.5) * near_edge);
      round_box(to, x - bar / 2, wave_top + (wave_height - height) / 2, bar, height, bar / 2);
      cairo_fill(to);
    }
    round_box(to, centre - 3, wave_top - 4, 6, wave_height + 8, 3);
    set(to, colours::sun);
    cairo_fill(to);
    cairo_restore(to);
  }

  VideoScene scene;
  Surface background, picture;
  Cairo cairo;
  double wave_top = 0, wave_height = 0;
};

VideoPainter::VideoPainter(VideoScene scene) : canvas_(std::make_unique<Canvas>(std::move(scene))) {}
VideoPainter::~VideoPainter() = default;

const std::uint8_t* VideoPainter::picture_at(double seconds) {
  canvas_->paint_wave(seconds);
  cairo_surface_flush(canvas_->picture.get());
  canvas_->check();
  return cairo_image_surface_get_data(canvas_->picture.get());
}

std::size_t VideoPainter::stride() const { return std::size_t(cairo_image_surface_get_stride(canvas_->picture.get())); }

}  // namespace webwrap
