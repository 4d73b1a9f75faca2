#include "api/voices.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>

#include "api/handlers.h"
#include "domain/error.h"
#include "voxconv/audio_io.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;
using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

std::string sample_of(const voxconv::VoiceInfo& voice) {
  std::error_code ignored;
  for (fs::directory_iterator item(voice.path, ignored), end; item != end; item.increment(ignored))
    if (item->path().stem() == "sample") return item->path().string();
  return {};
}

json view(const voxconv::VoiceInfo& voice) {
  json answer = {{"id", voice.name},         {"title", voice.title},     {"description", voice.description}, {"language", voice.language},
                 {"gender", voice.gender},   {"f0_low", voice.f0_low},   {"f0_median", voice.f0_median},     {"f0_high", voice.f0_high},
                 {"licence", voice.licence}, {"consent", voice.consent}, {"attribution", voice.attribution}, {"version", voice.version},
                 {"tags", voice.tags},       {"sample_url", nullptr}};
  if (!sample_of(voice).empty()) answer["sample_url"] = fmt::format("/api/v1/voices/{}/sample", voice.name);
  return answer;
}

voxconv::VoiceInfo require_voice(const Request& request) {
  if (auto voice = find_voice(request.params.at("id"))) return *voice;
  throw ServiceError(404, "no_such_voice", "There is no such voice.");
}

Response list_voices(const Context&, const Request&) {
  json voices = json::array();
  for (const voxconv::VoiceInfo& voice : offered_voices()) voices.push_back(view(voice));
  return json_response(200, voices);
}

Response get_voice(const Context&, const Request& request) { return json_response(200, view(require_voice(request))); }

/// As mp3, which every browser plays; made once for each version of the voice.
Response get_sample(const Context& context, const Request& request) {
  const voxconv::VoiceInfo voice = require_voice(request);
  const std::string sample = sample_of(voice);
  if (sample.empty()) throw ServiceError(404, "no_sample", "This voice has no sample.");
  const std::string key = fmt::format("voices/{}/{}.mp3", voice.name, voice.sha256.substr(0, 16));
  static std::mutex making;
  if (context.blobs.size(key) < 0) {
    const std::lock_guard lock(making);
    if (context.blobs.size(key) < 0) {
      context.disk.require(0);
      const fs::path temporary = fs::path(context.config.data_dir) / fmt::format("sample-{}-{}.mp3", voice.name, ::getpid());
      const auto reader = voxconv::open_reader(sample);
      voxconv::WriteOptions format;
      format.rate = reader->info().rate;
      format.channels = reader->info().channels;
      format.tags = reader->info().tags;
      const auto writer = voxconv::open_writer(temporary.string(), format);
      voxconv::AudioBuffer audio;
      while (reader->read(audio, std::size_t(format.rate))) writer->write(audio);
      writer->finish();
      context.blobs.put_file(key, temporary.string());
    }
  }
  Response response;
  response.type = "audio/mpeg";
  response.headers.emplace_back("Cache-Control", "public, max-age=86400");
  response.file = {key, ""};
  return response;
}

}  // namespace

std::vector<voxconv::VoiceInfo> offered_voices() {
  static std::mutex mutex;
  static std::vector<voxconv::VoiceInfo> voices;
  static std::chrono::steady_clock::time_point read;
  const std::lock_guard lock(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (voices.empty() || now - read > std::chrono::seconds(10)) {
    voices = voxconv::VoiceStore().list();
    read = now;
  }
  return voices;
}

std::optional<voxconv::VoiceInfo> find_voice(const std::string& name) {
  for (const voxconv::VoiceInfo& voice : offered_voices())
    if (voice.name == name) return voice;
  return std::nullopt;
}

void add_voice_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/voices", list_voices);
  add_route(router, context, Method::get, "/voices/{id}", get_voice);
  add_route(router, context, Method::get, "/voices/{id}/sample", get_sample);
}

}  // namespace webwrap
