#include "nn/checkpoint/pickle_bytes.h"

#include <bit>
#include <charconv>
#include <cstring>

#include "core/fail.h"
#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {
namespace {

constexpr std::uint64_t longest_line = 4096;

template <typename Number>
Number parse(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::bad_model, "The pickle is damaged: \"{}\" is no number.", printable(text));
  return value;
}

}  // namespace

const std::uint8_t* PickleBytes::take(std::uint64_t bytes) {
  if (bytes > size_ - at_)
    fail(ErrorCode::bad_model, "The pickle is truncated: {} bytes are needed at its byte {}, {} are left.", bytes, at_, size_ - at_);
  const std::uint8_t* start = data_ + at_;
  at_ += bytes;
  return start;
}

std::uint64_t PickleBytes::unsigned_number(int bytes) {
  const std::uint8_t* start = take(static_cast<std::uint64_t>(bytes));
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | start[i];
  return value;
}

std::int64_t PickleBytes::signed_number(int bytes) {
  if (bytes == 0) return 0;
  const std::uint64_t value = unsigned_number(bytes);
  const int unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

double PickleBytes::real() {
  const std::uint8_t* start = take(8);
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | start[i];
  return std::bit_cast<double>(bits);
}

std::string PickleBytes::text(std::uint64_t bytes) {
  const std::uint8_t* start = take(bytes);
  return {reinterpret_cast<const char*>(start), bytes};
}

std::string PickleBytes::line() {
  const std::uint8_t* start = data_ + at_;
  const void* end = std::memchr(start, '\n', std::min(size_ - at_, longest_line));
  if (!end) fail(ErrorCode::bad_model, "The pickle is damaged: the line at its byte {} has no end.", at_);
  const auto bytes = static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(end) - start);
  at_ += bytes + 1;
  return {reinterpret_cast<const char*>(start), bytes};
}

std::int64_t parse_integer(const std::string& text) { return parse<std::int64_t>(text); }
double parse_real(const std::string& text) { return parse<double>(text); }

bool is_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
    if (!more || text.size() - i <= static_cast<std::size_t>(more)) return false;
    std::uint32_t code = lead & (0x3f >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<unsigned char>(text[++i]);
      if ((next & 0xc0) != 0x80) return false;
      code = code << 6 | (next & 0x3f);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
      return false;
  }
  return true;
}

}  // namespace voxconv::nn
