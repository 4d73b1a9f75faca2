#include "nn/checkpoint/tar_archive.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/fail.h"
#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {
namespace {

constexpr std::uint64_t block_bytes = 512;
constexpr std::size_t most_members = 1000;  // torch writes four

/// A field of a header.
struct Field {
  std::size_t at, bytes;
};
constexpr Field name_field{0, 100}, size_field{124, 12}, sum_field{148, 8}, mark_field{257, 5}, prefix_field{345, 155};
constexpr std::size_t type_at = 156;

std::string text_of(const std::uint8_t* header, Field field) {
  const std::uint8_t* start = header + field.at;
  return {start, std::find(start, start + field.bytes, 0)};
}

/// Octal digits, or GNU's form for more than those can hold: a byte 0x80, then the number in base 256. Nothing: neither.
std::optional<std::uint64_t> number_of(const std::uint8_t* header, Field field) {
  const std::uint8_t *at = header + field.at, *end = at + field.bytes;
  std::uint64_t value = 0;
  if (*at == 0x80) {
    while (++at != end) {
      if (value >> 56) return {};
      value = value << 8 | *at;
    }
    return value;
  }
  while (at != end && *at == ' ') ++at;
  if (at == end || *at < '0' || *at > '7') return {};
  for (; at != end && *at >= '0' && *at <= '7'; ++at) value = value << 3 | (*at - '0');  // 12 digits are 36 bits
  return at == end || *at == ' ' || *at == 0 ? std::optional(value) : std::nullopt;
}

/// The sum of a header's bytes, where the field of the sum itself counts as spaces.
std::uint64_t sum_of(const std::uint8_t* header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) sum += i >= sum_field.at && i < sum_field.at + sum_field.bytes ? ' ' : header[i];
  return sum;
}

/// What a pax entry says of the entry after it.
struct PaxOverrides {
  std::optional<std::uint64_t> size;
  std::optional<std::string> name;
};

std::uint64_t parse(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    fail(ErrorCode::bad_model, "The tar file is damaged: \"{}\" in a pax entry is no size.", printable(std::string(digits)));
  return value;
}

/// Records "<length> <key>=<value>\n", where the length counts the whole record.
PaxOverrides read_pax(std::string_view records) {
  PaxOverrides result;
  while (!records.empty()) {
    const std::size_t space = records.find(' ');
    const std::uint64_t length = parse(records.substr(0, space));
    if (length > records.size() || length < space + 2 || records[length - 1] != '\n')
      fail(ErrorCode::bad_model, "The tar file is damaged: a record of a pax entry does not end where it should.");
    const std::string_view record = records.substr(space + 1, length - space - 2);
    const std::size_t equals = record.find('=');
    const std::string_view key = record.substr(0, equals), value = equals == record.npos ? "" : record.substr(equals + 1);
    if (key == "size") result.size = parse(value);
    if (key == "path") result.name = value;
    if (key.substr(0, 10) == "GNU.sparse") fail(ErrorCode::bad_model, "The tar file has a sparse entry; torch writes plain files.");
    records.remove_prefix(length);
  }
  return result;
}

}  // namespace

bool is_tar(const MappedFile& file) {
  return file.size >= block_bytes && std::memcmp(file.data.get() + mark_field.at, "ustar", mark_field.bytes) == 0;
}

TarArchive::TarArchive(const MappedFile& file) {
  PaxOverrides next;
  for (std::uint64_t at = 0;;) {
    if (file.size - at < block_bytes)
      fail(ErrorCode::bad_model, "The tar file is truncated: it ends at its byte {} without an end mark.", at);
    const std::uint8_t* header = file.data.get() + at;
    if (std::all_of(header, header + block_bytes, [](std::uint8_t byte) { return byte == 0; })) return;
    if (number_of(header, sum_field) != sum_of(header))
      fail(ErrorCode::bad_model, "The tar file is damaged: the checksum of its header at byte {} is wrong. Get the file again.", at);
    const std::string prefix = text_of(header, prefix_field);
    const std::string name =
        next.name.value_or((prefix.empty() || header[mark_field.at + 5] == ' ' ? "" : prefix + "/") + text_of(header, name_field));
    const auto stated = next.size ? next.size : number_of(header, size_field);
    at += block_bytes;
    if (!stated || *stated > file.size - at)
      fail(ErrorCode::bad_model, "The tar file's entry {} does not fit into the file: it has {} bytes, {} are left. Is it truncated?",
           printable(name), stated ? std::to_string(*stated) : "an unknown number of", file.size - at);
    const Entry entry{file.data.get() + at, *stated};
    at = std::min(file.size, at + (*stated + block_bytes - 1) / block_bytes * block_bytes);
    const char type = static_cast<char>(header[type_at]);
    next = {};
    if (type == 'x') {
      next = read_pax({reinterpret_cast<const char*>(entry.data), entry.size});
      continue;
    }
    if (type != '0' && type != '\0')
      fail(ErrorCode::bad_model, "The tar file's entry {} is of the type \"{}\"; torch writes plain files.", printable(name),
           printable(std::string(1, type)));
    if (entries_.size() >= most_members)
      fail(ErrorCode::bad_model, "The tar file has more than {} entries; torch writes four.", most_members);
    if (!entries_.emplace(name, entry).second) fail(ErrorCode::bad_model, "The tar file has the entry {} twice.", printable(name));
  }
}

}  // namespace voxconv::nn
