#include "picture.h"

#include <algorithm>
#include <cmath>
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

}  // namespace

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

double round_step(double span, double steps) {
  const double raw = std::max(span / steps, 0.01), power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

}  // namespace voxconv::cli
