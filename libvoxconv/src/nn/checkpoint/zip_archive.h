#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "nn/mapped_file.h"

namespace voxconv::nn {

/// The entries of a zip file that are stored as they are, as torch.save() stores all of its own.
class ZipArchive {
 public:
  struct Entry {
    const std::uint8_t* data;  ///< in the mapped file
    std::uint64_t size;
    std::uint32_t crc;
  };
  /// Reads and checks the directory: every entry inside the file, none overlapping another, none compressed or encrypted, no name twice.
  /// Throws Error(bad_model).
  explicit ZipArchive(const MappedFile& file);
  const std::map<std::string, Entry>& entries() const { return entries_; }

 private:
  void read_directory(const MappedFile& file, std::uint64_t start, std::uint64_t count);
  std::map<std::string, Entry> entries_;
};

/// The zip format's checksum (CRC-32 of ISO 3309).
std::uint32_t crc32(const std::uint8_t* data, std::uint64_t size, std::uint32_t before = 0);

}  // namespace voxconv::nn
