#include "worker/picture.h"

#include <cairo.h>
#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "worker/job_runner.h"

namespace webwrap {
namespace {

[[noreturn]] void fail_damaged() {
  throw PermanentJobError("This picture cannot be read: it is damaged, or no JPEG or PNG. Save it anew as one of these.");
}

void check_size(std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1) fail_damaged();
  if (width > largest_picture_side || height > largest_picture_side || width * height > largest_picture_pixels)
    throw PermanentJobError(fmt::format("This picture has {} x {} pixels, which is too large; make it 3000 x 3000.", width, height));
}

struct TurboRelease {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Turbo = std::unique_ptr<void, TurboRelease>;

Pixels decode_jpeg(const std::string& bytes) {
  const Turbo decoder(tjInitDecompress());
  if (!decoder) throw std::bad_alloc();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  Pixels pixels;
  int subsampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &pixels.width, &pixels.height, &subsampling, &colours) != 0) fail_damaged();
  check_size(pixels.width, pixels.height);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    throw PermanentJobError("This picture is in colours for print (CMYK); save it in RGB, as shops for music want it.");
  pixels.bytes.resize(pixels.stride() * std::size_t(pixels.height));
  // TJFLAG_LIMITSCANS: a small file of very many scans takes hours else.
  if (tjDecompress2(decoder.get(), data, bytes.size(), pixels.bytes.data(), pixels.width, 0, pixels.height, TJPF_BGRX,
                    TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING) != 0)
    fail_damaged();
  return pixels;
}

Pixels decode_png(const std::string& bytes) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) fail_damaged();
  const std::unique_ptr<png_image, decltype(&png_image_free)> release(&image, png_image_free);
  Pixels pixels;
  check_size(image.width, image.height);
  pixels.width = int(image.width);
  pixels.height = int(image.height);
  image.format = PNG_FORMAT_BGRA;
  pixels.bytes.resize(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, pixels.bytes.data(), 0, nullptr)) fail_damaged();
  for (std::size_t i = 0; i < pixels.bytes.size(); i += 4) {
    const unsigned alpha = pixels.bytes[i + 3];
    for (std::size_t c = 0; c < 3; ++c) pixels.bytes[i + c] = std::uint8_t((pixels.bytes[i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
    pixels.bytes[i + 3] = 255;
  }
  return pixels;
}

}  // namespace

Pixels decode_picture(const std::string& bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return decode_jpeg(bytes);
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(bytes);
  fail_damaged();
}

std::string encode_jpeg(const Pixels& pixels, int quality) {
  const Turbo encoder(tjInitCompress());
  if (!encoder) throw std::bad_alloc();
  unsigned char* made = nullptr;
  unsigned long size = 0;
  const int error = tjCompress2(encoder.get(), pixels.bytes.data(), pixels.width, 0, pixels.height, TJPF_BGRX, &made, &size, TJSAMP_444,
                                quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, decltype(&tjFree)> release(made, tjFree);
  if (error != 0) throw std::runtime_error(fmt::format("A picture cannot be written as JPEG: {}.", tjGetErrorStr2(encoder.get())));
  return {reinterpret_cast<const char*>(made), size};
}

Pixels square_of(const Pixels& source, int side) {
  const int crop = std::min(source.width, source.height);
  Pixels square;
  square.width = square.height = std::min(side, crop);
  square.bytes.resize(square.stride() * std::size_t(square.height));
  using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
  const Surface from(cairo_image_surface_create_for_data(const_cast<unsigned char*>(source.bytes.data()), CAIRO_FORMAT_RGB24, source.width,
                                                         source.height, int(source.stride())),
                     cairo_surface_destroy);
  const Surface to(
      cairo_image_surface_create_for_data(square.bytes.data(), CAIRO_FORMAT_RGB24, square.width, square.height, int(square.stride())),
      cairo_surface_destroy);
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> context(cairo_create(to.get()), cairo_destroy);
  cairo_t* cairo = context.get();
  const double scale = double(square.width) / crop;
  cairo_scale(cairo, scale, scale);
  cairo_set_source_surface(cairo, from.get(), -(source.width - crop) / 2, -(source.height - crop) / 2);
  cairo_pattern_set_filter(cairo_get_source(cairo), scale < 1 ? CAIRO_FILTER_BEST : CAIRO_FILTER_NEAREST);
  cairo_paint(cairo);
  cairo_surface_flush(to.get());
  if (cairo_status(cairo) != CAIRO_STATUS_SUCCESS)
    throw std::runtime_error(fmt::format("A picture cannot be scaled: {}.", cairo_status_to_string(cairo_status(cairo))));
  return square;
}

}  // namespace webwrap
