#pragma once
#include <exception>
#include <memory>
#include <new>

#include "audio/ffmpeg.h"
#include "audio/io_file.h"
#include "core/fail.h"

namespace voxconv {

#if LIBAVFORMAT_VERSION_MAJOR >= 61
using MuxedBytes = const std::uint8_t;
#else
using MuxedBytes = std::uint8_t;
#endif

using FormatPtr = std::unique_ptr<AVFormatContext, decltype(&avformat_free_context)>;

/// Lets FFmpeg's muxers write to an OutputFile, from its present position on. No exception passes through FFmpeg: check() throws it later.
class MuxerOutput {
 public:
  explicit MuxerOutput(OutputFile& file) : file_(file), origin_(file.position()) {
    constexpr int buffer_size = 1 << 16;
    auto* buffer = static_cast<unsigned char*>(av_malloc(buffer_size));
    io_ = avio_alloc_context(buffer, buffer_size, 1, this, nullptr, write, file.seekable() ? seek : nullptr);
    if (!buffer || !io_) throw std::bad_alloc();
  }
  ~MuxerOutput() {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
  MuxerOutput(const MuxerOutput&) = delete;
  MuxerOutput& operator=(const MuxerOutput&) = delete;

  AVIOContext* io() const { return io_; }
  void check(int result) const {
    if (error_) std::rethrow_exception(error_);
    if (result < 0) fail(ErrorCode::io, "Cannot write {}: {}.", file_.name(), ffmpeg_error(result));
  }

 private:
  template <typename Act>
  std::int64_t guard(Act act) {
    if (error_) return AVERROR(EIO);
    try {
      return act();
    } catch (...) {
      error_ = std::current_exception();
      return AVERROR(EIO);
    }
  }
  static int write(void* self, MuxedBytes* bytes, int size) {
    auto& output = *static_cast<MuxerOutput*>(self);
    return int(output.guard([&] {
      output.file_.write(bytes, std::size_t(size));
      return std::int64_t(size);
    }));
  }
  static std::int64_t seek(void* self, std::int64_t offset, int whence) {
    auto& output = *static_cast<MuxerOutput*>(self);
    return output.guard([&]() -> std::int64_t {
      if (whence == AVSEEK_SIZE) return output.file_.size() - output.origin_;
      if (whence != SEEK_SET) return AVERROR(EINVAL);
      output.file_.seek(output.origin_ + offset);
      return offset;
    });
  }

  OutputFile& file_;
  const std::int64_t origin_;
  AVIOContext* io_ = nullptr;
  std::exception_ptr error_;
};

}  // namespace voxconv
