#include "nn/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/fail.h"

namespace voxconv::nn {

MappedFile map_file(const std::string& path, std::uint64_t least) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(ErrorCode::not_found, "Cannot open {}: {}.", path, std::strerror(errno));
  struct stat status {};
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  const std::uint64_t size = regular ? static_cast<std::uint64_t>(status.st_size) : 0;
  if (!regular || size < least) {
    ::close(fd);
    fail(ErrorCode::bad_model, "{} is no model file: it has {} bytes, at least {} are needed.", path, size, least);
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (address == MAP_FAILED) fail(ErrorCode::io, "Cannot map {}: {}.", path, std::strerror(errno));
  return {{static_cast<const std::uint8_t*>(address), [size](const std::uint8_t* p) { ::munmap(const_cast<std::uint8_t*>(p), size); }},
          size};
}

}  // namespace voxconv::nn
