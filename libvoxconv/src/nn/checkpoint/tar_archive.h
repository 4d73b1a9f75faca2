#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "nn/mapped_file.h"

namespace voxconv::nn {

/// The entries of a tar file (POSIX ustar and pax, GNU), where they lie in the file.
class TarArchive {
 public:
  struct Entry {
    const std::uint8_t* data;  ///< in the mapped file
    std::uint64_t size;
  };
  /// Walks the headers and checks them: sums, numbers, every entry inside the file, plain files only, no name twice, an end. Throws
  /// Error(bad_model).
  explicit TarArchive(const MappedFile& file);
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  std::map<std::string, Entry> entries_;
};

/// Whether the file starts with a header of a tar file.
bool is_tar(const MappedFile& file);

}  // namespace voxconv::nn
