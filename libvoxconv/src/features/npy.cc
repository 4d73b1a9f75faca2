#include "features/npy.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace voxconv {
namespace {

static_assert(std::endian::native == std::endian::little, "read_npy() and write_npy() copy little-endian numbers");

constexpr std::string_view magic = "\x93NUMPY";

/// What follows 'key': in the header, a Python dictionary.
std::string_view field(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos) return {};
  std::string_view rest = header.substr(at + quoted.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

/// "(12, 2)" -> 12, 2. False where it is no tuple of numbers.
bool parse_shape(std::string_view text, std::vector<std::size_t>& shape) {
  if (text.empty() || text[0] != '(') return false;
  text.remove_prefix(1);
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
    if (text.empty()) return false;
    if (text[0] == ')') return true;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || shape.size() == 8) return false;
    shape.push_back(value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

}  // namespace

NpyArray read_npy(const std::string& path) {
  const std::string file = read_file(path);
  const std::string_view bytes = file;
  const auto bad = [&](std::string_view what) { fail(ErrorCode::usage, "{} is no usable .npy file: {}.", path, what); };
  if (bytes.size() < 12 || !bytes.starts_with(magic)) bad("it does not start like one");
  const int version = bytes[6];
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::uint32_t header_size = 0;
  std::memcpy(&header_size, bytes.data() + 8, prefix - 8);
  if (version < 1 || version > 3 || header_size > bytes.size() - prefix) bad("its header is damaged");
  const std::string_view header = bytes.substr(prefix, header_size), data = bytes.substr(prefix + header_size);

  const std::string_view type = field(header, "descr");
  const bool single = type.starts_with("'<f4'");
  if (!single && !type.starts_with("'<f8'")) bad("it must hold little-endian float32 or float64 numbers");
  NpyArray array;
  if (!parse_shape(field(header, "shape"), array.shape)) bad("its header gives no shape");
  if (field(header, "fortran_order").starts_with("True") && array.shape.size() > 1) bad("it is in Fortran order; save it with order=\"C\"");
  const std::size_t size = single ? sizeof(float) : sizeof(double);
  std::size_t count = data.size() / size;
  for (const std::size_t n : array.shape) {
    if (n > 0 && count / n == 0) bad("it is shorter than its header says");
    count = n > 0 ? count / n : 0;
  }
  count = 1;
  for (const std::size_t n : array.shape) count *= n;
  array.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    float narrow = 0;
    if (single)
      std::memcpy(&narrow, data.data() + i * size, size);
    else
      std::memcpy(&array.values[i], data.data() + i * size, size);
    if (single) array.values[i] = narrow;
  }
  return array;
}

void write_npy(const std::string& path, const std::vector<std::size_t>& shape, const std::vector<float>& values) {
  std::string sizes;
  for (const std::size_t n : shape) sizes += fmt::format("{},", n);
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", sizes);
  header.append(63 - (magic.size() + 4 + header.size()) % 64, ' ').push_back('\n');  // the data starts at a multiple of 64
  const auto length = static_cast<std::uint16_t>(header.size());
  std::string file(magic);
  file += {'\x01', '\x00', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  file += header;
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  write_file(path, file);
}

}  // namespace voxconv
