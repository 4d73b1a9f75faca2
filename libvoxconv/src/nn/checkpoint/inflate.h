#pragma once
#include <cstdint>

namespace voxconv::nn {

/// Unpacks `packed` bytes of raw deflate (RFC 1951) into exactly `size` bytes at `out`; false: they are damaged, or of another length.
bool inflate(const std::uint8_t* data, std::uint64_t packed, std::uint8_t* out, std::uint64_t size);

}  // namespace voxconv::nn
