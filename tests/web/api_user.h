#pragma once
#include "service.h"

namespace webwrap::testing {

/// A browser client with an account and analysed recordings.
struct ApiUser : Browser {
  enum class Kind { guest, member };

  ApiUser(Service& owner, Kind kind, const std::string& address = "192.0.2.1") : Browser(owner), service(owner) {
    client = address;
    const http::Response made =
        kind == Kind::guest
            ? send(Method::post, "/api/v1/guests")
            : send(Method::post, "/api/v1/accounts", {{"email", new_id() + "@example.org"}, {"password", "three green crows " + new_id()}});
    EXPECT_EQ(made.status, 201) << made.body;
    id = body_of(made).at("id");
    if (kind == Kind::member) confirm_email();
  }

  /// Opens the link of the last mail, with which the free credits come.
  void confirm_email() {
    const std::string mail = service.mailer.sent.back().text, start = "/app/verify?token=";
    const std::size_t at = mail.find(start) + start.size();
    EXPECT_EQ(send(Method::post, "/api/v1/verifications", {{"token", mail.substr(at, mail.find('\n', at) - at)}}).status, 204) << mail;
  }

  Id recording(double seconds = 90) {
    Recording made;
    made.id = new_id();
    made.account = id;
    made.state = Recording::State::ready;
    made.name = "My song.m4a";
    made.blob = "recordings/" + made.id + "/source";
    made.playable = "recordings/" + made.id + "/1-playable.mp3";
    made.peaks = "recordings/" + made.id + "/1-peaks.json";
    made.duration_s = seconds;
    made.f0_low = 90;
    made.f0_median = 120;
    made.f0_high = 160;
    service.blobs->put(made.playable, "mp3");
    service.blobs->put(made.peaks, R"({"peaks":[0.5,1]})");
    service.store->write([&](Transaction& transaction) { transaction.recordings().add(made); });
    return made.id;
  }

  /// Notes what an analysis or a separation finds out of a recording; of stems only that they are there.
  void set_recording(const Id& recording, const std::function<void(Recording&)>& change) {
    service.store->write([&](Transaction& transaction) {
      Recording found = transaction.recordings().find(recording).value();
      change(found);
      transaction.recordings().update(found);
    });
  }
  Id song_with_music(double seconds = 90) {
    const Id made = recording(seconds);
    set_recording(made, [](Recording& found) { found.has_music = true; });
    return made;
  }

  /// A song as a worker makes one.
  Id song(const std::string& title = "Song") {
    Song made;
    made.id = new_id();
    made.account = id;
    made.recording = "gone";
    made.voice = "kathleen";
    made.voice_title = "Kathleen";
    made.voice_version = "1.0.0";
    made.title = title;
    made.options = R"({"key":12.0})";
    made.key = 12;
    made.duration_s = 61.5;
    made.converted = "songs/" + made.id + "/1-converted.flac";
    made.converted_playable = "songs/" + made.id + "/1-converted.mp3";
    made.original = "songs/" + made.id + "/1-original.flac";
    made.original_playable = "songs/" + made.id + "/1-original.mp3";
    made.peaks = R"({"original":[0.1],"converted":[0.2,0.3]})";
    made.created = service.clock.now();
    for (const std::string& key : {made.converted, made.converted_playable, made.original, made.original_playable})
      service.blobs->put(key, key);
    service.store->write([&](Transaction& transaction) { transaction.songs().add(made); });
    return made.id;
  }

  json get(const std::string& path, int status = 200) {
    const http::Response response = send(Method::get, "/api/v1" + path);
    EXPECT_EQ(response.status, status) << path << ": " << response.body;
    return json::parse(response.body, nullptr, false);
  }
  json post(const std::string& path, const json& body, int status = 201, std::map<std::string, std::string> headers = {}) {
    const http::Response response = send(Method::post, "/api/v1" + path, body, std::move(headers));
    EXPECT_EQ(response.status, status) << path << ": " << response.body;
    return json::parse(response.body, nullptr, false);
  }

  Service& service;
  Id id;
};

/// A service with the routes of the API.
struct ApiService : Service {
  ApiService() {
    config.signups_per_day = 1000;
    add_account_routes(router, *context);
    add_session_routes(router, *context);
    add_recording_routes(router, *context);
    add_voice_routes(router, *context);
    add_job_routes(router, *context);
    add_song_routes(router, *context);
    add_share_routes(router, *context);
  }
};

}  // namespace webwrap::testing
