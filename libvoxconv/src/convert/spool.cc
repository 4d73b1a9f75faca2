#include "convert/spool.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "audio/limits.h"
#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

std::string spool_folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen && *chosen ? chosen : "/var/tmp";
}

}  // namespace

Spool::Spool(AudioReader& source, std::int64_t most_bytes)
    : source_(source), info_(source.info()), most_bytes_(most_bytes), folder_(spool_folder()), file_(nullptr, std::fclose) {
  std::string path = folder_ + "/voxconv.XXXXXX";
  const int descriptor = ::mkstemp(path.data());
  if (descriptor >= 0) {
    ::unlink(path.c_str());
    file_.reset(::fdopen(descriptor, "w+b"));
    if (!file_) ::close(descriptor);
  }
  if (!file_) fail_to("be made");
}

void Spool::fail_to(const char* do_what) const {
  fail(ErrorCode::io,
       "The temporary file in {} that --key auto keeps the source in cannot {}: {}. Name another folder in TMPDIR, or give the key in "
       "semitones.",
       folder_, do_what, std::strerror(errno));
}

bool Spool::read(AudioBuffer& out, std::size_t max_frames) {
  const auto channels = std::size_t(info_.channels);
  if (!rewound_) {
    if (!source_.read(out, max_frames)) return false;
    const auto frame_bytes = std::int64_t(channels * sizeof(float));
    if ((kept_ + std::int64_t(out.frames())) * frame_bytes > most_bytes_)
      fail(ErrorCode::io,
           "The source is longer than {:.2g} h, of which --key auto keeps {:.2g} GB in a temporary file and no more: give the key in "
           "semitones, or convert it from a file.",
           double(most_bytes_) / double(frame_bytes) / info_.rate / 3600, double(most_bytes_) / 1e9);
    interleave(out, 0, out.frames(), interleaved_);
    if (std::fwrite(interleaved_.data(), sizeof(float), interleaved_.size(), file_.get()) != interleaved_.size()) fail_to("be written");
    kept_ += std::int64_t(out.frames());
    return true;
  }
  const auto count = std::size_t(std::min({std::int64_t(max_frames), max_samples_of_a_read / info_.channels, kept_ - given_}));
  out = AudioBuffer(info_.rate, channels, count);
  interleaved_.resize(count * channels);
  if (std::fread(interleaved_.data(), sizeof(float), interleaved_.size(), file_.get()) != interleaved_.size()) fail_to("be read");
  deinterleave(interleaved_.data(), count, out);
  given_ += std::int64_t(count);
  return count > 0;
}

void Spool::rewind() {
  if (std::fflush(file_.get()) != 0) fail_to("be written");
  std::rewind(file_.get());
  info_.frames = kept_;
  rewound_ = true;
}

}  // namespace voxconv
