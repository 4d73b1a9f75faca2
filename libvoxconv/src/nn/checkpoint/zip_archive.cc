#include "nn/checkpoint/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "core/fail.h"
#include "nn/checkpoint/pickle_value.h"

namespace voxconv::nn {
namespace {

constexpr std::uint64_t end_bytes = 22, end64_bytes = 56, locator_bytes = 20, longest_comment = 0xffff;
constexpr std::uint64_t most_entries = 1'000'000;
constexpr std::uint64_t stored = 0, deflated = 8;                                         // methods
constexpr std::uint64_t most_growth = 16, free_growth = 1u << 20, buffer_alignment = 64;  // of what is unpacked
constexpr std::uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50, locator_mark = 0x07064b50, entry_mark = 0x02014b50,
                        local_mark = 0x04034b50;

std::uint64_t padded(std::uint64_t size) { return (size + buffer_alignment - 1) / buffer_alignment * buffer_alignment; }

std::uint64_t number(const std::uint8_t* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | at[i];
  return value;
}

/// Where the end record starts: the last one whose comment reaches exactly to the end of the file.
std::uint64_t find_end(const MappedFile& file) {
  for (std::uint64_t back = end_bytes; back <= std::min(file.size, end_bytes + longest_comment); ++back) {
    const std::uint8_t* at = file.data.get() + file.size - back;
    if (number(at, 4) == end_mark && number(at + 20, 2) == back - end_bytes) return file.size - back;
  }
  fail(ErrorCode::bad_model, "The zip file has no end; is it truncated?");
}

/// Sizes and place of an entry beyond 4 GiB stand in an extra field, in this order, and only those that are all ones in the entry itself.
void read_zip64(const std::uint8_t* extra, std::uint64_t extra_bytes, std::uint64_t (&values)[3]) {
  for (std::uint64_t at = 0; at + 4 <= extra_bytes;) {
    const std::uint64_t id = number(extra + at, 2), size = number(extra + at + 2, 2);
    if (size > extra_bytes - at - 4) return;
    std::uint64_t field = at + 4;
    for (std::uint64_t& value : values)
      if (id == 1 && value == 0xffffffff && field + 8 <= at + 4 + size) {
        value = number(extra + field, 8);
        field += 8;
      }
    at += 4 + size;
  }
}

/// Unpacks `packed` bytes of raw deflate (RFC 1951) into exactly `size` bytes at `out`; false: they are damaged, or of another length.
bool inflate(const std::uint8_t* data, std::uint64_t packed, std::uint8_t* out, std::uint64_t size) {
  constexpr std::uint64_t most = std::numeric_limits<uInt>::max();  // that zlib takes at a time
  constexpr int raw = -MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, raw) != Z_OK) return false;
  stream.next_in = const_cast<Bytef*>(data);
  stream.next_out = out;
  int status = Z_OK;
  while (status == Z_OK) {
    const auto in = static_cast<uInt>(std::min(packed, most)), room = static_cast<uInt>(std::min(size, most));
    stream.avail_in = in;
    stream.avail_out = room;
    status = ::inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where nothing moves any more
    packed -= in - stream.avail_in;
    size -= room - stream.avail_out;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && packed == 0 && size == 0;
}

}  // namespace

ZipArchive::ZipArchive(const MappedFile& file) : bytes_(file) {
  const std::uint64_t end = find_end(file);
  const std::uint8_t* record = file.data.get() + end;
  std::uint64_t count = number(record + 10, 2), size = number(record + 12, 4), start = number(record + 16, 4);
  if (count == 0xffff || size == 0xffffffff || start == 0xffffffff) {
    const std::uint8_t* locator = record - locator_bytes;
    if (end >= locator_bytes && number(locator, 4) == locator_mark) {
      const std::uint64_t at = number(locator + 8, 8);
      if (at > end - locator_bytes || end - locator_bytes - at < end64_bytes || number(file.data.get() + at, 4) != end64_mark)
        fail(ErrorCode::bad_model, "The zip file's directory is damaged.");
      count = number(file.data.get() + at + 32, 8);
      size = number(file.data.get() + at + 40, 8);
      start = number(file.data.get() + at + 48, 8);
    }
  }
  if (start > end || size > end - start || count > most_entries || count * 46 > size)
    fail(ErrorCode::bad_model, "The zip file's directory is damaged, or the file is truncated.");
  read_directory(file, start, count);
  if (!packed_.empty()) unpack();
}

void ZipArchive::read_directory(const MappedFile& file, std::uint64_t start, std::uint64_t count) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  const std::uint8_t* data = file.data.get();
  std::uint64_t at = start;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (file.size - at < 46 || number(data + at, 4) != entry_mark) fail(ErrorCode::bad_model, "The zip file's directory is damaged.");
    const std::uint64_t flags = number(data + at + 8, 2), method = number(data + at + 10, 2);
    const auto crc = static_cast<std::uint32_t>(number(data + at + 16, 4));
    std::uint64_t sizes[3] = {number(data + at + 24, 4), number(data + at + 20, 4), number(data + at + 42, 4)};  // whole, packed, place
    const std::uint64_t name_bytes = number(data + at + 28, 2), extra_bytes = number(data + at + 30, 2),
                        comment = number(data + at + 32, 2);
    if (name_bytes + extra_bytes + comment > file.size - at - 46) fail(ErrorCode::bad_model, "The zip file's directory is damaged.");
    const std::string name(reinterpret_cast<const char*>(data + at + 46), name_bytes);
    read_zip64(data + at + 46 + name_bytes, extra_bytes, sizes);
    at += 46 + name_bytes + extra_bytes + comment;

    const auto& [size, packed, place] = sizes;
    if ((method != stored && method != deflated) || (flags & 1) != 0)
      fail(ErrorCode::bad_model, "The zip file's entry {} is {}, which is not read; unpack the file and pack it again with \"zip -0\".",
           printable(name), flags & 1 ? "encrypted" : fmt::format("compressed by the method {}", method));
    if (place > start || start - place < 30 || number(data + place, 4) != local_mark)
      fail(ErrorCode::bad_model, "The zip file's entry {} is damaged: there is nothing at its byte {}.", printable(name), place);
    const std::uint64_t skip = 30 + number(data + place + 26, 2) + number(data + place + 28, 2);
    if ((method == stored && size != packed) || skip > start - place || packed > start - place - skip)
      fail(ErrorCode::bad_model, "The zip file's entry {} of {} bytes does not fit into the file.", printable(name), size);
    ranges.emplace_back(place, place + skip + packed);
    if (method == deflated) packed_[name] = packed;
    if (!entries_.emplace(name, Entry{data + place + skip, size, crc}).second)
      fail(ErrorCode::bad_model, "The zip file has the entry {} twice.", printable(name));
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) fail(ErrorCode::bad_model, "Entries of the zip file overlap.");
}

void ZipArchive::unpack() {
  const MappedFile file = bytes_;
  const std::uint64_t most = file.size * most_growth + free_growth;
  std::uint64_t total = 0;
  for (const auto& [name, entry] : entries_) {
    if (entry.size > most || padded(entry.size) > most - total)
      fail(ErrorCode::bad_model, "The zip file is refused: unpacked, it would take more than {} bytes.", most);
    total += padded(entry.size);
  }
  const std::align_val_t aligned{buffer_alignment};
  auto* memory = static_cast<std::uint8_t*>(::operator new(total, aligned));
  bytes_ = {{memory, [aligned](const std::uint8_t* data) { ::operator delete(const_cast<std::uint8_t*>(data), aligned); }}, total};
  std::uint8_t* at = memory;
  for (auto& [name, entry] : entries_) {
    const auto packed = packed_.find(name);
    if (packed == packed_.end())
      std::copy_n(entry.data, entry.size, at);
    else if (!inflate(entry.data, packed->second, at, entry.size))
      fail(ErrorCode::bad_model, "The zip file's entry {} is damaged: it does not unpack to {} bytes. Get the file again.", printable(name),
           entry.size);
    entry.data = at;
    at += padded(entry.size);
  }
}

std::uint32_t zip_checksum(const void* data, std::uint64_t size) {
  return static_cast<std::uint32_t>(::crc32_z(0, static_cast<const Bytef*>(data), size));
}

}  // namespace voxconv::nn
