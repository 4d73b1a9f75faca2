#include "audio/id3.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "audio/byte_writer.h"

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

}  // namespace

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
