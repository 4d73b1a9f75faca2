#pragma once
#include <memory>
#include <stdexcept>
#include <string>

#include "audio/ffmpeg.h"

namespace voxconv::testing_audio {

/// Copies the first stream of a file into another container as it is.
inline void remux_audio(const std::string& from, const std::string& to, const char* muxer) {
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
  check(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE));
  check(avformat_write_header(out, nullptr));
  const PacketPtr packet(av_packet_alloc());
  while (av_read_frame(in, packet.get()) >= 0) {
    if (packet->stream_index == 0) {
      av_packet_rescale_ts(packet.get(), in->streams[0]->time_base, stream->time_base);
      check(av_interleaved_write_frame(out, packet.get()));
    }
    av_packet_unref(packet.get());
  }
  check(av_write_trailer(out));
  avio_closep(&out->pb);
  avformat_free_context(out);
  avformat_close_input(&in);
}

}  // namespace voxconv::testing_audio
