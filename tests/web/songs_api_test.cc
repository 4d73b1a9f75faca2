#include <gmock/gmock.h>

#include <chrono>
#include <future>

#include "api/quick_jobs.h"
#include "api_user.h"
#include "commands/commands.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct SongsApi : ::testing::Test {
  ApiService service;
  ApiUser member{service, ApiUser::Kind::member};
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"};
};

TEST_F(SongsApi, ShowsRenamesAndDeletesASong) {
  const Id id = member.song("First"), path = "/songs/" + id;
  const json song = member.get(path);
  EXPECT_EQ(song.at("title"), "First");
  EXPECT_EQ(song.at("voice").at("title"), "Kathleen");
  EXPECT_EQ(song.at("key"), 12);
  EXPECT_EQ(song.at("options").at("key"), 12);
  EXPECT_TRUE(song.at("share").is_null());
  EXPECT_EQ(member.get("/songs").size(), 1u);
  EXPECT_TRUE(other.get("/songs").empty());
  EXPECT_EQ(body_of(member.send(Method::patch, "/api/v1" + path, {{"title", "Second"}})).at("title"), "Second");
  EXPECT_EQ(member.send(Method::patch, "/api/v1" + path, {{"title", " "}}).status, 422);
  EXPECT_EQ(member.get(path + "/peaks").at("converted").size(), 2u);
  EXPECT_EQ(member.send(Method::get, "/api/v1" + path + "/audio").file->key, "songs/" + id + "/1-converted.mp3");
  EXPECT_EQ(member.send(Method::get, "/api/v1" + path + "/audio?which=original").file->key, "songs/" + id + "/1-original.mp3");
  member.get(path + "/audio?which=both", 422);
  EXPECT_EQ(song.at("music"), false);
  EXPECT_EQ(member.get(path + "/audio?which=music", 404).at("code"), "no_music");

  for (const char* part : {"", "/audio", "/peaks"}) other.get(path + part, 404);
  EXPECT_EQ(other.send(Method::patch, "/api/v1" + path, {{"title", "Mine"}}).status, 404);
  EXPECT_EQ(other.send(Method::del, "/api/v1" + path).status, 404);
  EXPECT_EQ(member.send(Method::del, "/api/v1" + path).status, 204);
  member.get(path, 404);
  EXPECT_EQ(service.blobs->size("songs/" + id + "/1-original.flac"), -1);
}

TEST_F(SongsApi, MakesTheSameRenderOnce) {
  const Id song = member.song();
  const std::string path = "/songs/" + song + "/renders";
  const json first = member.post(path, {{"format", "mp3"}, {"wet", 0.5}, {"level_db", -3}});
  EXPECT_EQ(first.at("state"), "queued");
  EXPECT_TRUE(first.at("url").is_null());
  EXPECT_EQ(member.post(path, {{"format", "mp3"}, {"wet", 0.501}, {"level_db", -3.02}}).at("id"), first.at("id"));
  EXPECT_NE(member.post(path, {{"format", "wav"}, {"wet", 0.5}, {"level_db", -3}}).at("id"), first.at("id"));
  EXPECT_NE(member.post(path, {{"format", "mp3"}}).at("id"), first.at("id"));
  for (const json& bad : {json{{"format", "exe"}}, {{"format", "mp3"}, {"wet", 2}}, {{"format", "mp3"}, {"level_db", 40}}, {{"wet", 1}}})
    member.post(path, bad, 422);
  other.post(path, {{"format", "mp3"}}, 404);

  const std::string render = "/renders/" + first.at("id").get<std::string>();
  member.get(render + "/file", 409);
  std::optional<Job> job;
  service.blobs->put("songs/" + song + "/renders/x.mp3", "mp3");
  service.store->write([&](Transaction& transaction) {
    job = transaction.jobs().claim("w", service.clock.up(), 60, 3, service.clock.now());
    transaction.jobs().finish(job->id, 1, "w", Job::State::done,
                              json{{"blob", "songs/" + song + "/renders/x.mp3"}, {"file_name", "Song.mp3"}, {"type", "audio/mpeg"}}.dump(),
                              "", service.clock.now());
  });
  ASSERT_EQ(job->id, first.at("id"));
  EXPECT_EQ(member.get(render).at("url"), "/api/v1" + render + "/file");
  const http::Response file = member.send(Method::get, "/api/v1" + render + "/file");
  ASSERT_TRUE(file.file);
  EXPECT_EQ(file.file->download_name, "Song.mp3");
  EXPECT_EQ(file.type, "audio/mpeg");
  other.get(render, 404);
  other.get(render + "/file", 404);
  EXPECT_EQ(member.post(path, {{"format", "mp3"}, {"wet", 0.5}, {"level_db", -3}}).at("id"), first.at("id"));
}

/// Renders as workers make them.
struct Renders : SongsApi {
  json finish(const json& render) {
    service.store->write([&](Transaction& transaction) {
      const auto job = transaction.jobs().claim("worker", service.clock.up(), 60, 3, service.clock.now());
      ASSERT_TRUE(job);
      ASSERT_EQ(job->id, render.at("id"));
      const std::string blob = "songs/" + job->song + "/renders/" + job->id;
      service.blobs->put(blob, "mp3");
      const json result = {{"blob", blob}, {"type", "audio/mpeg"}, {"file_name", "Song.mp3"}, {"peaks", {0.7, 0.8, 0.9}}};
      transaction.jobs().finish(job->id, job->attempts, "worker", Job::State::done, result.dump(), "", service.clock.now());
    });
    return render;
  }
};

TEST_F(Renders, AreSharedWithTheirBlendAndLevel) {
  const Id song = member.song();
  const auto ask = [&](const json& parameters) { return member.post("/songs/" + song + "/renders", parameters); };
  const json kept = ask({{"format", "mp3"}, {"wet", 0.3}, {"level_db", -6}});
  const std::string id = kept.at("id");
  const auto share_it = [&](const json& render, int status = 201) {
    return member.post("/songs/" + song + "/share", {{"render", render}}, status);
  };
  share_it(id, 422);  // it is not made yet
  finish(kept);
  share_it("nothing", 422);
  const json flac = finish(ask({{"format", "flac"}}));
  share_it(flac.at("id"), 422);
  const Id another_song = member.song();
  const json foreign = finish(member.post("/songs/" + another_song + "/renders", {{"format", "mp3"}}));
  share_it(foreign.at("id"), 422);
  const json share = share_it(id);
  EXPECT_EQ(share.at("wet"), 0.3);
  EXPECT_EQ(share.at("level_db"), -6);
  EXPECT_EQ(member.get("/songs/" + song).at("share").at("wet"), 0.3);

  Browser anyone(service);
  const std::string path = "/api/v1/shares/" + share.at("id").get<std::string>();
  EXPECT_EQ(anyone.send(Method::get, path + "/audio").file->key, "songs/" + song + "/renders/" + id);
  EXPECT_EQ(body_of(anyone.send(Method::get, path + "/peaks")).at("peaks").size(), 3u);
  // It stays however many are made after it.
  for (int level_db = -12; level_db < 0; ++level_db) finish(ask({{"format", "mp3"}, {"level_db", level_db}}));
  EXPECT_GT(service.blobs->size("songs/" + song + "/renders/" + id), 0);

  const json other_mix = finish(ask({{"format", "mp3"}, {"wet", 1}}));
  const http::Response changed = member.send(Method::patch, path, {{"render", other_mix.at("id")}});
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(body_of(changed).at("wet"), 1);
  EXPECT_EQ(body_of(changed).at("allow_download"), false);
  EXPECT_EQ(anyone.send(Method::get, path + "/audio").file->key, "songs/" + song + "/renders/" + other_mix.at("id").get<std::string>());
  EXPECT_EQ(body_of(member.send(Method::patch, path, {{"allow_download", true}})).at("allow_download"), true);
  // As openapi.json says: null is the same as leaving a field out, and what is left out stays.
  for (const json& nothing : {json::object(), json{{"allow_download", nullptr}, {"render", nullptr}}})
    EXPECT_EQ(body_of(member.send(Method::patch, path, nothing)), member.get("/songs/" + song).at("share"));
  EXPECT_EQ(anyone.send(Method::get, path + "/file").file->key, "songs/" + song + "/renders/" + other_mix.at("id").get<std::string>());
}

TEST_F(Renders, KeepAFewOfASong) {
  const Id song = member.song();
  const auto ask = [&](int level_db) { return member.post("/songs/" + song + "/renders", {{"format", "mp3"}, {"level_db", level_db}}); };
  const auto file_status = [&](const json& render) {
    return member.send(Method::get, "/api/v1/renders/" + render.at("id").get<std::string>() + "/file").status;
  };
  std::vector<json> renders;
  for (int level_db = -12; level_db < 0; ++level_db) {
    renders.push_back(finish(ask(level_db)));
  }
  EXPECT_EQ(file_status(renders[0]), 404);
  EXPECT_EQ(file_status(renders[1]), 404);
  EXPECT_EQ(file_status(renders[2]), 200);
  EXPECT_EQ(ask(-1).at("id"), renders.back().at("id"));
  EXPECT_NE(ask(-12).at("id"), renders[0].at("id")) << "it is made again";
}

/// Listeners of a render that is shared just when it is about to be removed would find no file.
TEST_F(Renders, AreNotSharedWhileTheyAreRemoved) {
  BlobsWithHooks blobs(*service.blobs);
  Context context{service.config, *service.store, blobs, service.mailer, *service.payments, service.clock, service.disk, *service.connect};
  service.router = http::Router();
  add_song_routes(service.router, context);
  add_share_routes(service.router, context);
  const Id song = member.song();
  const auto ask = [&](int level_db) { return member.post("/songs/" + song + "/renders", {{"format", "mp3"}, {"level_db", level_db}}); };
  std::vector<json> renders;
  for (int level_db = -12; level_db < -2; ++level_db) renders.push_back(finish(ask(level_db)));
  std::future<int> sharing;
  blobs.before_remove = [&] {
    sharing = std::async(std::launch::async, [&] {
      return member.send(Method::post, "/api/v1/songs/" + song + "/share", {{"render", renders[0].at("id")}}).status;
    });
    sharing.wait_for(std::chrono::milliseconds(200));  // long enough for it to get through if nothing holds it back
  };
  ask(0);
  EXPECT_EQ(sharing.get(), 422);
}

/// A blob store may be slow or far away: nobody's transaction waits for it.
TEST_F(Renders, AreLookedForOutsideOfTransactions) {
  BlobsWithHooks blobs(*service.blobs);
  Context context{service.config, *service.store, blobs, service.mailer, *service.payments, service.clock, service.disk, *service.connect};
  service.router = http::Router();
  add_song_routes(service.router, context);
  add_share_routes(service.router, context);
  const auto write = [&] { service.store->write([](Transaction&) {}); };  // refused inside of a transaction
  int looks = 0;
  blobs.before_each = [&] {
    ++looks;
    EXPECT_NO_THROW(write());
  };
  const Id song = member.song();
  const auto ask = [&](int level_db) { return member.post("/songs/" + song + "/renders", {{"format", "mp3"}, {"level_db", level_db}}); };
  const json first = finish(ask(-12));
  EXPECT_EQ(ask(-12).at("id"), first.at("id"));
  service.blobs->remove("songs/" + song + "/renders/" + first.at("id").get<std::string>());
  member.post("/songs/" + song + "/share", {{"render", first.at("id")}}, 422);
  const json again = finish(ask(-12));
  EXPECT_NE(again.at("id"), first.at("id")) << "its file was lost";
  for (int level_db = -11; level_db < 0; ++level_db) finish(ask(level_db));
  EXPECT_EQ(service.blobs->size("songs/" + song + "/renders/" + again.at("id").get<std::string>()), -1) << "too many";
  member.post("/songs/" + song + "/share", {{"render", ask(-1).at("id")}});
  const json video = {{"shape", "square"}, {"start_s", 0}, {"length_s", 5}};
  if (member.send(Method::post, "/api/v1/songs/" + song + "/videos", video).status == 201) {
    const json made = finish(body_of(member.send(Method::post, "/api/v1/songs/" + song + "/videos", video)));
    EXPECT_EQ(body_of(member.send(Method::post, "/api/v1/songs/" + song + "/videos", video)).at("id"), made.at("id"));
  }
  EXPECT_GT(looks, 5);
}

/// A process may end between forgetting a render and removing its file.
TEST_F(Renders, LeaveNoFilesWhenTheyAreForgotten) {
  const Id song = member.song();
  const json render = finish(member.post("/songs/" + song + "/renders", {{"format", "mp3"}}));
  const std::string blob = "songs/" + song + "/renders/" + render.at("id").get<std::string>();
  const auto forget = [&] { service.store->write([&](Transaction& transaction) { transaction.jobs().forget_result(render.at("id")); }); };
  forget();
  forget();
  ASSERT_GT(service.blobs->size(blob), 0);
  EXPECT_EQ(remove_forgotten_blobs(*service.context), 1);
  EXPECT_EQ(service.blobs->size(blob), -1);
  forget();  // there is nothing of it any more
  service.store->read([&](Transaction& transaction) { EXPECT_THAT(transaction.jobs().blobs_to_remove(10), ::testing::IsEmpty()); });
}

/// Whether a file is there is looked up for its owner only.
TEST_F(Renders, OfOthersAreNotLookedFor) {
  const Id song = member.song();
  const json render = finish(member.post("/songs/" + song + "/renders", {{"format", "mp3"}}));
  const json there = other.post("/songs/" + other.song() + "/share", {{"render", render.at("id")}}, 422);
  service.blobs->remove("songs/" + song + "/renders/" + render.at("id").get<std::string>());
  EXPECT_EQ(other.post("/songs/" + other.song() + "/share", {{"render", render.at("id")}}, 422), there);
}

TEST_F(SongsApi, MakesAFewRendersAtATime) {
  service.config.max_quick_jobs = 2;
  const std::string path = "/songs/" + member.song() + "/renders";
  const json first = member.post(path, {{"format", "mp3"}});
  member.post(path, {{"format", "wav"}});
  EXPECT_EQ(member.post(path, {{"format", "flac"}}, 429).at("code"), "too_many_jobs");
  EXPECT_EQ(member.post(path, {{"format", "mp3"}}).at("id"), first.at("id")) << "one that is made already";
  other.post("/songs/" + other.song() + "/renders", {{"format", "mp3"}});
}

TEST_F(SongsApi, MakesARenderAnewThatCameToNothing) {
  const std::string path = "/songs/" + member.song() + "/renders";
  const json first = member.post(path, {{"format", "flac"}});
  EXPECT_EQ(member.send(Method::del, "/api/v1/jobs/" + first.at("id").get<std::string>()).status, 202);
  const json second = member.post(path, {{"format", "flac"}});
  EXPECT_NE(second.at("id"), first.at("id"));
  EXPECT_EQ(second.at("state"), "queued");
}

// ---- covers ----

struct Covers : SongsApi {
  Id cover() {
    const Id id = member.song();
    service.store->write([&](Transaction& transaction) {
      Song song = transaction.songs().find(id).value();
      song.music = "songs/" + id + "/1-music.flac";
      song.music_playable = "songs/" + id + "/1-music.mp3";
      song.cover_playable = "songs/" + id + "/1-cover.mp3";
      song.gain_db = -1.5;
      song.peaks = R"({"original":[0.1],"converted":[0.2],"music":[0.3],"cover":[0.4,0.5]})";
      transaction.songs().update(song);
    });
    return id;
  }
  std::string key_of(const Id& id, const std::string& query = "") {
    return member.send(Method::get, "/api/v1/songs/" + id + "/audio" + query).file->key;
  }
};

TEST_F(Covers, AreHeardWholeAndInTheirParts) {
  const Id id = cover();
  EXPECT_EQ(member.get("/songs/" + id).at("music"), true);
  EXPECT_EQ(member.get("/songs/" + id).at("gain_db"), -1.5);
  EXPECT_EQ(key_of(id), "songs/" + id + "/1-cover.mp3");
  EXPECT_EQ(key_of(id, "?which=song"), "songs/" + id + "/1-cover.mp3");
  EXPECT_EQ(key_of(id, "?which=converted"), "songs/" + id + "/1-converted.mp3");
  EXPECT_EQ(key_of(id, "?which=music"), "songs/" + id + "/1-music.mp3");
  EXPECT_EQ(member.get("/songs/" + id + "/peaks").at("music").size(), 1u);
  other.get("/songs/" + id + "/audio?which=music", 404);

  // Shared without a render, listeners hear the cover.
  const std::string share = member.post("/songs/" + id + "/share", json::object()).at("id");
  Browser anyone(service);
  EXPECT_EQ(anyone.send(Method::get, "/api/v1/shares/" + share + "/audio").file->key, "songs/" + id + "/1-cover.mp3");
  EXPECT_EQ(body_of(anyone.send(Method::get, "/api/v1/shares/" + share + "/peaks")).at("peaks").size(), 2u);
}

TEST_F(Covers, AreRenderedWholeOrInPartsWithTheLevelsThatCount) {
  const Id id = cover();
  const std::string path = "/songs/" + id + "/renders";
  const auto render = [&](json body) {
    body["format"] = "mp3";
    return member.post(path, body).at("id").get<std::string>();
  };
  const std::string all = render({{"level_db", -3}, {"music_db", 2}});
  EXPECT_EQ(render({{"parts", "all"}, {"level_db", -3}, {"music_db", 2.04}}), all);
  EXPECT_NE(render({{"level_db", -3}, {"music_db", 1}}), all);
  const std::string vocals = render({{"parts", "vocals"}, {"level_db", -3}, {"music_db", 2}});
  EXPECT_NE(vocals, all);
  EXPECT_EQ(render({{"parts", "vocals"}, {"level_db", -3}, {"music_db", 9}}), vocals) << "there is no music in it";
  const std::string music = render({{"parts", "music"}, {"wet", 0.2}, {"level_db", -3}});
  EXPECT_EQ(render({{"parts", "music"}}), music);
  for (const json& bad : {json{{"parts", "drums"}}, {{"music_db", 40}}}) {
    json body = bad;
    body["format"] = "mp3";
    member.post(path, body, 422);
  }
  member.post("/songs/" + member.song() + "/renders", {{"format", "mp3"}, {"parts", "music"}}, 422);
}

struct SharedCovers : Renders {};

TEST_F(SharedCovers, HaveTheLevelOfTheMusicToo) {
  const Id song = member.song();
  service.store->write([&](Transaction& transaction) {
    Song found = transaction.songs().find(song).value();
    found.music = "songs/" + song + "/1-music.flac";
    transaction.songs().update(found);
  });
  const json part = finish(member.post("/songs/" + song + "/renders", {{"format", "mp3"}, {"parts", "vocals"}}));
  member.post("/songs/" + song + "/share", {{"render", part.at("id")}}, 422);
  const json whole = finish(member.post("/songs/" + song + "/renders", {{"format", "mp3"}, {"music_db", -4}}));
  EXPECT_EQ(member.post("/songs/" + song + "/share", {{"render", whole.at("id")}}).at("music_db"), -4);
  EXPECT_EQ(member.get("/songs/" + song).at("share").at("music_db"), -4);
}

// ---- shares ----

struct Shares : SongsApi {
  std::string page(const std::string& path, int status = 200) {
    const http::Response response = Browser(service).send(Method::get, path);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.type, "text/html; charset=utf-8");
    return response.body;
  }
};

TEST_F(Shares, ShareOpensASongAndUnshareClosesIt) {
  const Id song = member.song("Song");
  Browser anyone(service);
  const json share = member.post("/songs/" + song + "/share", json::object());
  const std::string id = share.at("id"), path = "/api/v1/shares/" + id;
  EXPECT_EQ(share.at("url"), service.config.base_url() + "/s/" + id);
  EXPECT_EQ(member.post("/songs/" + song + "/share", json::object()).at("id"), id) << "again: the same one";
  EXPECT_EQ(member.get("/songs/" + song).at("share").at("id"), id);
  const json seen = body_of(anyone.send(Method::get, path));
  EXPECT_THAT(seen.at("ai_notice").get<std::string>(), HasSubstr("AI-converted"));
  EXPECT_FALSE(seen.contains("account"));
  EXPECT_EQ(anyone.send(Method::get, path + "/audio").file->key, "songs/" + song + "/1-converted.mp3");
  EXPECT_EQ(body_of(anyone.send(Method::get, path + "/peaks")).at("peaks").size(), 2u);
  EXPECT_EQ(anyone.send(Method::get, path + "/file").status, 403);

  EXPECT_EQ(other.send(Method::patch, path, {{"allow_download", true}}).status, 404);
  EXPECT_EQ(body_of(member.send(Method::patch, path, {{"allow_download", true}})).at("allow_download"), true);
  EXPECT_EQ(anyone.send(Method::get, path + "/file").file->download_name, "Song.mp3");

  EXPECT_EQ(other.send(Method::del, path).status, 404);
  EXPECT_EQ(member.send(Method::del, path).status, 204);
  for (const char* part : {"", "/audio", "/peaks", "/file"}) EXPECT_EQ(anyone.send(Method::get, path + part).status, 404) << part;
  page("/s/" + id, 404);
  EXPECT_NE(member.post("/songs/" + song + "/share", json::object()).at("id"), id);
}

TEST_F(Shares, OnlyMembersShareAndOnlyTheirOwn) {
  other.post("/songs/" + member.song() + "/share", json::object(), 404);
  ApiUser guest{service, ApiUser::Kind::guest, "192.0.2.7"};
  guest.post("/songs/" + guest.song() + "/share", json::object(), 403);
}

TEST_F(Shares, PageIsEscapedAndReadableWithoutScripts) {
  const std::string id = member.post("/songs/" + member.song("<script>alert('x')</script> & \"me\"") + "/share", json::object()).at("id");
  const std::string html = page("/s/" + id);
  const std::string title = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;me&quot;";
  EXPECT_THAT(html, Not(HasSubstr("alert('x')")));
  EXPECT_THAT(html, HasSubstr("<h1>" + title + "</h1>"));
  EXPECT_THAT(html, HasSubstr("data-share=\"" + id + "\""));
  EXPECT_THAT(html, HasSubstr("data-allow-download=\"false\""));
  EXPECT_THAT(html, HasSubstr("<meta property=\"og:title\" content=\"" + title + "\">"));
  EXPECT_THAT(html, HasSubstr("<meta name=\"twitter:card\" content=\"player\">"));
  EXPECT_THAT(html, HasSubstr("application/json+oembed"));
  EXPECT_THAT(html, HasSubstr("AI-converted"));
  EXPECT_THAT(html, HasSubstr("<form data-report=\"/shares/" + id + "/reports\">"));
  EXPECT_THAT(html, Not(HasSubstr("class=\"download\"")));
  EXPECT_THAT(html, Not(HasSubstr("style=")));

  const std::string embed = page("/embed/" + id);
  EXPECT_THAT(embed, HasSubstr(" data-embed>"));
  EXPECT_THAT(embed, HasSubstr("AI-converted"));
  EXPECT_THAT(embed, Not(HasSubstr("<form")));
  const http::Response framed = Browser(service).send(Method::get, "/embed/" + id), plain = Browser(service).send(Method::get, "/s/" + id);
  EXPECT_THAT(*framed.find_header("Content-Security-Policy"), HasSubstr("frame-ancestors *"));
  EXPECT_THAT(*plain.find_header("Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
}

TEST_F(Shares, AnswersOembed) {
  const json share = member.post("/songs/" + member.song("A \"B\"") + "/share", json::object());
  Browser anyone(service);
  const std::string url = share.at("url");
  const json answer = body_of(anyone.send(Method::get, "/api/v1/oembed?url=" + url + "&maxwidth=300&format=json"));
  EXPECT_EQ(answer.at("type"), "rich");
  EXPECT_EQ(answer.at("width"), 300);
  EXPECT_THAT(answer.at("html").get<std::string>(), HasSubstr("/embed/" + share.at("id").get<std::string>()));
  EXPECT_THAT(answer.at("html").get<std::string>(), HasSubstr("A &quot;B&quot;"));
  for (const char* appended : {"?utm_source%3Dmail", "#t", "/", "?"})  // links travel
    EXPECT_EQ(anyone.send(Method::get, "/api/v1/oembed?url=" + url + appended).status, 200) << appended;
  EXPECT_EQ(anyone.send(Method::get, "/api/v1/oembed?url=" + url + "x").status, 404);
  EXPECT_EQ(anyone.send(Method::get, "/api/v1/oembed?url=" + url + "&format=xml").status, 501);
  EXPECT_EQ(anyone.send(Method::get, "/api/v1/oembed?url=https://elsewhere.example/s/x").status, 404);
}

TEST_F(Shares, TakesReportsAndStaysTakenDown) {
  const Id song = member.song();
  const std::string id = member.post("/songs/" + song + "/share", json::object()).at("id"), path = "/api/v1/shares/" + id;
  Browser anyone(service);
  EXPECT_EQ(
      anyone.send(Method::post, path + "/reports", {{"reason", "This is my song.\nPlease remove it."}, {"email", "me@example.org"}}).status,
      202);
  EXPECT_EQ(anyone.send(Method::post, path + "/reports", {{"reason", ""}}).status, 422);
  EXPECT_EQ(anyone.send(Method::post, path + "/reports", {{"reason", "mine"}, {"email", "nobody"}}).status, 422);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(anyone.send(Method::post, path + "/reports", {{"reason", "again"}}).status, 202);
  EXPECT_EQ(anyone.send(Method::post, path + "/reports", {{"reason", "again"}}).status, 429);
  service.store->read([&](Transaction& transaction) {
    EXPECT_EQ(transaction.songs().reports(100).size(), 10u);
    EXPECT_EQ(transaction.songs().reports(100).back().email, "me@example.org");
  });
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(reports(service.config, false), 0);
  EXPECT_EQ(takedown(service.config, service.config.base_url() + "/s/" + id), 0);
  EXPECT_THROW(takedown(service.config, "nothing"), std::runtime_error);
  const std::string printed = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(printed, HasSubstr("/s/" + id + " \"Song\" (shared, by account "));
  EXPECT_THAT(printed, HasSubstr(")\n  from me@example.org\n  This is my song.\n  Please remove it."));
  EXPECT_THAT(printed, HasSubstr("Took down " + id));
  EXPECT_EQ(anyone.send(Method::get, path).status, 404);
  page("/s/" + id, 404);
  EXPECT_EQ(member.send(Method::del, path).status, 403);
  EXPECT_EQ(member.post("/songs/" + song + "/share", json::object(), 403).at("code"), "taken_down");
  EXPECT_TRUE(member.get("/songs/" + song).at("share").is_null());
}

}  // namespace
}  // namespace webwrap
