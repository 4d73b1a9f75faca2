#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "app.h"
#include "voice_text.h"
#include "voxconv/audio_io.h"
#include "voxconv/weights.h"

namespace voxconv::cli {
namespace fs = std::filesystem;
namespace {

struct InfoCommand {
  std::string path;
  bool tensors = false;
};

void define_info(CLI::App& app, InfoCommand& options) {
  app.add_option(
         "file", options.path,
         "Audio file, voice bundle (folder) or weights file (.pth, .pt, .th, .ckpt, .bin, .safetensors), or retrieval index (.index)")
      ->required()
      ->type_name("FILE");
  app.add_flag("--tensors", options.tensors, "Of a weights file: list every tensor");
  app.footer(
      "Examples:\n"
      "  voxconv info tests/data/song.flac\n"
      "  voxconv info models/content/whisper_base/weights.safetensors\n"
      "  voxconv info singer.pth");
}

int audio_info(Session& session, const std::string& path) {
  const auto reader = open_reader(path);
  const AudioInfo& info = reader->info();
  const double seconds = info.frames >= 0 && info.rate > 0 ? double(info.frames) / info.rate : -1;
  std::string text;
  add_row(text, "file", path);
  add_row(text, "container", info.container);
  add_row(text, "codec", info.codec);
  add_row(text, "sample rate", fmt::format("{} Hz", info.rate));
  add_row(text, "channels", std::to_string(info.channels));
  add_row(text, "length", seconds < 0 ? "not known" : fmt::format("{} ({:.3f} s, {} frames)", clock_text(seconds), seconds, info.frames));
  for (const auto& [key, value] : info.tags) add_row(text, key, value);
  if (info.cover) add_row(text, "cover", fmt::format("{}, {} bytes", info.cover->mime, info.cover->bytes.size()));
  session.console.result(text, {{"event", "audio"},
                                {"path", path},
                                {"container", info.container},
                                {"codec", info.codec},
                                {"rate", info.rate},
                                {"channels", info.channels},
                                {"frames", info.frames >= 0 ? Console::Json(info.frames) : Console::Json(nullptr)},
                                {"seconds", seconds >= 0 ? Console::Json(seconds) : Console::Json(nullptr)},
                                {"tags", info.tags},
                                {"cover", info.cover ? Console::Json(info.cover->mime) : Console::Json(nullptr)}});
  return 0;
}

/// What the weights are for; nothing where that is not known.
void add_model(std::string& text, Console::Json& event, const ModelInfo& model) {
  if (model.architecture.empty()) return;
  add_row(text, "architecture", model.architecture);
  event["model"] = model_json(model);
  if (!model.is_voice) return;
  add_row(text, "sample rate", fmt::format("{} Hz", model.sample_rate));
  add_model_rows(text, model);
}

int weights_info(Session& session, const InfoCommand& options) {
  const WeightsInfo info = inspect_weights(options.path);
  Console::Json event{
      {"event", "weights"},  {"path", options.path},          {"format", info.format},     {"verdict", info.verdict},
      {"bytes", info.bytes}, {"parameters", info.parameters}, {"metadata", info.metadata}, {"tensor_count", info.tensors.size()}};
  std::string text;
  add_row(text, "file", options.path);
  add_row(text, "format", info.format);
  add_row(text, "safety", info.verdict);
  add_model(text, event, inspect_model(options.path));
  add_row(text, "size", fmt::format("{:.1f} MB", double(info.bytes) / 1e6));
  add_row(text, "tensors", std::to_string(info.tensors.size()));
  add_row(text, "parameters", fmt::format("{:.2f} million", double(info.parameters) / 1e6));
  std::vector<std::string> damaged;
  for (const TensorInfo& tensor : info.tensors)
    if (!tensor.finite) damaged.push_back(tensor.name);
  if (!damaged.empty())
    add_row(text, "damaged", fmt::format("{} tensor(s) have numbers that are not finite: {}", damaged.size(), fmt::join(damaged, ", ")));
  event["not_finite"] = damaged;
  for (const auto& [key, value] : info.metadata) add_row(text, key, value);
  if (options.tensors) {
    event["tensors"] = Console::Json::array();
    for (const TensorInfo& tensor : info.tensors) {
      text += fmt::format("\n  {:4} {:16} {}", tensor.type, fmt::format("{}", tensor.shape), tensor.name);
      event["tensors"].push_back({{"name", tensor.name}, {"type", tensor.type}, {"shape", tensor.shape}});
    }
  }
  session.console.result(text, event);
  return 0;
}

bool has_extension(const std::string& path, std::initializer_list<const char*> known) {
  std::string extension = fs::path(path).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(known.begin(), known.end(), extension) != known.end();
}

int run_info(Session& session, const InfoCommand& options) {
  if (std::error_code none; fs::is_directory(options.path, none)) return show_voice(session, options.path);
  if (has_extension(options.path, {".safetensors", ".pth", ".pt", ".th", ".ckpt", ".bin"})) return weights_info(session, options);
  if (has_extension(options.path, {".index", ".faiss"})) return show_index(session, options.path);
  return audio_info(session, options.path);
}

}  // namespace

void setup_info(CLI::App& app, Session& session) {
  add_command<InfoCommand>(app, session, "info", "Describe an audio file, a voice bundle or a weights file", define_info, run_info);
}

}  // namespace voxconv::cli
