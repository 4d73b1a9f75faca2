#include "audio/tags.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace voxconv {
namespace {

constexpr std::size_t max_tag_bytes = 65536, max_tags = 256, max_cover_bytes = 16 << 20;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

bool technical(const std::string& key) {
  constexpr std::array<std::string_view, 16> names{"encoder",           "encoded_by",     "encoding_tool",  "creation_time",
                                                   "major_brand",       "duration",       "minor_version",  "language",
                                                   "compatible_brands", "handler_name",   "vendor_id",      "itunsmpb",
                                                   "itunnorm",          "coding_history", "time_reference", "metadata_block_picture"};
  return std::ranges::find(names, key) != names.end() || key.starts_with("replaygain_") || key.starts_with("r128_");
}

/// Whether `text` is well-formed UTF-8, as far as JSON cares: whole sequences, no surrogates, nothing overlong.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xc2 && first < 0xe0 ? 2
                               : (first & 0xf0) == 0xe0        ? 3
                               : first >= 0xf0 && first < 0xf5 ? 4
                                                               : 0;
    if (length == 0) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    const unsigned second = byte(i + 1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

/// Old tags come in Latin-1 without saying so.
std::string to_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += char(0xc0 | byte >> 6);
    out += byte < 0x80 ? c : char(0x80 | (byte & 0x3f));
  }
  return out;
}

void add_tags(const AVDictionary* dictionary, Tags& tags) {
  const AVDictionaryEntry* entry = nullptr;
  while (tags.size() < max_tags && (entry = av_dict_get(dictionary, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    const std::string key = to_utf8(lower(entry->key)), value = to_utf8(entry->value);
    if (!key.empty() && !value.empty() && value.size() <= max_tag_bytes && !technical(key)) tags.emplace(key, value);
  }
}

const char* picture_mime(AVCodecID codec) {
  if (codec == AV_CODEC_ID_MJPEG) return "image/jpeg";
  return codec == AV_CODEC_ID_PNG ? "image/png" : nullptr;
}

}  // namespace

Tags read_tags(const AVFormatContext& format, const AVStream* stream) {
  Tags tags;
  add_tags(format.metadata, tags);
  if (stream) add_tags(stream->metadata, tags);
  return tags;
}

std::optional<Picture> read_cover(const AVFormatContext& format) {
  std::optional<Picture> cover;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    const AVPacket& packet = stream.attached_pic;
    const char* mime = picture_mime(stream.codecpar->codec_id);
    if (!(stream.disposition & AV_DISPOSITION_ATTACHED_PIC) || !mime || packet.size <= 0 || std::size_t(packet.size) > max_cover_bytes)
      continue;
    const AVDictionaryEntry* kind = av_dict_get(stream.metadata, "comment", nullptr, 0);
    const bool front = kind && std::string_view(kind->value) == "Cover (front)";
    if (!cover || front) cover = Picture{mime, {packet.data, packet.data + packet.size}};
    if (front) break;
  }
  return cover;
}

}  // namespace voxconv
