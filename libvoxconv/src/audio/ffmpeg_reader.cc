#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "audio/block_reader.h"
#include "audio/readers.h"
#include "audio/tags.h"
#include "audio/time_line.h"
#include "core/log.h"

namespace voxconv {
namespace {

/// So many damaged packets on end mean that what follows is not this stream any more.
constexpr int max_damaged_run = 64;

/// A WAV that was written to a pipe claims the most that its fields hold.
constexpr std::int64_t placeholder_bytes = 0x7fff0000;
/// An MP3 is longer than what is heard of it by what encoder and decoder need at its ends.
constexpr std::int64_t mp3_padding = 6000;

/// Bytes of sound that the head of a WAV file claims, of which FFmpeg tells no more than there are; -1: none.
std::int64_t wav_data_bytes(const InputFile& input) {
  constexpr int most_chunks = 64;
  std::array<std::uint8_t, 8> head{};
  std::int64_t at = 12;
  for (int i = 0; i < most_chunks && input.read_at(at, head.data(), head.size()) == head.size(); ++i) {
    const std::int64_t size = head[4] | std::int64_t{head[5]} << 8 | std::int64_t{head[6]} << 16 | std::int64_t{head[7]} << 24;
    if (std::equal(head.begin(), head.begin() + 4, "data")) return size;
    at += 8 + size + size % 2;
  }
  return -1;
}

/// Frames of sound that the first frame of an MP3 file tells (the tag "Xing", or "Info" where the bitrate is constant); -1: none.
std::int64_t xing_frames(const InputFile& input, int frames_of_a_packet) {
  std::array<std::uint8_t, 256> head{};
  std::int64_t begin = 0;
  if (input.read_at(0, head.data(), 10) == 10 && head[0] == 'I' && head[1] == 'D' && head[2] == '3')
    begin = 10 + (std::int64_t{head[6]} << 21 | std::int64_t{head[7]} << 14 | std::int64_t{head[8]} << 7 | std::int64_t{head[9]});
  const std::size_t got = input.read_at(begin, head.data(), head.size());
  constexpr std::uint8_t has_frames = 1;
  for (const std::string_view tag : {"Xing", "Info"}) {
    const auto* at = std::search(head.data(), head.data() + got, tag.begin(), tag.end());
    if (head.data() + got - at >= 12 && at[7] & has_frames)
      return (std::int64_t{at[8]} << 24 | std::int64_t{at[9]} << 16 | std::int64_t{at[10]} << 8 | std::int64_t{at[11]}) *
             frames_of_a_packet;
  }
  return -1;
}

template <typename T>
void copy_samples(const AVFrame& frame, bool planar, double scale, double offset, AudioBuffer& out) {
  const std::size_t n = out.channel_count(), stride = planar ? 1 : n;
  for (std::size_t c = 0; c < n; ++c) {
    const T* from = reinterpret_cast<const T*>(frame.extended_data[planar ? c : 0]) + (planar ? 0 : c);
    for (std::size_t i = 0; i < out.frames(); ++i) out.channels[c][i] = clean_sample(float((double(from[i * stride]) - offset) * scale));
  }
}

void copy_frame(const AVFrame& frame, AudioBuffer& out) {
  const auto format = AVSampleFormat(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8: return copy_samples<std::uint8_t>(frame, planar, 1.0 / 128, 128, out);
    case AV_SAMPLE_FMT_S16: return copy_samples<std::int16_t>(frame, planar, 1.0 / 32768, 0, out);
    case AV_SAMPLE_FMT_S32: return copy_samples<std::int32_t>(frame, planar, 1.0 / 2147483648.0, 0, out);
    case AV_SAMPLE_FMT_S64: return copy_samples<std::int64_t>(frame, planar, 1.0 / 9223372036854775808.0, 0, out);
    case AV_SAMPLE_FMT_FLT: return copy_samples<float>(frame, planar, 1, 0, out);
    case AV_SAMPLE_FMT_DBL: return copy_samples<double>(frame, planar, 1, 0, out);
    default: fail(ErrorCode::bad_audio, "The decoder gave samples of an unknown format ({}).", frame.format);
  }
}

class FfmpegReader : public BlockReader {
 public:
  FfmpegReader(std::unique_ptr<InputFile> input, std::unique_ptr<Demuxer> demuxer)
      : BlockReader(input->name(), !input->seekable()),
        input_(std::move(input)),
        demuxer_(std::move(demuxer)),
        packet_(av_packet_alloc()),
        frame_(av_frame_alloc()) {
    if (!packet_ || !frame_) throw std::bad_alloc();
    open_codec();
    time_line_.emplace(*demuxer_->get(), *stream_, stream_->codecpar->sample_rate, input_->name());
    describe();
  }

 protected:
  void read_block(AudioBuffer& out, std::size_t max_frames) override {
    const std::size_t before = out.frames(), end = before + max_frames;
    while (out.frames() < end) {
      const std::size_t room = end - out.frames();
      if (piece_.silence > 0) {
        const std::size_t count = std::min(room, std::size_t(piece_.silence));
        for (auto& channel : out.channels) channel.resize(channel.size() + count);
        piece_.silence -= std::int64_t(count);
        continue;
      }
      if (used_ == piece_.audio.frames()) {
        // What a pipe has given is handed on at once; a file is read until the block is full.
        if (out.frames() > before && !input_->seekable()) return;
        if (!next_piece()) return;
        continue;
      }
      const std::size_t count = std::min(room, piece_.audio.frames() - used_);
      for (std::size_t c = 0; c < out.channel_count(); ++c) {
        const auto from = piece_.audio.channels[c].begin() + std::ptrdiff_t(used_);
        out.channels[c].insert(out.channels[c].end(), from, from + std::ptrdiff_t(count));
      }
      used_ += count;
    }
  }

  /// Checks a stream that gave no more.
  void end() override {
    if (decoded_frames_ > 0) {
      if (cut_ || frames_read() < claimed_frames_) warn_of_early_end(claimed_frames_);
      return;
    }
    if (info_.container == "mp4" && !input_->seekable())
      fail(ErrorCode::bad_audio, "{} is an MP4 whose index follows its sound, which no pipe can carry: read it from a file.",
           input_->name());
    if (damaged_ > 0) fail(ErrorCode::bad_audio, "{} is damaged: none of its {} audio packets can be decoded.", input_->name(), damaged_);
    fail(ErrorCode::bad_audio, "{} holds no sound (0 samples).", input_->name());
  }

 private:
  /// What was decoded from one packet; its audio is empty at the end.
  struct Piece {
    AudioBuffer audio;
    std::int64_t pts = AV_NOPTS_VALUE;  ///< in the stream's time base
    std::int64_t silence = 0;           ///< frames that the container's time line puts before it
  };

  void open_codec() {
    AVFormatContext* format = demuxer_->get();
    // PCM with all it needs in the header is not analysed further: a live pipe then starts without delay.
    const bool plain = format->nb_streams == 1 && av_get_exact_bits_per_sample(format->streams[0]->codecpar->codec_id) > 0 &&
                       format->streams[0]->codecpar->sample_rate > 0 && format->streams[0]->codecpar->ch_layout.nb_channels > 0;
    if (!plain) {
      if (const int error = avformat_find_stream_info(format, nullptr); error < 0)
        fail(ErrorCode::bad_audio, "{} cannot be analysed: {}.", input_->name(), ffmpeg_error(error));
    }
    const AVCodec* decoder = nullptr;
    const int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (index == AVERROR_STREAM_NOT_FOUND) fail(ErrorCode::bad_audio, "{} has no audio stream.", input_->name());
    if (index < 0 || !decoder) fail(ErrorCode::bad_audio, "{} holds audio in a codec that FFmpeg has no decoder for here.", input_->name());
    stream_ = format->streams[index];
    for (unsigned i = 0; i < format->nb_streams; ++i)
      if (int(i) != index) format->streams[i]->discard = AVDISCARD_ALL;
    check_stream(ErrorCode::bad_audio, input_->name(), stream_->codecpar->sample_rate, stream_->codecpar->ch_layout.nb_channels);
    codec_.reset(avcodec_alloc_context3(decoder));
    if (!codec_) throw std::bad_alloc();
    int error = avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
    codec_->pkt_timebase = stream_->time_base;
    if (error >= 0) error = avcodec_open2(codec_.get(), decoder, nullptr);
    if (error < 0)
      fail(ErrorCode::bad_audio, "The audio of {} ({}) cannot be decoded: {}.", input_->name(), decoder->name, ffmpeg_error(error));
  }

  void describe() {
    const AVFormatContext* format = demuxer_->get();
    info_.rate = stream_->codecpar->sample_rate;
    info_.channels = stream_->codecpar->ch_layout.nb_channels;
    const std::string container = format->iformat->name;
    info_.container = container.starts_with("mov,") ? "mp4" : container.substr(0, container.find(','));
    info_.codec = avcodec_get_name(stream_->codecpar->codec_id);
    if (info_.codec.starts_with("pcm_") && (info_.codec.ends_with("le") || info_.codec.ends_with("be")))
      info_.codec.resize(info_.codec.size() - 2);
    if (format->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE && stream_->duration > 0)
      info_.frames = std::clamp<std::int64_t>(av_rescale_q(stream_->duration, stream_->time_base, AVRational{1, info_.rate}), -1,
                                              std::numeric_limits<std::int64_t>::max() / 2);
    const bool pcm = av_get_exact_bits_per_sample(stream_->codecpar->codec_id) > 0;
    const bool placeholder = info_.frames >= placeholder_bytes / std::max(1, stream_->codecpar->block_align);
    // Of other streams the length in the head is an estimate, or that of another stream.
    if (info_.container == "flac" || info_.container == "wv" || info_.container == "tta" ||
        (pcm && !placeholder && (info_.container == "wav" || info_.container == "aiff")))
      claimed_frames_ = info_.frames;
    if (const std::int64_t bytes = pcm && info_.container == "wav" && input_->seekable() ? wav_data_bytes(*input_) : -1;
        bytes >= 0 && bytes < placeholder_bytes)
      claimed_frames_ = bytes / std::max(1, stream_->codecpar->block_align);
    if (info_.container == "mp3" && input_->seekable()) claimed_frames_ = xing_frames(*input_, stream_->codecpar->frame_size) - mp3_padding;
    // A header may claim more than there is.
    if (input_->seekable() && stream_->codecpar->block_align > 0 && pcm)
      info_.frames = std::min(info_.frames, input_->size() / stream_->codecpar->block_align);
    if (time_line_->known() && format->nb_streams > 1 && input_->seekable()) {
      ahead_ = decode();
      time_line_->begin(ahead_->pts);
    }
    if (info_.frames >= 0) info_.frames = std::max<std::int64_t>(0, info_.frames + time_line_->duration_correction());
    if (input_->seekable()) check_known_length();
    info_.tags = read_tags(*format, stream_);
    if (info_.container == "wav" && input_->seekable()) add_wav_id3_tags(*input_, info_.tags);
    info_.cover = read_cover(*format);
  }

  /// The next piece into piece_; false at the end. Where there is a time line one more piece is decoded ahead: it tells whether a jump of
  /// the time stamps is a gap, and of an MP4, whose edit list says where the encoder's padding begins, the last piece is cut there.
  bool next_piece() {
    used_ = 0;
    if (!time_line_->known()) {
      piece_ = decode();
      return !piece_.audio.empty();
    }
    if (!ahead_) ahead_ = decode();
    piece_ = std::exchange(*ahead_, {});
    if (piece_.audio.empty()) return false;
    *ahead_ = decode();
    const bool last = ahead_->audio.empty();
    piece_.silence = time_line_->silence_before(piece_.pts, std::int64_t(piece_.audio.frames()),
                                                last ? std::nullopt : std::optional(ahead_->pts), handed_on_);
    const std::int64_t left = info_.frames - handed_on_ - piece_.silence;
    if (last && info_.container == "mp4" && left > 0 && left < std::int64_t(piece_.audio.frames()))
      for (auto& channel : piece_.audio.channels) channel.resize(std::size_t(left));
    handed_on_ += piece_.silence + std::int64_t(piece_.audio.frames());
    return true;
  }

  Piece decode() {
    Piece piece;
    while (piece.audio.empty()) {
      const int received = avcodec_receive_frame(codec_.get(), frame_.get());
      if (received >= 0) {
        take_frame(piece);
        continue;
      }
      if (received == AVERROR_EOF || flushed_) break;
      if (received != AVERROR(EAGAIN)) damaged(0, piece);
      send_packet(piece);
    }
    return piece;
  }

  void send_packet(Piece& piece) {
    const int error = av_read_frame(demuxer_->get(), packet_.get());
    if (error < 0) {
      if (demuxer_->read_failed()) fail(ErrorCode::io, "Cannot read {}: {}.", input_->name(), ffmpeg_error(error));
      if (error == AVERROR_INVALIDDATA)
        damaged(0, piece);
      else
        cut_ = error != AVERROR_EOF;
      avcodec_send_packet(codec_.get(), nullptr);
      flushed_ = true;
      return;
    }
    if (packet_->stream_index == stream_->index) {
      const std::int64_t length = av_rescale_q(std::max<std::int64_t>(packet_->duration, 0), stream_->time_base, AVRational{1, info_.rate});
      const int sent = avcodec_send_packet(codec_.get(), packet_.get());
      if (sent < 0 && sent != AVERROR(EAGAIN)) damaged(length, piece);
    }
    av_packet_unref(packet_.get());
  }

  void take_frame(Piece& piece) {
    if (frame_->sample_rate != info_.rate || frame_->ch_layout.nb_channels != info_.channels)
      fail(ErrorCode::bad_audio, "{} changes from {} channels at {} Hz to {} channels at {} Hz at {:.2f} s: split it there first.",
           input_->name(), info_.channels, info_.rate, frame_->ch_layout.nb_channels, frame_->sample_rate,
           double(decoded_frames_) / info_.rate);
    piece.audio = AudioBuffer(info_.rate, std::size_t(info_.channels), std::size_t(std::max(frame_->nb_samples, 0)));
    piece.pts = frame_->pts;
    copy_frame(*frame_, piece.audio);
    av_frame_unref(frame_.get());
    decoded_frames_ += std::int64_t(piece.audio.frames());
    damaged_run_ = 0;
  }

  /// Puts silence in the place of a packet that did not decode, so that what follows stays in time.
  void damaged(std::int64_t length, Piece& piece) {
    if (++damaged_ == 1)
      log_warning("{} is damaged {:.2f} s from its start; the damaged parts are silent.", input_->name(),
                  double(decoded_frames_) / info_.rate);
    if (++damaged_run_ > max_damaged_run)
      fail(ErrorCode::bad_audio, "{} is damaged from {:.2f} s on.", input_->name(), double(decoded_frames_) / info_.rate);
    if (decoded_frames_ == 0) return;
    piece = {AudioBuffer(info_.rate, std::size_t(info_.channels), std::min(std::size_t(length), max_block_frames))};
    decoded_frames_ += std::int64_t(piece.audio.frames());
  }

  std::unique_ptr<InputFile> input_;
  std::unique_ptr<Demuxer> demuxer_;
  PacketPtr packet_;
  FramePtr frame_;
  CodecPtr codec_;
  AVStream* stream_ = nullptr;
  std::optional<TimeLine> time_line_;
  Piece piece_;
  std::optional<Piece> ahead_;
  std::size_t used_ = 0;  ///< frames of piece_
  std::int64_t decoded_frames_ = 0, handed_on_ = 0;
  std::int64_t damaged_ = 0;
  int damaged_run_ = 0;
  std::int64_t claimed_frames_ = -1;  ///< by the head, where that is exact
  bool flushed_ = false;
  bool cut_ = false;  ///< the demuxer was amid something at the end
};

}  // namespace

std::unique_ptr<AudioReader> open_ffmpeg_reader(std::unique_ptr<InputFile> input, std::unique_ptr<Demuxer> demuxer) {
  return std::make_unique<FfmpegReader>(std::move(input), std::move(demuxer));
}

}  // namespace voxconv
