#include "nn/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <new>

#include "core/fail.h"
#include "core/file_descriptor.h"

namespace voxconv::nn {
namespace {

/// The mapped files: where each begins and ends.
class Mappings {
 public:
  void add(std::uintptr_t begin, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    ends_[begin] = begin + size;
  }
  void remove(std::uintptr_t begin) {
    const std::lock_guard lock(mutex_);
    ends_.erase(begin);
  }
  /// Calls `use` while the mapping around [begin, end) cannot go away; not at all if there is none.
  template <typename Use>
  void within(std::uintptr_t begin, std::uintptr_t end, const Use& use) {
    const std::lock_guard lock(mutex_);
    const auto after = ends_.upper_bound(begin);
    if (after != ends_.begin() && end <= std::prev(after)->second) use();
  }

 private:
  std::mutex mutex_;
  std::map<std::uintptr_t, std::uintptr_t> ends_;
};

Mappings& mappings() {
  static Mappings* const instance = new Mappings;  // never destroyed: a model may outlive the statics
  return *instance;
}

}  // namespace

MappedFile map_file(const std::string& path, std::uint64_t least) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a named pipe would be waited for
  if (!file) fail(ErrorCode::not_found, "Cannot open {}: {}.", path, std::strerror(errno));
  struct stat status {};
  const bool regular = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  const std::uint64_t size = regular ? static_cast<std::uint64_t>(status.st_size) : 0;
  if (!regular) fail(ErrorCode::bad_model, "{} is no model file but a folder, a pipe or a device.", path);
  if (size < least) fail(ErrorCode::bad_model, "{} is no model file: it has {} bytes, at least {} are needed.", path, size, least);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();  // as where memory runs out elsewhere
  if (address == MAP_FAILED) fail(ErrorCode::io, "Cannot map {}: {}.", path, std::strerror(errno));
  mappings().add(reinterpret_cast<std::uintptr_t>(address), size);
  const auto unmap = [size](const std::uint8_t* data) {
    mappings().remove(reinterpret_cast<std::uintptr_t>(data));
    ::munmap(const_cast<std::uint8_t*>(data), size);
  };
  return {{static_cast<const std::uint8_t*>(address), unmap}, size};
}

void release_pages(const void* data, std::uint64_t size) {
  static const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(data), end = begin + size;
  const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first >= last) return;
  mappings().within(begin, end, [&] { ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED); });
}

}  // namespace voxconv::nn
