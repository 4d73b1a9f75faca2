#pragma once
#include <functional>
#include <string>

#include "audio/ffmpeg.h"
#include "voxconv/audio_buffer.h"

namespace voxconv {

/// How one of our formats is made with FFmpeg.
struct EncoderRecipe {
  const char* format;  ///< our name
  const char* muxer;
  const char* encoder;
  AVSampleFormat samples;
  int max_channels;
  int min_rate, max_rate;
  int kbps_per_channel;  ///< default bit rate; 0: by `quality`
  double quality;        ///< of a variable bit rate, on the encoder's own scale
};

/// Null if `format` is not made with FFmpeg.
const EncoderRecipe* find_recipe(const std::string& format);

using PacketSink = std::function<void(AVPacket*)>;

/// Gives an encoder its next frame (null: there is none left) and `sink` each packet that comes of it, in `packet`.
void encode_frame(AVCodecContext& encoder, const AVFrame* frame, AVPacket& packet, const PacketSink& sink);

/// An FFmpeg audio encoder that takes AudioBuffers of any length and hands out packets (time base 1 / rate).
class Encoder {
 public:
  /// Throws Error(usage) if the encoder refuses the settings. `bitrate_kbps` 0: the recipe's default.
  Encoder(const EncoderRecipe& recipe, int rate, int channels, int bitrate_kbps, bool global_header);

  /// The rate the encoder runs at for a wished one: that, or the next higher one it knows, or its highest.
  static int nearest_rate(const EncoderRecipe& recipe, int rate);

  const AVCodecContext* context() const { return context_.get(); }
  void encode(const AudioBuffer& audio, const PacketSink& sink);
  void finish(const PacketSink& sink);

 private:
  void send(std::size_t frames, const PacketSink& sink);

  CodecPtr context_;
  FramePtr frame_;
  PacketPtr packet_;
  std::size_t frame_size_ = 0;
  AudioBuffer waiting_;
  std::size_t used_ = 0;
  std::int64_t position_ = 0;
};

}  // namespace voxconv
