#pragma once
#include <memory>
#include <stdexcept>
#include <string>

#include "audio/ffmpeg.h"

namespace voxconv::testing_audio {

/// What remux_audio() changes.
struct Remux {
  double drop_from_s = 0, drop_to_s = 0;  ///< packets of sound that begin in between are left out
  double delay_s = 0;                     ///< the sound begins so much later
  double pause_s = 0;                     ///< after each packet ...
  int pause_every = 1;                    ///< ... or each so many
  AVCodecID picture = AV_CODEC_ID_NONE;   ///< a video stream from 0 s on: packets of no sense, one a second
};

/// Copies the first stream of a file into another container as it is, but for what `changes` asks for.
inline void remux_audio(const std::string& from, const std::string& to, const char* muxer, const Remux& changes = {}) {
  const auto check = [](int result) {
    if (result < 0) throw std::runtime_error(ffmpeg_error(result));
  };
  AVFormatContext* in = nullptr;
  AVFormatContext* out = nullptr;
  check(avformat_open_input(&in, from.c_str(), nullptr, nullptr));
  check(avformat_find_stream_info(in, nullptr));
  check(avformat_alloc_output_context2(&out, nullptr, muxer, to.c_str()));
  AVStream* stream = avformat_new_stream(out, nullptr);
  check(avcodec_parameters_copy(stream->codecpar, in->streams[0]->codecpar));
  stream->codecpar->codec_tag = 0;
  stream->disposition = 0;
  AVStream* video = nullptr;
  if (changes.picture != AV_CODEC_ID_NONE) {
    video = avformat_new_stream(out, nullptr);
    video->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    video->codecpar->codec_id = changes.picture;
    video->codecpar->width = video->codecpar->height = 16;
    video->time_base = AVRational{1, 25};
  }
  check(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE));
  check(avformat_write_header(out, nullptr));
  const PacketPtr packet(av_packet_alloc());
  double pictures = 0, pauses = 0;
  int packets = 0;
  while (av_read_frame(in, packet.get()) >= 0) {
    const AVRational unit = in->streams[0]->time_base;
    const double at = double(packet->pts) * av_q2d(unit);
    if (packet->stream_index == 0 && (at < changes.drop_from_s || at >= changes.drop_to_s)) {
      for (; video && pictures <= at + changes.delay_s; ++pictures) {
        const PacketPtr picture(av_packet_alloc());
        check(av_new_packet(picture.get(), 64));
        for (int i = 0; i < 64; ++i) picture->data[i] = std::uint8_t(i + 16);
        picture->pts = picture->dts = std::int64_t(pictures / av_q2d(video->time_base));
        picture->stream_index = video->index;
        picture->flags |= AV_PKT_FLAG_KEY;
        check(av_interleaved_write_frame(out, picture.get()));
      }
      const auto later = std::int64_t((changes.delay_s + pauses) / av_q2d(unit));
      packet->pts += later;
      packet->dts += later;
      if (++packets % changes.pause_every == 0) pauses += changes.pause_s;
      av_packet_rescale_ts(packet.get(), unit, stream->time_base);
      check(av_interleaved_write_frame(out, packet.get()));
    }
    av_packet_unref(packet.get());
  }
  check(av_write_trailer(out));
  avio_closep(&out->pb);
  avformat_free_context(out);
  avformat_close_input(&in);
}

/// A Matroska file with a video stream of one frame and nothing else.
inline void write_video_only(const std::string& path) {
  const auto check = [](int result) {
    if (result < 0) throw std::runtime_error(ffmpeg_error(result));
  };
  AVFormatContext* out = nullptr;
  check(avformat_alloc_output_context2(&out, nullptr, "matroska", path.c_str()));
  AVStream* stream = avformat_new_stream(out, nullptr);
  stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
  stream->codecpar->codec_id = AV_CODEC_ID_RAWVIDEO;
  stream->codecpar->format = AV_PIX_FMT_GRAY8;
  stream->codecpar->codec_tag = MKTAG('Y', '8', '0', '0');
  stream->codecpar->width = stream->codecpar->height = 4;
  av_dict_set(&out->metadata, "title", "Silent", 0);
  check(avio_open(&out->pb, path.c_str(), AVIO_FLAG_WRITE));
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "allow_raw_vfw", "1", 0);
  const int started = avformat_write_header(out, &settings);
  av_dict_free(&settings);
  check(started);
  const PacketPtr packet(av_packet_alloc());
  check(av_new_packet(packet.get(), 16));
  packet->pts = packet->dts = 0;
  check(av_interleaved_write_frame(out, packet.get()));
  check(av_write_trailer(out));
  avio_closep(&out->pb);
  avformat_free_context(out);
}

}  // namespace voxconv::testing_audio
