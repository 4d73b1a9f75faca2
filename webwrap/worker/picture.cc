#include "worker/picture.h"

#include <cairo.h>
#include <fmt/format.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace webwrap {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t max_pixels = 40'000'000;
constexpr int max_side = 32'767;  // cairo's

template <auto release>
struct FreeFfmpegObject {
  template <class T>
  void operator()(T* object) const {
    release(&object);
  }
};
using Codec = std::unique_ptr<AVCodecContext, FreeFfmpegObject<avcodec_free_context>>;
using Frame = std::unique_ptr<AVFrame, FreeFfmpegObject<av_frame_free>>;
using Packet = std::unique_ptr<AVPacket, FreeFfmpegObject<av_packet_free>>;
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

void check_ffmpeg(int result, const char* what) {
  if (result == AVERROR(ENOMEM)) throw std::bad_alloc();
  if (result < 0) throw std::runtime_error(fmt::format("FFmpeg: {} failed.", what));
}

Codec new_codec(const AVCodec* codec) {
  Codec context(avcodec_alloc_context3(codec));
  if (!codec || !context) throw std::runtime_error("FFmpeg lacks a decoder or encoder of pictures.");
  context->thread_count = 1;
  return context;
}

/// Gives a frame memory for its pixels: zeros, so that nothing of others is seen where a decoder leaves out some, in rows long enough for
/// whole vectors of the processor. Not FFmpeg's own memory, of which a worker lets it have 128 MiB at once (voxconv::prepare_process()):
/// a picture may need more, and what it may need is bounded by max_pixels.
int take_memory(AVCodecContext* context, AVFrame* frame) {
  constexpr int alignment = 64;
  const auto format = static_cast<AVPixelFormat>(frame->format);
  int width = frame->width, height = frame->height;
  if (context) avcodec_align_dimensions(context, &width, &height);
  const int size = av_image_get_buffer_size(format, width, height, alignment);
  if (size < 0) return size;
  std::size_t space = std::size_t(size) + 2 * alignment;
  void* const memory = std::calloc(space, 1);
  void* aligned = memory;
  if (!memory || !std::align(alignment, std::size_t(size), aligned, space)) return AVERROR(ENOMEM);
  const auto release = [](void* owned, std::uint8_t*) { std::free(owned); };
  frame->buf[0] = av_buffer_create(static_cast<std::uint8_t*>(aligned), std::size_t(size), release, memory, 0);
  if (!frame->buf[0]) {
    std::free(memory);
    return AVERROR(ENOMEM);
  }
  frame->extended_data = frame->data;
  return std::min(0, av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, format, width, height, alignment));
}

Frame new_frame(int width, int height, AVPixelFormat format) {
  Frame frame(av_frame_alloc());
  if (!frame) throw std::bad_alloc();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  check_ffmpeg(take_memory(nullptr, frame.get()), "memory for a picture");
  return frame;
}

/// What a decoder of ours has with it.
struct Decoding {
  int least;
  std::string refusal;  ///< why it was stopped, for the picture's owner; empty: it was not
};

std::string refusal_of(const AVCodecContext& context, const AVFrame& frame, int least) {
  if (context.codec_id == AV_CODEC_ID_MJPEG && av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format))->nb_components == 4)
    return "This picture is in colours for print (CMYK); save it in RGB, as shops for music want it.";
  if (std::int64_t{frame.width} * frame.height > max_pixels || std::max(frame.width, frame.height) > max_side)
    return fmt::format(
        "This picture has {} x {} pixels, which is too large: it may have {} million at most, and {} on a side; 3000 x 3000 are enough.",
        frame.width, frame.height, max_pixels / 1'000'000, max_side);
  if (std::min(frame.width, frame.height) < least)
    return fmt::format("This picture has {} x {} pixels, which is too small: it needs at least {} on each side.", frame.width, frame.height,
                       least);
  return "";
}

int take_memory_if_allowed(AVCodecContext* context, AVFrame* frame, int /*flags*/) {
  auto& decoding = *static_cast<Decoding*>(context->opaque);
  decoding.refusal = refusal_of(*context, *frame, decoding.least);
  return decoding.refusal.empty() ? take_memory(context, frame) : AVERROR(EINVAL);
}

struct Format {
  const char* decoder;
  std::string_view exif;    ///< what stands before its EXIF data
  std::size_t between = 0;  ///< that many bytes lie between them
};

Format format_of(const std::string& bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return {"mjpeg", "Exif\0\0"sv};
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return {"png", "eXIf"};
  if (bytes.size() > 20 && bytes.starts_with("RIFF") && bytes.compare(8, 4, "WEBP") == 0) {
    if (bytes.compare(12, 4, "VP8X") == 0 && (bytes[20] & 2))
      throw PictureRefused("This picture moves; use one that stands still, as a JPEG, PNG or WebP.");
    return {"webp", "EXIF", 4};
  }
  throw PictureRefused("This file is no picture in a format known here: use a JPEG, PNG or WebP.");
}

/// EXIF's, 1 to 8; 1 (as it is) where the first EXIF data of a picture say nothing, or are damaged. FFmpeg 5 does not know them in a png.
int orientation_of(std::string_view bytes, const Format& format) {
  constexpr std::uint32_t orientation = 0x0112, max_entries = 100;
  constexpr std::size_t entry_size = 12;
  const std::size_t found = bytes.find(format.exif);
  if (found == bytes.npos) return 1;
  bytes.remove_prefix(std::min(bytes.size(), found + format.exif.size() + format.between));
  if (bytes.starts_with("Exif\0\0"sv)) bytes.remove_prefix(6);  // some write it in a webp, too
  const bool little_endian = bytes.starts_with("II");
  if (!little_endian && !bytes.starts_with("MM")) return 1;
  const auto number = [&](std::size_t at, std::size_t size) {  // 0 past the end
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size && at + size <= bytes.size(); ++i)
      value = value << 8 | static_cast<unsigned char>(bytes[little_endian ? at + size - 1 - i : at + i]);
    return value;
  };
  const std::size_t entries = number(4, 4), count = std::min(number(entries, 2), max_entries);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = entries + 2 + i * entry_size;
    const std::uint32_t value = number(at + 8, 2);
    if (number(at, 2) == orientation) return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Frame decode_frame(const std::string& bytes, const char* decoder, int least) {
  const AVCodec* codec = avcodec_find_decoder_by_name(decoder);
  const Codec context = new_codec(codec);
  Decoding decoding{least, ""};
  context->opaque = &decoding;
  context->get_buffer2 = take_memory_if_allowed;
  context->thread_count = 1;
  context->thread_type = 0;
  context->err_recognition = AV_EF_EXPLODE | AV_EF_CRCCHECK;
  check_ffmpeg(avcodec_open2(context.get(), codec, nullptr), "opening a decoder");
  const Packet packet(av_packet_alloc());
  Frame frame(av_frame_alloc());
  if (!packet || !frame || av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet->data, bytes.data(), bytes.size());
  int result = avcodec_send_packet(context.get(), packet.get());
  if (result >= 0) {
    avcodec_send_packet(context.get(), nullptr);
    result = avcodec_receive_frame(context.get(), frame.get());
  }
  if (!decoding.refusal.empty()) throw PictureRefused(decoding.refusal);
  if (result < 0 || frame->decode_error_flags != 0) throw PictureRefused(unreadable_picture);
  return frame;
}

Frame in_format(const AVFrame& frame, AVPixelFormat format) {
  const std::unique_ptr<SwsContext, FreeScaler> converter(
      sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), frame.width, frame.height, format,
                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, nullptr, nullptr, nullptr));
  if (!converter) throw PictureRefused("This picture has colours of a kind that is not known here: save it as a plain JPEG or PNG.");
  Frame converted = new_frame(frame.width, frame.height, format);
  check_ffmpeg(sws_scale(converter.get(), frame.data, frame.linesize, 0, frame.height, converted->data, converted->linesize),
               "changing colours");
  return converted;
}

/// Cameras write pictures as their sensor lies; `orientation` is EXIF's: which side of what was written is the upper one, which the left.
Pixels upright_and_opaque(const AVFrame& bgra, int orientation) {
  const bool sideways = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Pixels pixels;
  pixels.width = sideways ? bgra.height : bgra.width;
  pixels.height = sideways ? bgra.width : bgra.height;
  pixels.bytes.resize(pixels.stride() * std::size_t(pixels.height));
  std::uint8_t* to = pixels.bytes.data();
  for (int y = 0; y < pixels.height; ++y)
    for (int x = 0; x < pixels.width; ++x, to += 4) {
      const int column = sideways ? y : x, row = sideways ? x : y;
      const std::uint8_t* from = bgra.data[0] + std::ptrdiff_t(from_below ? bgra.height - 1 - row : row) * bgra.linesize[0] +
                                 std::ptrdiff_t(from_right ? bgra.width - 1 - column : column) * 4;
      const unsigned alpha = from[3];
      for (int colour = 0; colour < 3; ++colour) to[colour] = std::uint8_t((from[colour] * alpha + 255 * (255 - alpha) + 127) / 255);
      to[3] = 255;
    }
  return pixels;
}

}  // namespace

Pixels decode_picture(const std::string& bytes, int least) {
  const Format format = format_of(bytes);
  Frame frame = decode_frame(bytes, format.decoder, least);
  frame = in_format(*frame, AV_PIX_FMT_BGRA);
  return upright_and_opaque(*frame, orientation_of(bytes, format));
}

std::string encode_jpeg(const Pixels& pixels, int coarseness) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  const Codec context = new_codec(codec);
  context->width = pixels.width;
  context->height = pixels.height;
  context->pix_fmt = AV_PIX_FMT_YUVJ444P;
  context->color_range = AVCOL_RANGE_JPEG;
  context->sample_aspect_ratio = {1, 1};  // makes it write JFIF's header
  context->time_base = {1, 1};
  context->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  context->qmin = 1;
  context->global_quality = coarseness * FF_QP2LAMBDA;
  check_ffmpeg(avcodec_open2(context.get(), codec, nullptr), "opening the encoder");
  Frame frame = new_frame(pixels.width, pixels.height, AV_PIX_FMT_BGR0);
  for (int y = 0; y < pixels.height; ++y)
    std::memcpy(frame->data[0] + std::ptrdiff_t(y) * frame->linesize[0], &pixels.bytes[std::size_t(y) * pixels.stride()], pixels.stride());
  frame = in_format(*frame, context->pix_fmt);
  frame->quality = context->global_quality;
  frame->pts = 0;
  const Packet packet(av_packet_alloc());
  if (!packet) throw std::bad_alloc();
  check_ffmpeg(avcodec_send_frame(context.get(), frame.get()), "encoding a picture");
  check_ffmpeg(avcodec_receive_packet(context.get(), packet.get()), "encoding a picture");
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
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
