#pragma once
#include <string>

#include "app.h"
#include "voxconv/voice.h"
#include "voxconv/weights.h"

namespace voxconv::cli {

/// What voice.json says of a voice, as an event "voice".
Console::Json voice_event(const VoiceInfo& voice);

/// Shows that and what is known of the voice's model: "voices info", and "info" of a bundle.
int show_voice(Session& session, const std::string& name_or_path);

/// What is known of a model beside its architecture and sample rate, as rows of a table for people, and as JSON.
void add_model_rows(std::string& text, const ModelInfo& model);
Console::Json model_json(const ModelInfo& model);

/// Adds a row of a table for people to `text`, unless `value` is empty.
void add_row(std::string& text, const std::string& key, const std::string& value);

}  // namespace voxconv::cli
