#pragma once
#include <cairo.h>

#include <memory>
#include <string>

namespace voxconv::cli {

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

/// 1, 2 or 5 times a power of ten, so that about `steps` of them fill `span`.
double round_step(double span, double steps = 10);

}  // namespace voxconv::cli
