#include "core/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv {
namespace fs = std::filesystem;

PartFile::PartFile(std::string target) : target_(std::move(target)), path_(target_ + ".part"), origin_path_(path_ + ".origin") {
  file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file_) fail(ErrorCode::io, "Cannot write {}: {}.", path_, std::strerror(errno));
  std::vector<char> block(1 << 20);
  ssize_t got = 0;
  while ((got = ::read(file_.get(), block.data(), block.size())) > 0) {
    hash_.update({block.data(), static_cast<std::size_t>(got)});
    size_ += got;
  }
  if (got < 0) fail(ErrorCode::io, "Cannot read {}: {}.", path_, std::strerror(errno));
  if (std::ifstream origin(origin_path_); origin && size_ > 0) {
    std::getline(origin, url_);
    std::getline(origin, validator_);
  }
}

PartFile::~PartFile() {
  if (!file_ || size_ > 0) return;
  std::remove(path_.c_str());
  remove_origin();
}

void PartFile::remove_origin() { std::remove(origin_path_.c_str()); }

void PartFile::set_origin(const std::string& url, const std::string& validator) {
  url_ = url;
  validator_ = validator;
  write_file(origin_path_, url_ + "\n" + validator_ + "\n");
}

void PartFile::append(std::string_view bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorCode::io, "Cannot write {}: {}.", path_, std::strerror(errno));
    size_ += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartFile::clear() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
    fail(ErrorCode::io, "Cannot empty {}: {}.", path_, std::strerror(errno));
  size_ = 0;
  hash_.reset();
  url_.clear();
  validator_.clear();
}

void PartFile::commit() {
  publish_file(path_, target_);
  file_.close();
  remove_origin();
}

void PartFile::discard() {
  file_.close();
  std::remove(path_.c_str());
  remove_origin();
}

}  // namespace voxconv
