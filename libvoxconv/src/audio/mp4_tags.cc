#include "audio/mp4_tags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "audio/byte_writer.h"
#include "core/fail.h"

namespace voxconv {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> text_boxes{{{"album", "\251alb"},
                                                                                    {"album_artist", "aART"},
                                                                                    {"artist", "\251ART"},
                                                                                    {"comment", "\251cmt"},
                                                                                    {"composer", "\251wrt"},
                                                                                    {"copyright", "cprt"},
                                                                                    {"date", "\251day"},
                                                                                    {"encoder", "\251too"},
                                                                                    {"genre", "\251gen"},
                                                                                    {"title", "\251nam"}}};
enum class DataType : std::uint8_t { binary = 0, utf8 = 1, jpeg = 13, png = 14 };

Bytes box(std::string_view type, const Bytes& body) {
  ByteWriter out;
  out.big<4>(8 + body.size());
  out.text(type);
  out.append(body);
  return out.bytes();
}

Bytes text_body(std::string_view text) { return {text.begin(), text.end()}; }

Bytes data_box(DataType type, const Bytes& value) {
  ByteWriter body;
  body.big<4>(std::uint8_t(type));
  body.big<4>(0);
  body.append(value);
  return box("data", body.bytes());
}

/// "3/12" or "3" as the binary pair of trkn and disk; empty if it is neither.
Bytes number_pair(const std::string& text, std::size_t trailing) {
  unsigned number = 0, total = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, number);
  const bool pair = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  if (first.ec != std::errc() || (first.ptr != end && !pair)) return {};
  if (pair && std::from_chars(first.ptr + 1, end, total).ptr != end) return {};
  if (number > 0xffff || total > 0xffff) return {};
  ByteWriter out;
  out.zeros(2);
  out.big<2>(number);
  out.big<2>(total);
  out.zeros(trailing);
  return out.bytes();
}

Bytes freeform(const std::string& key, const std::string& value) {
  const auto full_box = [](std::string_view type, std::string_view text) {
    ByteWriter body;
    body.zeros(4);
    body.text(text);
    return box(type, body.bytes());
  };
  ByteWriter body;
  body.append(full_box("mean", "com.apple.iTunes"));
  body.append(full_box("name", key));
  body.append(data_box(DataType::utf8, text_body(value)));
  return box("----", body.bytes());
}

Bytes item(const std::string& key, const std::string& value) {
  if (key == "track" || key == "disc") {
    const Bytes pair = number_pair(value, key == "track" ? 2 : 0);
    if (!pair.empty()) return box(key == "track" ? "trkn" : "disk", data_box(DataType::binary, pair));
  }
  const auto known = std::ranges::find(text_boxes, key, &std::pair<std::string_view, std::string_view>::first);
  return known == text_boxes.end() ? freeform(key, value) : box(known->second, data_box(DataType::utf8, text_body(value)));
}

Bytes udta_box(const Tags& tags, const std::optional<Picture>& cover) {
  ByteWriter list;
  for (const auto& [key, value] : tags) list.append(item(key, value));
  if (cover) list.append(box("covr", data_box(cover->mime == "image/png" ? DataType::png : DataType::jpeg, cover->bytes)));
  ByteWriter handler;
  handler.zeros(8);
  handler.text("mdirappl");
  handler.zeros(9);
  ByteWriter meta;
  meta.zeros(4);
  meta.append(box("hdlr", handler.bytes()));
  meta.append(box("ilst", list.bytes()));
  return box("udta", box("meta", meta.bytes()));
}

struct BoxHeader {
  std::uint64_t size;
  std::string type;
};

BoxHeader parse_header(const std::uint8_t* bytes) {
  std::uint64_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | bytes[i];
  return {size, std::string(reinterpret_cast<const char*>(bytes) + 4, 4)};
}

[[noreturn]] void unexpected(const OutputFile& file) {
  fail(ErrorCode::internal, "Cannot put tags into {}: its boxes are not as expected.", file.name());
}

}  // namespace

void write_mp4_tags(OutputFile& file, const Tags& tags, const std::optional<Picture>& cover) {
  std::int64_t at = 0;
  BoxHeader header{};
  while (true) {
    const Bytes bytes = file.read(at, 16);
    header = parse_header(bytes.data());
    if (header.size == 1) {  // the size of a long mdat
      header.size = 0;
      for (int i = 8; i < 16; ++i) header.size = header.size << 8 | bytes[std::size_t(i)];
    }
    if (header.size < 8 || header.size > std::uint64_t(file.size() - at)) unexpected(file);
    if (header.type == "moov") break;
    at += std::int64_t(header.size);
    if (at + 16 > file.size()) unexpected(file);
  }
  if (at + std::int64_t(header.size) != file.size()) unexpected(file);
  const Bytes moov = file.read(at, std::size_t(header.size));
  ByteWriter body;
  for (std::size_t child = 8; child < moov.size();) {
    if (child + 8 > moov.size()) unexpected(file);
    const BoxHeader inner = parse_header(moov.data() + child);
    if (inner.size < 8 || inner.size > moov.size() - child) unexpected(file);
    const auto begin = moov.begin() + std::ptrdiff_t(child);
    if (inner.type != "udta") body.append({begin, begin + std::ptrdiff_t(inner.size)});
    child += inner.size;
  }
  body.append(udta_box(tags, cover));
  const Bytes tagged = box("moov", body.bytes());
  file.seek(at);
  file.write(tagged.data(), tagged.size());
  file.truncate(at + std::int64_t(tagged.size()));
}

}  // namespace voxconv
