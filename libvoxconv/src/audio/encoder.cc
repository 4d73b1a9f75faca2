#include "audio/encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <new>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr std::array<EncoderRecipe, 5> recipes{{
    {"flac", "flac", "flac", AV_SAMPLE_FMT_S32, 8, 1000, 655350, 0, 5},
    {"mp3", "mp3", "libmp3lame", AV_SAMPLE_FMT_FLTP, 2, 8000, 48000, 0, 0},
    {"ogg", "ogg", "libvorbis", AV_SAMPLE_FMT_FLTP, 8, 8000, 192000, 0, 6},
    {"opus", "ogg", "libopus", AV_SAMPLE_FMT_FLT, 8, 8000, 48000, 96, 0},
    {"m4a", "ipod", "aac", AV_SAMPLE_FMT_FLTP, 8, 7350, 96000, 128, 0},
}};

const AVCodec* find_encoder(const EncoderRecipe& recipe) {
  const AVCodec* codec = avcodec_find_encoder_by_name(recipe.encoder);
  if (!codec) fail(ErrorCode::usage, "Cannot write {}: FFmpeg was built without {} here.", recipe.format, recipe.encoder);
  return codec;
}

/// The encoder's own layout with that many channels, else FFmpeg's usual one.
void choose_layout(const AVCodec& codec, int channels, AVChannelLayout& layout) {
  for (const AVChannelLayout* known = codec.ch_layouts; known && known->nb_channels > 0; ++known)
    if (known->nb_channels == channels) {
      av_channel_layout_copy(&layout, known);
      return;
    }
  av_channel_layout_default(&layout, channels);
}

/// Samples [begin, begin + frame.nb_samples) of `audio` in the frame's format.
void fill_frame(const AudioBuffer& audio, std::size_t begin, AVFrame& frame) {
  const std::size_t n = audio.channel_count(), frames = std::size_t(frame.nb_samples);
  for (std::size_t c = 0; c < n; ++c) {
    const float* from = audio.channels[c].data() + begin;
    switch (AVSampleFormat(frame.format)) {
      case AV_SAMPLE_FMT_S32: {  // 24 bits, in the upper bytes
        auto* to = reinterpret_cast<std::int32_t*>(frame.data[0]) + c;
        for (std::size_t i = 0; i < frames; ++i) to[i * n] = std::int32_t(std::uint32_t(quantize<24>(from[i])) << 8);
        break;
      }
      case AV_SAMPLE_FMT_FLT: {
        auto* to = reinterpret_cast<float*>(frame.data[0]) + c;
        for (std::size_t i = 0; i < frames; ++i) to[i * n] = std::clamp(clean_sample(from[i]), -1.0f, 1.0f);
        break;
      }
      default: {
        auto* to = reinterpret_cast<float*>(frame.extended_data[c]);
        for (std::size_t i = 0; i < frames; ++i) to[i] = std::clamp(clean_sample(from[i]), -1.0f, 1.0f);
      }
    }
  }
}

}  // namespace

const EncoderRecipe* find_recipe(const std::string& format) {
  const auto recipe = std::ranges::find_if(recipes, [&](const EncoderRecipe& r) { return format == r.format; });
  return recipe == recipes.end() ? nullptr : &*recipe;
}

int Encoder::nearest_rate(const EncoderRecipe& recipe, int rate) {
  const int wished = std::clamp(rate, recipe.min_rate, recipe.max_rate);
  const int* known = find_encoder(recipe)->supported_samplerates;
  if (!known) return wished;
  int next = std::numeric_limits<int>::max(), highest = 0;
  for (; *known; ++known) {
    if (*known >= wished) next = std::min(next, *known);
    highest = std::max(highest, *known);
  }
  return std::min(next, highest);
}

Encoder::Encoder(const EncoderRecipe& recipe, int rate, int channels, int bitrate_kbps, bool global_header)
    : frame_(av_frame_alloc()), packet_(av_packet_alloc()), waiting_(rate, std::size_t(channels)) {
  const AVCodec* codec = find_encoder(recipe);
  context_.reset(avcodec_alloc_context3(codec));
  if (!context_ || !frame_ || !packet_) throw std::bad_alloc();
  context_->sample_rate = rate;
  context_->sample_fmt = recipe.samples;
  context_->time_base = AVRational{1, rate};
  context_->flags |= AV_CODEC_FLAG_BITEXACT;
  if (global_header) context_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  choose_layout(*codec, channels, context_->ch_layout);
  if (recipe.samples == AV_SAMPLE_FMT_S32) {
    context_->bits_per_raw_sample = 24;
    context_->compression_level = int(recipe.quality);
  } else if (bitrate_kbps > 0) {
    context_->bit_rate = std::int64_t(bitrate_kbps) * 1000;
  } else if (recipe.kbps_per_channel > 0) {
    context_->bit_rate = std::int64_t(recipe.kbps_per_channel) * 1000 * channels;
  } else {
    context_->flags |= AV_CODEC_FLAG_QSCALE;
    context_->global_quality = int(std::lround(recipe.quality * FF_QP2LAMBDA));
  }
  if (const int error = avcodec_open2(context_.get(), codec, nullptr); error < 0)
    fail(ErrorCode::usage, "Cannot write {} with {} channels at {} Hz{}: {}.", recipe.format, channels, rate,
         bitrate_kbps > 0 ? fmt::format(" and {} kbit/s", bitrate_kbps) : "", ffmpeg_error(error));
  frame_size_ = context_->frame_size > 0 ? std::size_t(context_->frame_size) : 1024;
}

void Encoder::encode(const AudioBuffer& audio, const PacketSink& sink) {
  for (std::size_t c = 0; c < waiting_.channel_count(); ++c) {
    auto& channel = waiting_.channels[c];
    channel.erase(channel.begin(), channel.begin() + std::ptrdiff_t(used_));
    channel.insert(channel.end(), audio.channels[c].begin(), audio.channels[c].end());
  }
  used_ = 0;
  while (waiting_.frames() - used_ >= frame_size_) send(frame_size_, sink);
}

void Encoder::finish(const PacketSink& sink) {
  if (waiting_.frames() > used_) send(waiting_.frames() - used_, sink);
  encode_frame(*context_, nullptr, *packet_, sink);
}

void Encoder::send(std::size_t frames, const PacketSink& sink) {
  AVFrame* frame = frame_.get();
  av_frame_unref(frame);
  frame->nb_samples = int(frames);
  frame->format = context_->sample_fmt;
  frame->sample_rate = context_->sample_rate;
  frame->pts = position_;
  int error = av_channel_layout_copy(&frame->ch_layout, &context_->ch_layout);
  if (error >= 0) error = av_frame_get_buffer(frame, 0);
  if (error < 0) throw std::bad_alloc();
  fill_frame(waiting_, used_, *frame);
  used_ += frames;
  position_ += std::int64_t(frames);
  encode_frame(*context_, frame, *packet_, sink);
}

void encode_frame(AVCodecContext& encoder, const AVFrame* frame, AVPacket& packet, const PacketSink& sink) {
  int error = avcodec_send_frame(&encoder, frame);
  while (error >= 0) {
    error = avcodec_receive_packet(&encoder, &packet);
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    if (error >= 0) sink(&packet);
  }
  fail(ErrorCode::internal, "The {} encoder failed: {}.", encoder.codec->name, ffmpeg_error(error));
}

}  // namespace voxconv
