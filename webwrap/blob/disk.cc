#include "blob/disk.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "blob/file_descriptor.h"
#include "domain/error.h"

namespace webwrap {
namespace {

std::int64_t free_bytes(const std::string& dir) {
  struct statvfs status = {};
  if (::statvfs(dir.c_str(), &status) != 0)
    throw std::system_error(errno, std::generic_category(), fmt::format("The free space of {} cannot be found out", dir));
  return static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
}

}  // namespace

Disk::Disk(std::string dir, std::int64_t keep_free, std::function<std::int64_t()> probe)
    : dir_(std::move(dir)), keep_free_(keep_free), probe_(std::move(probe)) {}

std::int64_t Disk::free() const { return probe_ ? probe_() : free_bytes(dir_); }
bool Disk::has_room(std::int64_t bytes) const { return keep_free_ == 0 || free() - bytes >= keep_free_; }
bool Disk::is_full() const { return !has_room(0); }
bool Disk::is_critical() const { return free() < keep_free_ / 2; }

void Disk::require(std::int64_t bytes) const {
  if (!has_room(bytes)) fail_disk_full();
}

bool Disk::ensure_reserve() const {
  const std::int64_t size = keep_free_ / 8;
  struct stat status = {};
  if (size == 0 || (::stat(reserve_path().c_str(), &status) == 0 && status.st_size >= size)) return true;
  if (!has_room(size)) return false;
  const FileDescriptor file = open_file(reserve_path(), O_WRONLY | O_CREAT);
  if (!file) return false;
  const bool made = ::posix_fallocate(file.get(), 0, size) == 0;
  if (!made) release_reserve();
  return made;
}

bool Disk::release_reserve() const { return ::unlink(reserve_path().c_str()) == 0; }

void fail_disk_full() {
  throw ServiceError(
      507, "disk_full",
      "The service has no room left; nothing was changed. Delete recordings or songs that you do not need, or try again later.");
}

}  // namespace webwrap
