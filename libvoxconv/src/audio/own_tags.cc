#include "audio/own_tags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "voxconv/converter.h"
#include "voxconv/version.h"

namespace voxconv {

Tags provenance_tags(const Tags& source, const VoiceInfo& voice, const ConvertOptions& options) {
  Tags tags = source;
  const std::string note = fmt::format("AI-converted vocal: voice {}{}{}, voxconv {}, seed {}", voice.name,
                                       voice.version.empty() ? "" : " ", voice.version, version(), options.seed);
  std::string& comment = tags["comment"];
  comment = comment.empty() ? note : comment + "\n" + note;
  tags[own_tag::ai_converted] = "yes";
  tags[own_tag::voice] = voice.name;
  if (!voice.version.empty()) tags[own_tag::voice_version] = voice.version;
  tags[own_tag::version] = version();
  tags[own_tag::seed] = std::to_string(options.seed);
  return tags;
}

bool is_result(const Tags& tags) {
  return std::ranges::any_of(std::array{own_tag::ai_converted, own_tag::cover, own_tag::stem},
                             [&](const char* tag) { return tags.contains(tag); });
}

}  // namespace voxconv
