#include "voxconv/video.h"

extern "C" {
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <new>
#include <utility>

#include "audio/encoder.h"
#include "audio/muxer_output.h"
#include "audio/resampler.h"
#include "core/boundary.h"
#include "core/fail.h"

namespace voxconv {
namespace {

/// The encoders that are looked for, the better first. Those of graphics cards are left out: whether one works shows only while encoding.
constexpr std::array<const char*, 2> h264_encoders{"libx264", "libopenh264"};

const AVCodec* find_h264_encoder() {
  for (const char* name : h264_encoders)
    if (const AVCodec* codec = avcodec_find_encoder_by_name(name)) return codec;
  return nullptr;
}

struct ScalerRelease {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

/// Bytes that the index of an mp4 may take: two entries for each packet, and the tables' heads and tags.
int index_bytes(const VideoOptions& options) {
  const double packets = options.max_seconds * (options.frame_rate + options.rate / 1024.0);
  std::size_t tags = 0;
  for (const auto& [key, value] : options.tags) tags += key.size() + value.size() + 64;
  return int(std::ceil(packets) * 28) + int(tags) + (1 << 15);
}

/// Pictures to packets (time base 1 / frame rate).
class PictureEncoder {
 public:
  explicit PictureEncoder(const VideoOptions& options) : packet_(av_packet_alloc()), frame_(av_frame_alloc()) {
    const AVCodec* codec = find_h264_encoder();
    if (!codec)
      fail(ErrorCode::usage, "Videos cannot be made here: FFmpeg was built without {} and {}.", h264_encoders[0], h264_encoders[1]);
    context_.reset(avcodec_alloc_context3(codec));
    if (!context_ || !packet_ || !frame_) throw std::bad_alloc();
    context_->width = options.width;
    context_->height = options.height;
    context_->pix_fmt = AV_PIX_FMT_YUV420P;
    context_->time_base = AVRational{1, options.frame_rate};
    context_->framerate = AVRational{options.frame_rate, 1};
    context_->gop_size = 2 * options.frame_rate;
    context_->thread_count = options.threads;
    context_->color_range = AVCOL_RANGE_MPEG;
    context_->color_primaries = AVCOL_PRI_BT709;
    context_->color_trc = AVCOL_TRC_BT709;
    context_->colorspace = AVCOL_SPC_BT709;
    context_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    if (std::string_view(codec->name) == "libx264") {
      av_opt_set(context_->priv_data, "preset", "veryfast", 0);
      av_opt_set(context_->priv_data, "tune", "animation", 0);
      av_opt_set(context_->priv_data, "crf", "21", 0);
    } else {
      context_->bit_rate = 4'000'000;
    }
    if (const int error = avcodec_open2(context_.get(), codec, nullptr); error < 0)
      fail(ErrorCode::usage, "Cannot encode pictures of {}x{} with {}: {}.", options.width, options.height, codec->name,
           ffmpeg_error(error));
    scaler_.reset(sws_getContext(options.width, options.height, AV_PIX_FMT_BGR0, options.width, options.height, AV_PIX_FMT_YUV420P,
                                 SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
    if (!scaler_) throw std::bad_alloc();
    const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
    sws_setColorspaceDetails(scaler_.get(), bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
  }

  const AVCodecContext* context() const { return context_.get(); }

  template <class Sink>
  void encode(const std::uint8_t* pixels, std::size_t stride, const Sink& sink) {
    av_frame_unref(frame_.get());
    frame_->width = context_->width;
    frame_->height = context_->height;
    frame_->format = context_->pix_fmt;
    frame_->pts = position_++;
    if (av_frame_get_buffer(frame_.get(), 0) < 0) throw std::bad_alloc();
    const std::array<const std::uint8_t*, 1> from{pixels};
    const std::array<int, 1> strides{int(stride)};
    sws_scale(scaler_.get(), from.data(), strides.data(), 0, context_->height, frame_->data, frame_->linesize);
    encode_frame(*context_, frame_.get(), *packet_, sink);
  }
  template <class Sink>
  void finish(const Sink& sink) {
    encode_frame(*context_, nullptr, *packet_, sink);
  }

 private:
  CodecPtr context_;
  PacketPtr packet_;
  FramePtr frame_;
  std::unique_ptr<SwsContext, ScalerRelease> scaler_;
  std::int64_t position_ = 0;
};

const EncoderRecipe& sound_recipe() { return *find_recipe("m4a"); }

class Mp4Writer : public VideoWriter {
 public:
  Mp4Writer(const std::string& path, const VideoOptions& options)
      : options_(options),
        pictures_(options),
        resampler_(options.channels, options.rate, Encoder::nearest_rate(sound_recipe(), options.rate)),
        sound_(sound_recipe(), Encoder::nearest_rate(sound_recipe(), options.rate), options.channels, 0, true),
        output_(path),
        muxer_(output_) {
    if (!output_.seekable()) fail(ErrorCode::usage, "{}: an mp4 cannot be written to a pipe or device.", path);
    AVFormatContext* format = nullptr;
    muxer_.check(avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr));
    format_.reset(format);
    format_->pb = muxer_.io();
    format_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    picture_stream_ = add_stream(*pictures_.context());
    picture_stream_->avg_frame_rate = pictures_.context()->framerate;
    sound_stream_ = add_stream(*sound_.context());
    for (const auto& [key, value] : options.tags) av_dict_set(&format_->metadata, key.c_str(), value.c_str(), 0);
    AVDictionary* settings = nullptr;
    av_dict_set(&settings, "movflags", "use_metadata_tags", 0);        // keeps tags of any name
    av_dict_set_int(&settings, "moov_size", index_bytes(options), 0);  // the index first, so that playing begins before all of it came
    const int error = avformat_write_header(format, &settings);
    av_dict_free(&settings);
    muxer_.check(error);
  }

  void write_picture(const std::uint8_t* pixels, std::size_t stride) override try {
    if (finished_) fail(ErrorCode::usage, "A picture was written after finish().");
    pictures_.encode(pixels, stride, [this](AVPacket* packet) { mux(packet, *pictures_.context(), *picture_stream_); });
  } catch (...) {
    throw_as_error();
  }

  void write_sound(const AudioBuffer& audio) override try {
    if (finished_) fail(ErrorCode::usage, "Sound was written after finish().");
    if (audio.rate != options_.rate || audio.channel_count() != std::size_t(options_.channels))
      fail(ErrorCode::usage, "The video was opened for {} channels at {} Hz and got {} channels at {} Hz.", options_.channels,
           options_.rate, audio.channel_count(), audio.rate);
    sound_.encode(resampler_.push(audio), [this](AVPacket* packet) { mux(packet, *sound_.context(), *sound_stream_); });
  } catch (...) {
    throw_as_error();
  }

  void finish() override try {
    if (finished_) return;
    finished_ = true;
    const auto sound_sink = [this](AVPacket* packet) { mux(packet, *sound_.context(), *sound_stream_); };
    sound_.encode(resampler_.finish(), sound_sink);
    sound_.finish(sound_sink);
    pictures_.finish([this](AVPacket* packet) { mux(packet, *pictures_.context(), *picture_stream_); });
    const int error = av_write_trailer(format_.get());
    avio_flush(format_->pb);
    muxer_.check(error);
    output_.commit();
  } catch (...) {
    throw_as_error();
  }

 private:
  AVStream* add_stream(const AVCodecContext& encoder) {
    AVStream* stream = avformat_new_stream(format_.get(), nullptr);
    if (!stream) throw std::bad_alloc();
    stream->time_base = encoder.time_base;
    muxer_.check(avcodec_parameters_from_context(stream->codecpar, &encoder));
    return stream;
  }
  void mux(AVPacket* packet, const AVCodecContext& encoder, const AVStream& stream) {
    av_packet_rescale_ts(packet, encoder.time_base, stream.time_base);
    packet->stream_index = stream.index;
    muxer_.check(av_interleaved_write_frame(format_.get(), packet));
  }

  const VideoOptions options_;
  PictureEncoder pictures_;
  StreamResampler resampler_;
  Encoder sound_;
  OutputFile output_;
  MuxerOutput muxer_;
  FormatPtr format_{nullptr, avformat_free_context};
  AVStream* picture_stream_ = nullptr;
  AVStream* sound_stream_ = nullptr;
  bool finished_ = false;
};

}  // namespace

std::string video_encoder() {
  const AVCodec* codec = find_h264_encoder();
  return codec ? codec->name : "";
}

std::unique_ptr<VideoWriter> open_video_writer(const std::string& path, const VideoOptions& options) try {
  if (options.width < 16 || options.height < 16 || options.width % 2 || options.height % 2)
    fail(ErrorCode::usage, "{}: a video of {}x{} cannot be made; width and height must be even and at least 16.", path, options.width,
         options.height);
  if (options.frame_rate < 1 || options.frame_rate > 120)
    fail(ErrorCode::usage, "{}: {} pictures a second is outside 1 to 120.", path, options.frame_rate);
  if (options.channels < 1 || options.channels > 2)
    fail(ErrorCode::usage, "{}: the sound of a video has 1 or 2 channels, not {}.", path, options.channels);
  return std::make_unique<Mp4Writer>(path, options);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
