#include "audio/writers.h"

extern "C" {
#include <libavutil/base64.h>
}

#include <algorithm>
#include <cctype>
#include <new>

#include "audio/block_writer.h"
#include "audio/encoder.h"
#include "audio/id3.h"
#include "audio/mp4_tags.h"
#include "audio/muxer_output.h"
#include "audio/picture_block.h"
#include "audio/resampler.h"
#include "core/log.h"

namespace voxconv {
namespace {

class FfmpegWriter : public BlockWriter {
 public:
  FfmpegWriter(std::unique_ptr<OutputFile> output, const EncoderRecipe& recipe, const WriteOptions& options)
      : BlockWriter(options.rate, options.channels),
        output_(std::move(output)),
        tags_(options.tags),
        cover_(options.cover),
        mp4_(std::string_view(recipe.format) == "m4a"),
        resampler_(options.channels, options.rate, Encoder::nearest_rate(recipe, options.rate)),
        encoder_(recipe, Encoder::nearest_rate(recipe, options.rate), options.channels, options.bitrate_kbps, mp4_) {
    const bool mp3 = std::string_view(recipe.format) == "mp3";
    if (mp3) {
      const std::vector<std::uint8_t> id3 = build_id3(tags_, cover_);
      output_->write(id3.data(), id3.size());
    }
    muxer_ = std::make_unique<MuxerOutput>(*output_);
    AVFormatContext* format = nullptr;
    muxer_->check(avformat_alloc_output_context2(&format, nullptr, recipe.muxer, nullptr));
    format_.reset(format);
    format_->pb = muxer_->io();
    format_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    stream_ = avformat_new_stream(format, nullptr);
    if (!stream_) throw std::bad_alloc();
    stream_->time_base = AVRational{1, encoder_.context()->sample_rate};
    muxer_->check(avcodec_parameters_from_context(stream_->codecpar, encoder_.context()));
    if (!mp3 && !mp4_) add_comments(recipe);
    AVDictionary* settings = nullptr;
    if (mp3) {
      av_dict_set_int(&settings, "id3v2_version", 0, 0);
      av_dict_set_int(&settings, "write_xing", output_->seekable(), 0);
    }
    // The default of a millisecond would round the length that the edit list tells.
    if (mp4_) av_dict_set_int(&settings, "movie_timescale", encoder_.context()->sample_rate, 0);
    const int error = avformat_write_header(format, &settings);
    av_dict_free(&settings);
    muxer_->check(error);
    if (picture_stream_) write_picture();
  }

 protected:
  void write_block(const AudioBuffer& audio, std::size_t begin, std::size_t end) override {
    AudioBuffer block(audio.rate, 0);
    for (const auto& channel : audio.channels)
      block.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin), channel.begin() + std::ptrdiff_t(end));
    encoder_.encode(resampler_.push(block), [this](AVPacket* packet) { mux(packet); });
  }

  void flush() override {
    if (!output_->seekable()) avio_flush(format_->pb);
    muxer_->check(0);
  }

  void close() override {
    const auto sink = [this](AVPacket* packet) { mux(packet); };
    encoder_.encode(resampler_.finish(), sink);
    encoder_.finish(sink);
    const int error = av_write_trailer(format_.get());
    avio_flush(format_->pb);
    muxer_->check(error);
    if (mp4_) write_mp4_tags(*output_, tags_, cover_);
    output_->commit();
  }

 private:
  void mux(AVPacket* packet) {
    av_packet_rescale_ts(packet, encoder_.context()->time_base, stream_->time_base);
    packet->stream_index = stream_->index;
    muxer_->check(av_interleaved_write_frame(format_.get(), packet));
  }

  /// Vorbis comments, and the cover as FLAC's picture block or Ogg's comment.
  void add_comments(const EncoderRecipe& recipe) {
    for (const auto& [key, value] : tags_) {
      std::string upper = key;
      // A comment's name is ASCII without "=".
      std::ranges::transform(upper, upper.begin(),
                             [](unsigned char c) { return c < ' ' || c > '}' || c == '=' ? '_' : char(std::toupper(c)); });
      av_dict_set(&format_->metadata, upper.c_str(), value.c_str(), 0);
    }
    if (!cover_) return;
    if (std::string_view(recipe.muxer) == "ogg") {
      const std::vector<std::uint8_t> block = build_picture_block(*cover_);
      std::string text(AV_BASE64_SIZE(block.size()), '\0');
      av_base64_encode(text.data(), int(text.size()), block.data(), int(block.size()));
      av_dict_set(&format_->metadata, "METADATA_BLOCK_PICTURE", text.c_str(), 0);
      return;
    }
    const auto size = picture_size(*cover_);
    if (!size) {
      log_warning("The cover does not fit into {}: its size cannot be read.", output_->name());
      return;
    }
    picture_stream_ = avformat_new_stream(format_.get(), nullptr);
    if (!picture_stream_) throw std::bad_alloc();
    picture_stream_->disposition = AV_DISPOSITION_ATTACHED_PIC;
    picture_stream_->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    picture_stream_->codecpar->codec_id = cover_->mime == "image/png" ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG;
    picture_stream_->codecpar->width = size->width;
    picture_stream_->codecpar->height = size->height;
    av_dict_set(&picture_stream_->metadata, "comment", "Cover (front)", 0);
  }

  void write_picture() {
    PacketPtr packet(av_packet_alloc());
    if (!packet || av_new_packet(packet.get(), int(cover_->bytes.size())) < 0) throw std::bad_alloc();
    std::ranges::copy(cover_->bytes, packet->data);
    packet->stream_index = picture_stream_->index;
    packet->flags |= AV_PKT_FLAG_KEY;
    muxer_->check(av_write_frame(format_.get(), packet.get()));
  }

  std::unique_ptr<OutputFile> output_;
  const Tags tags_;
  const std::optional<Picture> cover_;
  const bool mp4_;
  StreamResampler resampler_;
  Encoder encoder_;
  std::unique_ptr<MuxerOutput> muxer_;
  FormatPtr format_{nullptr, avformat_free_context};
  AVStream* stream_ = nullptr;
  AVStream* picture_stream_ = nullptr;
};

}  // namespace

bool is_ffmpeg_format(const std::string& format) { return find_recipe(format) != nullptr; }

void check_ffmpeg_format(const std::string& format, const std::string& path, const WriteOptions& options) {
  const EncoderRecipe& recipe = *find_recipe(format);
  if (options.channels > recipe.max_channels)
    fail(ErrorCode::usage, "{}: {} holds up to {} channels here, not {}; write wav instead.", path, format, recipe.max_channels,
         options.channels);
  if (options.bitrate_kbps != 0 && (options.bitrate_kbps < 6 || options.bitrate_kbps > 1024))
    fail(ErrorCode::usage, "{}: a bit rate of {} kbit/s is outside 6 to 1024.", path, options.bitrate_kbps);
}

std::unique_ptr<AudioWriter> open_ffmpeg_writer(std::unique_ptr<OutputFile> output, const std::string& format,
                                                const WriteOptions& options) {
  if (format == "m4a" && !output->seekable())
    fail(ErrorCode::usage, "{}: m4a cannot be written to a pipe or device; use wav, flac, mp3, ogg or opus.", output->name());
  return std::make_unique<FfmpegWriter>(std::move(output), *find_recipe(format), options);
}

}  // namespace voxconv
