#pragma once
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <memory>
#include <string>

#include "audio/io_file.h"

namespace voxconv {

/// The sentence part for an FFmpeg error code.
std::string ffmpeg_error(int code);

template <auto release>
struct FfmpegRelease {
  template <typename T>
  void operator()(T* object) const {
    release(&object);
  }
};
using PacketPtr = std::unique_ptr<AVPacket, FfmpegRelease<av_packet_free>>;
using FramePtr = std::unique_ptr<AVFrame, FfmpegRelease<av_frame_free>>;
using CodecPtr = std::unique_ptr<AVCodecContext, FfmpegRelease<avcodec_free_context>>;

/// What FFmpeg reads from.
struct DemuxerSource {
  InputFile& input;
  bool any = false, failed = false;  ///< whether there was a byte; whether the system refused one
};

/// A demuxer over an InputFile. Opens nothing but that file, whatever a playlist or container names, and knows only containers of audio
/// and video. The codecs are not opened.
class Demuxer {
 public:
  /// Throws Error(bad_audio). `input` must outlive the demuxer.
  explicit Demuxer(InputFile& input);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  AVFormatContext* get() const { return format_; }
  /// Whether the system failed to read the file: some demuxers call data that ends too early an input/output error, too.
  bool read_failed() const { return source_.failed; }

 private:
  DemuxerSource source_;
  AVFormatContext* format_ = nullptr;
  AVIOContext* io_ = nullptr;
};

}  // namespace voxconv
