#pragma once
#include <cstdint>
#include <string>

namespace voxconv::nn {

/// The bytes of a pickle, read one after the other. Throws Error(bad_model) where they end early.
class PickleBytes {
 public:
  PickleBytes(const std::uint8_t* data, std::uint64_t size) : data_(data), size_(size) {}

  std::uint64_t position() const { return at_; }
  std::uint64_t unsigned_number(int bytes);  ///< little-endian
  std::int64_t signed_number(int bytes);     ///< little-endian, two's complement
  double real();                             ///< big-endian, as pickle has it
  std::string text(std::uint64_t bytes);
  std::string line();  ///< up to a line feed, which is left out

 private:
  const std::uint8_t* take(std::uint64_t bytes);

  const std::uint8_t* data_;
  std::uint64_t size_, at_ = 0;
};

/// Decimal, as a pickle of protocol 0 has it. Throws Error(bad_model).
std::int64_t parse_integer(const std::string& text);
double parse_real(const std::string& text);

bool is_utf8(const std::string& text);

}  // namespace voxconv::nn
