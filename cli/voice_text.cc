#include "voice_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace voxconv::cli {

void add_row(std::string& text, const std::string& key, const std::string& value) {
  if (value.empty()) return;
  text += fmt::format("{}{:<13} {}", text.empty() ? "" : "\n", key, value);
}

void add_model_rows(std::string& text, const ModelInfo& model) {
  if (!model.is_voice) return;
  add_row(text, "model version", model.version);
  add_row(text, "speakers", std::to_string(model.speakers));
  add_row(text, "takes pitch", model.f0 ? "yes" : "no");
  add_row(text, "encoder", model.content_encoder);
  add_row(text, "vocoder", model.vocoder);
  add_row(text, "epochs", model.epochs);
}

Console::Json model_json(const ModelInfo& model) {
  Console::Json json{{"architecture", model.architecture}, {"is_voice", model.is_voice}};
  if (model.is_voice)
    json.update({{"version", model.version},
                 {"sample_rate", model.sample_rate},
                 {"speakers", model.speakers},
                 {"f0", model.f0},
                 {"content_encoder", model.content_encoder},
                 {"vocoder", model.vocoder},
                 {"epochs", model.epochs}});
  return json;
}

int show_voice(Session& session, const std::string& name_or_path) {
  const VoiceInfo voice = VoiceStore().find(name_or_path);
  const ModelInfo model = inspect_model(voice.path);
  std::string text;
  add_row(text, "name", voice.name);
  add_row(text, "title", voice.title);
  add_row(text, "description", voice.description);
  add_row(text, "language", voice.language);
  add_row(text, "gender", voice.gender);
  add_row(text, "tags", fmt::format("{}", fmt::join(voice.tags, ", ")));
  add_row(text, "architecture", voice.architecture);
  add_row(text, "sample rate", fmt::format("{} Hz", voice.sample_rate));
  add_row(
      text, "pitch",
      voice.f0_high > 0 ? fmt::format("{:.0f} to {:.0f} Hz, median {:.0f} Hz", voice.f0_low, voice.f0_high, voice.f0_median) : "not known");
  add_model_rows(text, model);
  add_row(text, "licence", voice.licence);
  add_row(text, "consent", voice.consent);
  add_row(text, "attribution", voice.attribution);
  add_row(text, "version", voice.version);
  add_row(text, "sha256", voice.sha256);
  add_row(text, "path", voice.path);
  Console::Json event = voice_event(voice);
  event["model"] = model_json(model);
  session.console.result(text, event);
  return 0;
}

Console::Json voice_event(const VoiceInfo& voice) {
  return {{"event", "voice"},
          {"name", voice.name},
          {"title", voice.title},
          {"description", voice.description},
          {"language", voice.language},
          {"gender", voice.gender},
          {"tags", voice.tags},
          {"architecture", voice.architecture},
          {"sample_rate", voice.sample_rate},
          {"f0_hz", {{"low", voice.f0_low}, {"median", voice.f0_median}, {"high", voice.f0_high}}},
          {"licence", voice.licence},
          {"consent", voice.consent},
          {"attribution", voice.attribution},
          {"version", voice.version},
          {"sha256", voice.sha256},
          {"path", voice.path}};
}

}  // namespace voxconv::cli
