#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace voxconv {

/// Builds headers: integers of either byte order, and text, one after the other.
class ByteWriter {
 public:
  ByteWriter() { bytes_.reserve(64); }  // what most headers need
  template <int bytes>
  void little(std::uint64_t value) {
    for (int i = 0; i < bytes; ++i) bytes_.push_back(std::uint8_t(value >> (8 * i)));
  }
  template <int bytes>
  void big(std::uint64_t value) {
    for (int i = bytes - 1; i >= 0; --i) bytes_.push_back(std::uint8_t(value >> (8 * i)));
  }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void append(const std::vector<std::uint8_t>& more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  void zeros(std::size_t count) { bytes_.insert(bytes_.end(), count, 0); }

  std::size_t size() const { return bytes_.size(); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace voxconv
