#include "worker/picture_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <memory>
#include <string_view>

#include "worker/job_runner.h"

namespace webwrap {
namespace {

using namespace std::string_view_literals;

/// Programs write about ten. A decoder goes over the whole picture for each, of a few bytes if need be: 20 MB would take hours.
constexpr int max_scans = 100;

std::string_view bytes_at(std::string_view bytes, std::size_t at, std::size_t size) {
  if (at > bytes.size() || size > bytes.size() - at) fail_damaged_picture();
  return bytes.substr(at, size);
}

/// 0 past the end.
std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size, bool little_endian = false) {
  std::uint32_t number = 0;
  if (at > bytes.size() || size > bytes.size() - at) return 0;
  for (std::size_t i = 0; i < size; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[little_endian ? at + size - 1 - i : at + i]);
  return number;
}

void set_size(PictureFile& file, std::uint32_t width, std::uint32_t height) {
  if (width == 0 || height == 0) fail_damaged_picture();
  if (std::uint64_t(width) * height > max_picture_pixels)
    throw PermanentJobError(
        fmt::format("This picture has {} x {} pixels, which is too large: it may have {} million at most; 3000 x 3000 are enough.", width,
                    height, max_picture_pixels / 1'000'000));
  file.width = width;
  file.height = height;
}

/// Of EXIF data; 1 (as it is) where it says nothing, or is damaged.
int orientation_of(std::string_view exif) {
  constexpr std::uint32_t orientation = 0x0112;
  constexpr std::size_t entry_size = 12;
  if (exif.starts_with("Exif\0\0"sv)) exif.remove_prefix(6);
  const bool little_endian = exif.starts_with("II");
  if (!little_endian && !exif.starts_with("MM")) return 1;
  const auto number = [&](std::size_t at, std::size_t size) { return number_at(exif, at, size, little_endian); };
  const std::size_t entries = number(4, 4), end = entries + 2 + entry_size * number(entries, 2);
  for (std::size_t at = entries + 2; at < end; at += entry_size)
    if (number(at, 2) == orientation) {
      const std::uint32_t value = number(at + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  return 1;
}

/// Where the entropy-coded data that begins at `at` ends: at the next marker that is not part of it.
std::size_t end_of_scan(std::string_view bytes, std::size_t at) {
  for (;; at += 2) {
    at = bytes.find('\xff', at);
    if (at == bytes.npos) fail_damaged_picture();
    const auto next = static_cast<unsigned char>(bytes_at(bytes, at, 2)[1]);
    const bool restarts = next >= 0xd0 && next <= 0xd7;
    if (next != 0 && !restarts) return at;
  }
}

PictureFile read_jpeg(std::string_view bytes) {
  PictureFile file{PictureFile::Format::jpeg, std::string(bytes.substr(0, 2))};
  int frames = 0, scans = 0;
  for (std::size_t at = 2;;) {
    while (bytes_at(bytes, at, 2) == "\xff\xff") ++at;  // filling
    if (bytes[at] != '\xff') fail_damaged_picture();
    const auto marker = static_cast<unsigned char>(bytes[at + 1]);
    if (marker == 0xd9) {  // the end
      if (scans == 0) fail_damaged_picture();
      file.bytes += "\xff\xd9";
      return file;
    }
    const std::string_view segment = bytes_at(bytes, at, 2 + number_at(bytes_at(bytes, at + 2, 2), 0, 2));
    if (segment.size() < 4) fail_damaged_picture();
    at += segment.size();
    switch (marker) {
      case 0xc0:  // frames: baseline, extended, progressive
      case 0xc1:
      case 0xc2:
        if (++frames > 1) fail_damaged_picture();
        if (number_at(segment, 9, 1) == 4)
          throw PermanentJobError("This picture is in colours for print (CMYK); save it in RGB, as shops for music want it.");
        set_size(file, number_at(segment, 7, 2), number_at(segment, 5, 2));
        break;
      case 0xc4:  // tables; how often the data restarts
      case 0xdb:
      case 0xdd:
      case 0xee: break;  // Adobe's: which colours these are
      case 0xda:         // a scan
        if (++scans > max_scans) throw PermanentJobError("This JPEG has more than 100 scans; save it anew as a plain JPEG or PNG.");
        at = end_of_scan(bytes, at);
        file.bytes.append(segment.data(), bytes.data() + at);
        continue;
      default:
        if (marker == 0xe1 && segment.substr(4).starts_with("Exif")) file.orientation = orientation_of(segment.substr(4));
        if ((marker >= 0xe0 && marker <= 0xef) || marker == 0xfe) continue;
        throw PermanentJobError("This JPEG is of a rare kind that is not known here; save it anew as a plain JPEG or PNG.");
    }
    file.bytes += segment;
  }
}

/// The pixels of a png may be followed by zeros that were packed a thousand times smaller. Its decoder unpacks them all: minutes for 20 MB.
/// What is damaged is left for it to find.
void check_unpacked_size(const std::string& packed, std::uint64_t most) {
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> release(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::array<Bytef, 1 << 15> unpacked;
  for (int result = Z_OK; result == Z_OK;) {
    stream.next_out = unpacked.data();
    stream.avail_out = unpacked.size();
    result = inflate(&stream, Z_NO_FLUSH);
    if (stream.total_out > most) fail_damaged_picture();
  }
}

PictureFile read_png(std::string_view bytes) {
  PictureFile file{PictureFile::Format::png, std::string(bytes.substr(0, 8))};
  std::string packed;
  for (std::size_t at = 8;;) {
    const std::size_t size = number_at(bytes_at(bytes, at, 8), 0, 4);
    const std::string_view name = bytes.substr(at + 4, 4), chunk = bytes_at(bytes, at, size + 12);
    at += chunk.size();
    if (name == "IHDR" || name == "PLTE" || name == "tRNS" || name == "IDAT" || name == "IEND") file.bytes += chunk;
    if (name == "IHDR") set_size(file, number_at(chunk, 8, 4), number_at(chunk, 12, 4));
    if (name == "IDAT") packed += chunk.substr(8, size);
    if (name == "eXIf") file.orientation = orientation_of(chunk.substr(8, size));
    if (name == "IEND") break;
  }
  check_unpacked_size(packed, std::uint64_t{8} * (file.width + 2) * (file.height + 8));  // of 64 bits each, with rows' heads, interlaced
  return file;
}

PictureFile read_webp(std::string_view bytes) {
  PictureFile file{PictureFile::Format::webp, {}};
  std::string kept = "WEBP";
  for (std::size_t at = 12; at < bytes.size();) {
    const std::size_t size = number_at(bytes_at(bytes, at, 8), 4, 4, true);
    const std::string_view name = bytes.substr(at, 4), chunk = bytes_at(bytes, at, size + 8);
    at += chunk.size() + size % 2;
    if (name == "ANMF") throw PermanentJobError("This picture moves; use one that stands still, as a JPEG, PNG or WebP.");
    if (name == "EXIF") file.orientation = orientation_of(chunk.substr(8));
    if (name == "VP8 ") set_size(file, number_at(chunk, 14, 2, true) & 0x3fff, number_at(chunk, 16, 2, true) & 0x3fff);
    if (name == "VP8L") {
      const std::uint32_t sides = number_at(chunk, 9, 4, true);
      set_size(file, (sides & 0x3fff) + 1, (sides >> 14 & 0x3fff) + 1);
    }
    if (name != "VP8X" && name != "ALPH" && name != "VP8 " && name != "VP8L") continue;
    kept += chunk;
    kept.append(size % 2, '\0');
  }
  file.bytes = "RIFF";
  for (int shift = 0; shift < 32; shift += 8) file.bytes += static_cast<char>(kept.size() >> shift & 255);
  file.bytes += kept;
  return file;
}

}  // namespace

void fail_damaged_picture() {
  throw PermanentJobError("This picture cannot be read: it is damaged or was cut off. Save it anew as a JPEG or PNG.");
}

PictureFile read_picture_file(const std::string& bytes) {
  const auto read = [&]() -> PictureFile {
    if (bytes.starts_with("\xff\xd8\xff")) return read_jpeg(bytes);
    if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return read_png(bytes);
    if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.compare(8, 4, "WEBP") == 0) return read_webp(bytes);
    throw PermanentJobError("This file is no picture in a format known here: use a JPEG, PNG or WebP.");
  };
  PictureFile file = read();
  if (file.width == 0) fail_damaged_picture();
  return file;
}

}  // namespace webwrap
