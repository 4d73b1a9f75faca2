#pragma once
#include <optional>
#include <string>
#include <vector>

#include "voxconv/voice.h"

namespace webwrap {

/// The voices on offer, read anew every few seconds at most. Thread-safe.
std::vector<voxconv::VoiceInfo> offered_voices();
/// By its name only, never by a path: names come from clients.
std::optional<voxconv::VoiceInfo> find_voice(const std::string& name);

}  // namespace webwrap
