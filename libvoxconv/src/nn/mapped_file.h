#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace voxconv::nn {

/// A whole file in memory, read-only; it stays mapped as long as any copy of `data` lives.
struct MappedFile {
  std::shared_ptr<const std::uint8_t> data;
  std::uint64_t size = 0;
};

/// `least` is the smallest size such a file can have. Throws Error(not_found | bad_model | io).
MappedFile map_file(const std::string& path, std::uint64_t least);

/// Gives the memory behind `size` bytes at `data` back to the system, if they lie in a mapped file: they can still be read, from the file
/// again. So a model is loaded without ever being in memory twice.
void release_pages(const void* data, std::uint64_t size);

}  // namespace voxconv::nn
