#include "worker/artist_picture.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "worker/audio_runner.h"

namespace webwrap {
namespace {

constexpr std::int64_t max_pixels = 40'000'000;
constexpr int min_side = 64, large_side = 1024, small_side = 256;

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

/// Three or four bytes for each pixel, row by row.
struct SquarePixels {
  int side = 0, channels = 4;
  std::vector<std::uint8_t> bytes;
};

[[noreturn]] void fail_picture(const char* why) { throw PermanentJobError(why); }

void check_ffmpeg(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string("FFmpeg: ") + what + " failed.");
}

AVCodecID codec_of(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return AV_CODEC_ID_MJPEG;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return AV_CODEC_ID_PNG;
  if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return AV_CODEC_ID_WEBP;
  fail_picture("This file is no picture in a format known here: use a JPEG, PNG or WebP.");
}

Frame decoded(const std::string& bytes) {
  constexpr char damaged[] = "This picture cannot be read: it is damaged, or has more than 40 million pixels.";
  const AVCodec* codec = avcodec_find_decoder(codec_of(bytes));
  Codec context(avcodec_alloc_context3(codec));
  if (!codec || !context) throw std::runtime_error("FFmpeg has no decoder for this picture.");
  context->max_pixels = max_pixels;
  context->thread_count = 1;
  context->err_recognition = AV_EF_EXPLODE;
  check_ffmpeg(avcodec_open2(context.get(), codec, nullptr), "opening a decoder");
  Packet packet(av_packet_alloc());
  check_ffmpeg(av_new_packet(packet.get(), static_cast<int>(bytes.size())), "a packet");
  std::memcpy(packet->data, bytes.data(), bytes.size());
  Frame frame(av_frame_alloc());
  if (avcodec_send_packet(context.get(), packet.get()) < 0) fail_picture(damaged);
  avcodec_send_packet(context.get(), nullptr);
  if (avcodec_receive_frame(context.get(), frame.get()) < 0) fail_picture(damaged);
  if (frame->width < min_side || frame->height < min_side) fail_picture("This picture is too small: it needs 64 pixels on each side.");
  return frame;
}

/// The middle of a picture, as a square of `side` pixels.
SquarePixels middle_of(const AVFrame& frame, int side) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  // The whole is scaled, since not every format can be cut at any pixel; the ratio of the sides stays.
  const double scale = static_cast<double>(side) / std::min(frame.width, frame.height);
  const int width = std::max(side, static_cast<int>(std::lround(frame.width * scale))),
            height = std::max(side, static_cast<int>(std::lround(frame.height * scale)));
  if (std::int64_t(width) * height > max_pixels) fail_picture("This picture is too long: its sides may differ by a factor of 30 at most.");
  std::unique_ptr<SwsContext, FreeScaler> scaler(sws_getContext(frame.width, frame.height, format, width, height, AV_PIX_FMT_RGBA,
                                                                SWS_AREA | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, nullptr, nullptr,
                                                                nullptr));
  if (!scaler) fail_picture("This picture has colours of a kind that is not known here: save it as a plain JPEG or PNG.");
  Frame scaled(av_frame_alloc());
  scaled->width = width;
  scaled->height = height;
  scaled->format = AV_PIX_FMT_RGBA;
  check_ffmpeg(av_frame_get_buffer(scaled.get(), 0), "memory for a picture");
  check_ffmpeg(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, scaled->data, scaled->linesize), "scaling");
  SquarePixels square{side, 4, std::vector<std::uint8_t>(std::size_t(side) * side * 4)};
  const int left = (width - side) / 2, top = (height - side) / 2;
  for (int y = 0; y < side; ++y)
    std::memcpy(&square.bytes[std::size_t(y) * side * 4], scaled->data[0] + std::ptrdiff_t(y + top) * scaled->linesize[0] + 4 * left,
                std::size_t(side) * 4);
  return square;
}

/// What is transparent becomes white.
void make_opaque(SquarePixels& picture) {
  for (std::size_t at = 0; at < picture.bytes.size(); at += 4)
    for (std::size_t i = 0; i < 3; ++i)
      picture.bytes[at + i] = static_cast<std::uint8_t>(255 - picture.bytes[at + 3] * (255 - picture.bytes[at + i]) / 255);
}

/// Cameras write pictures as their sensor lies, and how to turn and mirror them: 2x2 of the matrix [a b; c d] that places a pixel.
SquarePixels turned(const SquarePixels& picture, const AVFrame& frame) {
  const AVFrameSideData* data = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (!data) return picture;
  const auto* matrix = reinterpret_cast<const std::int32_t*>(data->data);
  const auto sign = [&](int at) { return (matrix[at] > 0) - (matrix[at] < 0); };
  const int a = sign(0), b = sign(1), c = sign(3), d = sign(4);
  if (a * d - b * c == 0) return picture;
  SquarePixels result = picture;
  const int last = picture.side - 1;
  for (int y = 0; y < picture.side; ++y)
    for (int x = 0; x < picture.side; ++x) {
      // Coordinates from the middle, doubled so that they are whole.
      const int from_x = 2 * x - last, from_y = 2 * y - last;
      const int to_x = (a * from_x + c * from_y + last) / 2, to_y = (b * from_x + d * from_y + last) / 2;
      std::memcpy(&result.bytes[(std::size_t(to_y) * picture.side + to_x) * 4], &picture.bytes[(std::size_t(y) * picture.side + x) * 4], 4);
    }
  return result;
}

std::string jpeg_of(const SquarePixels& picture) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  Codec context(avcodec_alloc_context3(codec));
  if (!codec || !context) throw std::runtime_error("FFmpeg has no encoder for JPEG.");
  context->width = context->height = picture.side;
  context->pix_fmt = AV_PIX_FMT_YUVJ420P;
  context->color_range = AVCOL_RANGE_JPEG;
  context->time_base = {1, 25};
  context->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
  context->global_quality = 3 * FF_QP2LAMBDA;
  context->thread_count = 1;
  check_ffmpeg(avcodec_open2(context.get(), codec, nullptr), "opening the encoder");
  Frame frame(av_frame_alloc());
  frame->width = frame->height = picture.side;
  frame->format = context->pix_fmt;
  frame->quality = context->global_quality;
  frame->pts = 0;
  check_ffmpeg(av_frame_get_buffer(frame.get(), 0), "memory for a picture");
  std::unique_ptr<SwsContext, FreeScaler> scaler(sws_getContext(picture.side, picture.side, AV_PIX_FMT_RGBA, picture.side, picture.side,
                                                                context->pix_fmt, SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr,
                                                                nullptr));
  if (!scaler) throw std::runtime_error("FFmpeg: no way from RGBA to the encoder's colours.");
  const std::uint8_t* rows[] = {picture.bytes.data()};
  const int strides[] = {picture.side * 4};
  check_ffmpeg(sws_scale(scaler.get(), rows, strides, 0, picture.side, frame->data, frame->linesize), "changing colours");
  Packet packet(av_packet_alloc());
  check_ffmpeg(avcodec_send_frame(context.get(), frame.get()), "encoding");
  check_ffmpeg(avcodec_receive_packet(context.get(), packet.get()), "encoding");
  return {reinterpret_cast<const char*>(packet->data), static_cast<std::size_t>(packet->size)};
}

}  // namespace

SquarePicture square_picture(const std::string& bytes) {
  const Frame frame = decoded(bytes);
  const auto encoded = [&](int side) {
    SquarePixels picture = turned(middle_of(*frame, side), *frame);
    make_opaque(picture);
    return jpeg_of(picture);
  };
  return {encoded(std::clamp(std::min(frame->width, frame->height), small_side, large_side)), encoded(small_side)};
}

JobOutput AudioRunner::make_portrait(const JobTask& task) {
  const std::string upload = nlohmann::json::parse(task.job.parameters).at("blob");
  const std::int64_t size = blobs_.size(upload);
  if (size < 0) throw PermanentJobError("Another picture came after this one.");
  task.progress.report(0, "reading");
  SquarePicture made;
  try {
    made = square_picture(blobs_.read(upload, 0, size));
  } catch (const PermanentJobError&) {
    blobs_.remove(upload);
    throw;
  }
  JobOutput output;
  const std::string folder = "artists/" + task.job.account, large = task.job.id + ".jpg", small = task.job.id + "-small.jpg";
  output.files = {{folder, large, "", made.large}, {folder, small, "", made.small}};
  output.obsolete = std::make_shared<std::vector<std::string>>(std::vector<std::string>{upload});
  const int attempt = task.job.attempts;
  output.keep = [account = task.job.account, picture = attempt_key(folder, attempt, large), thumbnail = attempt_key(folder, attempt, small),
                 files = output.described(attempt).dump(), obsolete = output.obsolete](Transaction& transaction) {
    auto artist = transaction.artists().find(account);
    if (!artist) return false;
    for (const std::string& key : {artist->picture, artist->thumbnail})
      if (!key.empty()) obsolete->push_back(key);
    artist->picture = picture;
    artist->thumbnail = thumbnail;
    artist->files = files;
    transaction.artists().update(*artist, artist->created);
    return true;
  };
  return output;
}

}  // namespace webwrap
