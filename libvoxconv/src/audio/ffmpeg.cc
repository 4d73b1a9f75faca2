#include "audio/ffmpeg.h"

#include <unistd.h>

#include <cerrno>
#include <new>

#include "audio/ffmpeg_process.h"
#include "core/fail.h"

namespace voxconv {
namespace {

// Playlists and other formats that lead to further files are left out on purpose.
constexpr const char* demuxers =
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,mov,matroska,avi,asf,ape,wv,tta,mpeg,mpegts,flv,amr,ac3,eac3,dts,voc";

int read_bytes(void* opaque, std::uint8_t* to, int size) {
  auto* source = static_cast<DemuxerSource*>(opaque);
  while (true) {
    const ssize_t got = ::read(source->input.fd(), to, std::size_t(size));
    source->any |= got > 0;
    if (got > 0) return int(got);
    if (got == 0) return AVERROR_EOF;
    if (errno == EINTR) continue;
    source->failed = true;
    return AVERROR(errno);
  }
}

std::int64_t seek_bytes(void* opaque, std::int64_t offset, int whence) {
  const InputFile& input = static_cast<DemuxerSource*>(opaque)->input;
  if (whence == AVSEEK_SIZE) return input.size();
  const off_t at = ::lseek(input.fd(), offset, whence & ~AVSEEK_FORCE);
  return at < 0 ? AVERROR(errno) : at;
}

int refuse_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) { return AVERROR(EPERM); }

}  // namespace

void restrain_ffmpeg() {
  av_log_set_level(AV_LOG_QUIET);
  av_max_alloc(std::size_t{128} << 20);
}

std::string ffmpeg_error(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(code, text, sizeof text);
  return text;
}

Demuxer::Demuxer(InputFile& input) : source_{input} {
  constexpr int buffer_size = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(buffer_size));
  io_ = avio_alloc_context(buffer, buffer_size, 0, &source_, read_bytes, nullptr, input.seekable() ? seek_bytes : nullptr);
  format_ = avformat_alloc_context();
  if (!buffer || !io_ || !format_) throw std::bad_alloc();
  format_->pb = io_;
  format_->io_open = refuse_open;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", demuxers, 0);
  const int error = avformat_open_input(&format_, nullptr, nullptr, &options);
  av_dict_free(&options);
  if (error >= 0) return;
  av_freep(&io_->buffer);
  avio_context_free(&io_);
  if (input.seekable()) fail(ErrorCode::bad_audio, "{} is not a sound file that voxconv can read ({}).", input.name(), ffmpeg_error(error));
  if (!source_.any && !source_.failed) fail(ErrorCode::bad_audio, "{} is empty (0 bytes).", input.name());
  fail(ErrorCode::bad_audio,
       "{} does not carry sound that voxconv can read from a pipe ({}); headerless samples are read with --raw RATE,CHANNELS,FORMAT.",
       input.name(), ffmpeg_error(error));
}

Demuxer::~Demuxer() {
  avformat_close_input(&format_);
  av_freep(&io_->buffer);
  avio_context_free(&io_);
}

}  // namespace voxconv
