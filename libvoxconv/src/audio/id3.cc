#include "audio/id3.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "audio/byte_writer.h"
#include "core/text.h"

namespace voxconv {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> text_frames{{{"title", "TIT2"},
                                                                                     {"artist", "TPE1"},
                                                                                     {"album", "TALB"},
                                                                                     {"album_artist", "TPE2"},
                                                                                     {"composer", "TCOM"},
                                                                                     {"copyright", "TCOP"},
                                                                                     {"date", "TDRC"},
                                                                                     {"disc", "TPOS"},
                                                                                     {"encoder", "TSSE"},
                                                                                     {"genre", "TCON"},
                                                                                     {"performer", "TPE3"},
                                                                                     {"publisher", "TPUB"},
                                                                                     {"track", "TRCK"},
                                                                                     {"tbpm", "TBPM"}}};

constexpr std::uint8_t utf8 = 3;

/// 28 bits, seven to a byte.
void synchsafe(ByteWriter& out, std::size_t value) {
  for (int shift = 21; shift >= 0; shift -= 7) out.big<1>((value >> shift) & 0x7f);
}

void add_frame(ByteWriter& out, std::string_view id, const ByteWriter& body) {
  out.text(id);
  synchsafe(out, body.size());
  out.zeros(2);
  out.append(body.bytes());
}

void add_tag(ByteWriter& out, const std::string& key, const std::string& value) {
  ByteWriter body;
  body.big<1>(utf8);
  const auto known = std::ranges::find(text_frames, key, &std::pair<std::string_view, std::string_view>::first);
  if (key == "comment") {
    body.text("XXX");  // any language
    body.zeros(1);
  } else if (known == text_frames.end()) {
    body.text(key);
    body.zeros(1);
  }
  body.text(value);
  add_frame(out, key == "comment" ? "COMM" : known == text_frames.end() ? "TXXX" : known->second, body);
}

std::size_t big_number(std::span<const std::uint8_t> bytes, int bits) {
  std::size_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << bits | byte;
  return value;
}

/// One frame's text parts (separated by NUL) into `tags`.
void parse_frame(std::string_view id, std::span<const std::uint8_t> body, Tags& tags) {
  constexpr std::uint8_t latin1 = 0;
  if (body.empty() || (body[0] != latin1 && body[0] != utf8)) return;
  std::string_view text(reinterpret_cast<const char*>(body.data()) + 1, body.size() - 1);
  std::string key;
  if (id == "TXXX" || id == "COMM") {
    if (id == "COMM") text.remove_prefix(std::min<std::size_t>(3, text.size()));
    const auto end = text.find('\0');
    if (end == text.npos) return;
    key = id == "TXXX" ? to_lower(to_utf8(text.substr(0, end))) : end == 0 ? "comment" : "";
    text.remove_prefix(end + 1);
  } else {
    const auto known = std::ranges::find(text_frames, id, &std::pair<std::string_view, std::string_view>::second);
    if (known != text_frames.end()) key = known->first;
  }
  text = text.substr(0, text.find('\0'));
  if (!key.empty() && !text.empty()) tags.emplace(key, to_utf8(text));
}

}  // namespace

Tags parse_id3(std::span<const std::uint8_t> bytes) {
  Tags tags;
  if (bytes.size() < 10 || bytes[0] != 'I' || bytes[1] != 'D' || bytes[2] != '3' || (bytes[3] != 3 && bytes[3] != 4) || bytes[5] != 0)
    return tags;
  const int size_bits = bytes[3] == 4 ? 7 : 8;
  for (std::size_t at = 10; at + 10 <= bytes.size() && bytes[at] != 0;) {
    const std::string_view id(reinterpret_cast<const char*>(bytes.data()) + at, 4);
    const std::size_t size = big_number(bytes.subspan(at + 4, 4), size_bits);
    const bool plain = bytes[at + 9] == 0;  // neither compressed nor encrypted
    at += 10;
    if (size > bytes.size() - at) break;
    if (plain) parse_frame(id, bytes.subspan(at, size), tags);
    at += size;
  }
  return tags;
}

std::vector<std::uint8_t> build_id3(const Tags& tags, const std::optional<Picture>& cover) {
  ByteWriter frames;
  for (const auto& [key, value] : tags) add_tag(frames, key, value);
  if (cover) {
    ByteWriter body;
    body.big<1>(utf8);
    body.text(cover->mime);
    body.zeros(1);
    body.big<1>(3);  // front cover
    body.zeros(1);
    body.append(cover->bytes);
    add_frame(frames, "APIC", body);
  }
  if (frames.size() == 0) return {};
  ByteWriter tag;
  tag.text("ID3");
  tag.big<1>(4);
  tag.zeros(2);
  synchsafe(tag, frames.size());
  tag.append(frames.bytes());
  return tag.bytes();
}

}  // namespace voxconv
