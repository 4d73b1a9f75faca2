#include "audio/io_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/fail.h"

namespace voxconv {

InputFile::InputFile(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  file_ = FileDescriptor(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_ && (errno == ENOENT || errno == ENOTDIR)) fail(ErrorCode::not_found, "{} does not exist.", path);
  if (!file_) fail(ErrorCode::io, "Cannot open {}: {}.", name_, std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(file_.get(), &status) == 0;
  if (path == "-" || !known) return;
  const bool folder = S_ISDIR(status.st_mode), empty = S_ISREG(status.st_mode) && status.st_size == 0;
  if (S_ISREG(status.st_mode)) size_ = status.st_size;
  if (!folder && !empty) return;
  if (folder) fail(ErrorCode::io, "{} is a folder, not a sound file.", path);
  fail(ErrorCode::bad_audio, "{} is empty (0 bytes).", path);
}

std::size_t InputFile::read(void* to, std::size_t size) {
  while (true) {
    const ssize_t got = ::read(file_.get(), to, size);
    if (got >= 0) return std::size_t(got);
    if (errno != EINTR) fail(ErrorCode::io, "Cannot read {}: {}.", name_, std::strerror(errno));
  }
}

std::size_t InputFile::read_at(std::int64_t position, void* to, std::size_t size) const {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(file_.get(), static_cast<char*>(to) + done, size - done, position + std::int64_t(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::io, "Cannot read {}: {}.", name_, std::strerror(errno));
    if (got == 0) break;
    done += std::size_t(got);
  }
  return done;
}

void InputFile::rewind() {
  if (seekable() && ::lseek(file_.get(), 0, SEEK_SET) != 0)
    fail(ErrorCode::io, "Cannot go back to the start of {}: {}.", name_, std::strerror(errno));
}

OutputFile::OutputFile(const std::string& path) : name_(path == "-" ? "standard output" : path) {
  if (path == "-") {
    file_ = FileDescriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!file_) fail(ErrorCode::io, "Cannot write {}: {}.", name_, std::strerror(errno));
    return;
  }
  const bool in_place = takes_bytes(path);
  if (!in_place) target_ = std::make_unique<AtomicFile>(path);
  const std::string& opened = in_place ? path : target_->path();
  file_ = FileDescriptor(::open(opened.c_str(), O_CLOEXEC | (in_place ? O_WRONLY : O_RDWR | O_CREAT | O_TRUNC), 0666));
  if (!file_) fail(ErrorCode::io, "Cannot write {}: {}.", path, std::strerror(errno));
}

void OutputFile::write(const void* from, std::size_t size) {
  const char* bytes = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t put = ::write(file_.get(), bytes, size);
    if (put < 0) {
      if (errno == EINTR) continue;
      fail(ErrorCode::io, "Cannot write {}: {}.", name_, std::strerror(errno));
    }
    bytes += put;
    size -= std::size_t(put);
    position_ += put;
    size_ = std::max(size_, position_);
  }
}

void OutputFile::seek(std::int64_t position) {
  if (::lseek(file_.get(), position, SEEK_SET) != position) fail(ErrorCode::io, "Cannot seek in {}: {}.", name_, std::strerror(errno));
  position_ = position;
}

std::vector<std::uint8_t> OutputFile::read(std::int64_t position, std::size_t size) const {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(file_.get(), bytes.data() + done, size - done, position + std::int64_t(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      fail(ErrorCode::io, "Cannot read back {}: {}.", name_, got < 0 ? std::strerror(errno) : "it is shorter than what was written");
    done += std::size_t(got);
  }
  return bytes;
}

void OutputFile::truncate(std::int64_t size) {
  if (::ftruncate(file_.get(), size) != 0) fail(ErrorCode::io, "Cannot shorten {}: {}.", name_, std::strerror(errno));
  size_ = size;
}

void OutputFile::commit() {
  if (!target_) return;
  file_.close();
  target_->commit();
}

}  // namespace voxconv
