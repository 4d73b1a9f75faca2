#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "nn/mapped_file.h"

namespace voxconv::nn {

/// The entries of a zip file. torch.save() stores them as they are, and they are read where they lie in the mapped file, so that tensors
/// are views into it: libzip gives no pointers and no offsets, hence this reader. If any entry is compressed (somebody packed the file
/// again), all are unpacked into memory.
class ZipArchive {
 public:
  struct Entry {
    const std::uint8_t* data;  ///< in bytes()
    std::uint64_t size;
    std::uint32_t crc;
  };
  /// Reads and checks the directory: every entry inside the file, none overlapping another, none encrypted or compressed other
  /// than by deflate, no name twice, and all together not far larger than the file. Throws Error(bad_model).
  explicit ZipArchive(const MappedFile& file);
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const MappedFile& bytes() const { return bytes_; }  ///< the mapped file, or what was unpacked

 private:
  void read_directory(const MappedFile& file, std::uint64_t start, std::uint64_t count);
  void unpack();

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::uint64_t> packed_;  ///< bytes in the file of the entries that are compressed
  MappedFile bytes_;
};

/// The zip format's checksum (CRC-32 of ISO 3309).
std::uint32_t zip_checksum(const void* data, std::uint64_t size);

}  // namespace voxconv::nn
