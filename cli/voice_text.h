#pragma once
#include <string>

#include "console.h"
#include "voxconv/voice.h"

namespace voxconv::cli {

/// What is known of a voice, as a table for people.
std::string voice_text(const VoiceInfo& voice);

/// The same as an event "voice".
Console::Json voice_event(const VoiceInfo& voice);

/// Adds a row of such a table to `text`, unless `value` is empty.
void add_row(std::string& text, const std::string& key, const std::string& value);

}  // namespace voxconv::cli
