#include "audio/tags.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "audio/id3.h"
#include "core/text.h"

namespace voxconv {
namespace {

constexpr std::size_t max_tag_bytes = 65536, max_tags = 256, max_cover_bytes = 16 << 20;

bool technical(const std::string& key) {
  constexpr std::array<std::string_view, 16> names{"encoder",           "encoded_by",     "encoding_tool",  "creation_time",
                                                   "major_brand",       "duration",       "minor_version",  "language",
                                                   "compatible_brands", "handler_name",   "vendor_id",      "itunsmpb",
                                                   "itunnorm",          "coding_history", "time_reference", "metadata_block_picture"};
  return std::ranges::find(names, key) != names.end() || key.starts_with("replaygain_") || key.starts_with("r128_");
}

void add_tag(const std::string& key, const std::string& value, Tags& tags) {
  if (!key.empty() && !value.empty() && value.size() <= max_tag_bytes && !technical(key)) tags.emplace(key, value);
}

void add_tags(const AVDictionary* dictionary, Tags& tags) {
  const AVDictionaryEntry* entry = nullptr;
  while (tags.size() < max_tags && (entry = av_dict_get(dictionary, "", entry, AV_DICT_IGNORE_SUFFIX))) {
    add_tag(to_lower(to_utf8(entry->key)), to_utf8(entry->value), tags);
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

void add_wav_id3_tags(const InputFile& input, Tags& tags) {
  const auto read = [&](std::int64_t at, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    bytes.resize(input.read_at(at, bytes.data(), size));
    return bytes;
  };
  const auto is = [](const std::vector<std::uint8_t>& bytes, std::size_t at, std::string_view text) {
    return std::equal(text.begin(), text.end(), bytes.begin() + std::ptrdiff_t(at));
  };
  const auto head = read(0, 12);
  if (head.size() < 12 || !(is(head, 0, "RIFF") || is(head, 0, "RF64")) || !is(head, 8, "WAVE")) return;
  constexpr int max_chunks = 1000;
  std::int64_t at = 12;
  for (int i = 0; i < max_chunks; ++i) {
    const auto chunk = read(at, 8);
    if (chunk.size() < 8) return;
    const std::uint32_t size = chunk[4] | chunk[5] << 8 | chunk[6] << 16 | std::uint32_t(chunk[7]) << 24;
    if ((is(chunk, 0, "id3 ") || is(chunk, 0, "ID3 ")) && size <= max_cover_bytes + max_tags * max_tag_bytes) {
      for (const auto& [key, value] : parse_id3(read(at + 8, size))) add_tag(key, value, tags);
      return;
    }
    at += 8 + std::int64_t(size) + size % 2;
  }
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
