#include "api/voices.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>

#include "api/auth.h"
#include "api/handlers.h"
#include "domain/error.h"
#include "store/voice_info.h"
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

json view(const OfferedVoice& offered, const Account* asker) {
  const voxconv::VoiceInfo& voice = offered.info;
  json answer = {{"id", offered.key},        {"title", voice.title},     {"description", voice.description}, {"language", voice.language},
                 {"gender", voice.gender},   {"f0_low", voice.f0_low},   {"f0_median", voice.f0_median},     {"f0_high", voice.f0_high},
                 {"licence", voice.licence}, {"consent", voice.consent}, {"attribution", voice.attribution}, {"version", voice.version},
                 {"tags", voice.tags},       {"sample_url", nullptr}};
  const bool is_mine = offered.own && asker && offered.own->account == asker->id;
  answer["by"] = !offered.own ? "service" : is_mine ? "you" : "member";
  if (offered.own ? !offered.own->sample.empty() : !sample_of(voice).empty())
    answer["sample_url"] = fmt::format("/api/v1/voices/{}/sample", offered.key);
  return answer;
}

OfferedVoice require_voice(const Context& context, const std::optional<Account>& asker, const Request& request) {
  if (auto voice = find_voice(context, asker ? &*asker : nullptr, request.params.at("id"))) return std::move(*voice);
  throw ServiceError(404, "no_such_voice", "There is no such voice.");
}

/// The asker's own first, then what is installed, then what other members have published.
Response list_voices(const Context& context, const Request& request) {
  const auto asker = find_account(context, request);
  std::vector<OfferedVoice> mine, others;
  context.store.read([&](Transaction& transaction) {
    if (asker)
      for (const OwnVoice& own : transaction.voices().list(asker->id))
        if (own.is_open_to_owner()) mine.push_back({info_of(own), own, own.id});
    for (const OwnVoice& own : transaction.voices().in_state(OwnVoice::State::published))
      if (own.is_open_to_others() && !(asker && own.account == asker->id)) others.push_back({info_of(own), own, own.id});
  });
  json voices = json::array();
  const auto add = [&](const OfferedVoice& voice) { voices.push_back(view(voice, asker ? &*asker : nullptr)); };
  for (const OfferedVoice& voice : mine) add(voice);
  for (const voxconv::VoiceInfo& voice : installed_voices()) add({voice, {}, voice.name});
  for (const OfferedVoice& voice : others) add(voice);
  return json_response(200, voices);
}

Response get_voice(const Context& context, const Request& request) {
  const auto asker = find_account(context, request);
  return json_response(200, view(require_voice(context, asker, request), asker ? &*asker : nullptr));
}

/// As mp3, which every browser plays; made once for each version of the voice.
Response get_sample(const Context& context, const Request& request) {
  const OfferedVoice offered = require_voice(context, find_account(context, request), request);
  if (offered.own) return audio_response(offered.own->sample);
  const voxconv::VoiceInfo& voice = offered.info;
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

std::vector<voxconv::VoiceInfo> installed_voices() {
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

std::optional<OfferedVoice> find_voice(const Context& context, const Account* asker, const std::string& name) {
  for (const voxconv::VoiceInfo& voice : installed_voices())
    if (voice.name == name) return OfferedVoice{voice, {}, name};
  std::optional<OwnVoice> own;
  bool has_link = false;
  context.store.read([&](Transaction& transaction) {
    own = transaction.voices().find(name);
    if (own) return;
    own = transaction.voices().find_by_link(name);
    has_link = own.has_value();
  });
  if (!own) return std::nullopt;
  const bool is_mine = asker && own->account == asker->id;
  const bool is_open =
      is_mine ? own->is_open_to_owner() : own->is_open_to_others() && (has_link || own->state == OwnVoice::State::published);
  if (!is_open) return std::nullopt;
  return OfferedVoice{info_of(*own), own, name};
}

bool is_open_voice(Transaction& transaction, const Id& account, const std::string& name) {
  const auto own = transaction.voices().find(name);
  return !own || own->is_open_to(account);
}

void add_voice_routes(http::Router& router, Context& context) {
  add_route(router, context, Method::get, "/voices", list_voices);
  add_route(router, context, Method::get, "/voices/{id}", get_voice);
  add_route(router, context, Method::get, "/voices/{id}/sample", get_sample);
}

}  // namespace webwrap
