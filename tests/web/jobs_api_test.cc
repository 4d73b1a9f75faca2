#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "api_user.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct JobsApi : ::testing::Test {
  void TearDown() override {
    std::vector<std::string> problems;
    service.store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
    EXPECT_THAT(problems, IsEmpty());
  }
  static json job_for(const Id& recording) { return {{"recording", recording}, {"voice", "kathleen"}}; }

  ApiService service;
  ApiUser member{service, ApiUser::Kind::member};
};

TEST_F(JobsApi, QuotesThePriceOfThePartAndTheKey) {
  const Id recording = member.recording(90);
  json quote = member.post("/quotes", job_for(recording), 200);
  EXPECT_EQ(quote.at("seconds"), 90);
  EXPECT_EQ(quote.at("price"), 2);
  EXPECT_EQ(quote.at("balance"), 5);
  EXPECT_EQ(quote.at("enough"), true);
  EXPECT_EQ(quote.at("suggested_key"), 0) << "a man's melody that a woman of low voice reaches as it is";

  json part = job_for(recording);
  part.update({{"start_s", 10}, {"end_s", 70}});
  EXPECT_EQ(member.post("/quotes", part, 200).at("price"), 1);
  part.update({{"preview", true}, {"end_s", 90.3}});
  quote = member.post("/quotes", part, 200);
  EXPECT_EQ(quote.at("price"), 0);
  EXPECT_EQ(quote.at("seconds"), service.config.preview_s);

  EXPECT_EQ(member.post("/quotes", job_for(member.recording(1000)), 200).at("enough"), false);
}

/// A song with music is taken apart in the first job, whose price has that; another voice on it costs the conversion alone.
TEST_F(JobsApi, KeepsTheMusicWhereThereIsSome) {
  service.config.separation_credits_per_minute = 3;
  const Id song = member.song_with_music(90);
  json quote = member.post("/quotes", job_for(song), 200);
  EXPECT_EQ(quote.at("keep_music"), true);
  EXPECT_EQ(quote.at("separation"), 6);
  EXPECT_EQ(quote.at("price"), 8);
  const auto quote_with = [&](json change) {
    json body = job_for(song);
    body.update(change);
    return member.post("/quotes", body, 200);
  };
  EXPECT_EQ(quote_with({{"keep_music", false}}).at("price"), 2);
  EXPECT_EQ(quote_with({{"keep_music", nullptr}}).at("price"), 8);
  EXPECT_EQ(quote_with({{"preview", true}}).at("price"), 0);
  EXPECT_EQ(quote_with({{"preview", true}}).at("keep_music"), true);
  EXPECT_EQ(member.post("/quotes", job_for(member.recording(90)), 200).at("keep_music"), false);
  EXPECT_EQ(member.post("/quotes", {{"recording", member.recording(90)}, {"voice", "kathleen"}, {"keep_music", true}}, 200).at("price"), 8);

  // Nobody sings in it: then its music is no reason to look for a singer.
  member.set_recording(song, [](Recording& found) { found.has_vocals = false; });
  EXPECT_EQ(quote_with(json::object()).at("keep_music"), false);
  member.set_recording(song, [](Recording& found) {
    found.has_vocals = true;
    found.vocals = "recordings/" + found.id + "/stems/j/1-vocals.flac";
    found.stems_start_s = 10;
    found.stems_end_s = 70;
  });
  quote = quote_with({{"start_s", 10}, {"end_s", 70}});
  EXPECT_EQ(quote.at("separation"), 0);
  EXPECT_EQ(quote.at("price"), 1);
  EXPECT_EQ(quote_with({{"start_s", 9}, {"end_s", 69}}).at("price"), 4) << "a second of it is not there";

  json body = job_for(song);
  body.update({{"start_s", 10}, {"end_s", 70}, {"options", {{"key", 3}}}});
  EXPECT_THAT(member.post("/jobs", body, 422).at("detail").get<std::string>(), HasSubstr("options.key: with its music"));
  body["options"] = {{"key", -12}};
  EXPECT_EQ(member.post("/jobs", body).at("price"), 1);
  body["options"] = {{"key", 3}};
  body["keep_music"] = false;
  member.post("/jobs", body);
  EXPECT_EQ(member.get("/account").at("balance"), 3);
}

TEST_F(JobsApi, TakesARecordingApartForWhoWantsToSingToIt) {
  const Id song = member.song_with_music(90);
  const std::string path = "/recordings/" + song;
  EXPECT_TRUE(member.get(path).at("stems").is_null());
  EXPECT_EQ(member.get(path).at("has_music"), true);
  EXPECT_EQ(member.get(path + "/audio?which=music", 404).at("code"), "not_separated");
  member.get(path + "/audio?which=vocals", 422);
  const json job = member.post(path + "/separation", nullptr);
  EXPECT_EQ(job.at("kind"), "separate");
  EXPECT_EQ(job.at("price"), 2);
  EXPECT_EQ(member.post(path + "/separation", nullptr).at("id"), job.at("id")) << "the same, and paid once";
  EXPECT_EQ(member.get("/account").at("reserved"), 2);
  EXPECT_EQ(member.send(Method::del, "/api/v1/jobs/" + job.at("id").get<std::string>()).status, 202);
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_NE(member.post(path + "/separation", nullptr).at("id"), job.at("id"));
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"}, guest{service, ApiUser::Kind::guest, "192.0.2.8"};
  other.post(path + "/separation", nullptr, 404);
  guest.post("/recordings/" + guest.song_with_music() + "/separation", nullptr, 403);
  member.post("/recordings/" + member.song_with_music(300) + "/separation", nullptr, 402);

  // Deleting the recording ends it.
  EXPECT_EQ(member.send(Method::del, "/api/v1" + path).status, 204);
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_EQ(member.get("/account").at("reserved"), 0);

  const Id done = member.song_with_music(90);
  member.set_recording(done, [](Recording& found) {
    found.vocals = "recordings/" + found.id + "/stems/j/1-vocals.flac";
    found.music = "recordings/" + found.id + "/stems/j/1-music.mp3";
    found.stems_end_s = 90;
    found.stems_bytes = 1000;
  });
  EXPECT_EQ(member.post("/recordings/" + done + "/separation", nullptr, 409).at("code"), "separated");
  EXPECT_EQ(member.get("/recordings/" + done).at("stems"), json({{"start_s", 0.0}, {"end_s", 90.0}, {"bytes", 1000}}));
  const http::Response music = member.send(Method::get, "/api/v1/recordings/" + done + "/audio?which=music");
  EXPECT_EQ(music.file->key, "recordings/" + done + "/stems/j/1-music.mp3");
}

/// What was sung to a song, whose music goes with it; that was paid for before.
TEST_F(JobsApi, PutsTheMusicUnderATake) {
  const Id song = member.song_with_music(90), take = member.recording(30);
  member.set_recording(take, [&](Recording& found) {
    found.backing = song;
    found.backing_start_s = 12.5;
  });
  EXPECT_EQ(member.get("/recordings/" + take).at("backing"), json({{"recording", song}, {"start_s", 12.5}, {"part", "music"}}));
  const json quote = member.post("/quotes", job_for(take), 200);
  EXPECT_EQ(quote.at("keep_music"), true);
  EXPECT_EQ(quote.at("separation"), 0);
  EXPECT_EQ(quote.at("price"), 1);
  EXPECT_EQ(member.send(Method::del, "/api/v1/recordings/" + song).status, 204);
  EXPECT_TRUE(member.get("/recordings/" + take).at("backing").is_null());
  EXPECT_EQ(member.post("/quotes", job_for(take), 200).at("keep_music"), false);
  json body = job_for(take);
  body["keep_music"] = true;
  EXPECT_THAT(member.post("/jobs", body, 422).at("detail").get<std::string>(), HasSubstr("keep_music: the song that this was sung to"));
}

TEST_F(JobsApi, RefusesInvalidRequests) {
  const Id recording = member.recording(90);
  const auto refused = [&](json change, const std::string& field) {
    json body = job_for(recording);
    body.update(change);
    EXPECT_THAT(member.post("/jobs", body, 422).at("detail").get<std::string>(), HasSubstr(field)) << change;
  };
  refused({{"recording", "other"}}, "recording");
  refused({{"voice", "../kathleen"}}, "voice");
  refused({{"start_s", -1}}, "start_s");
  refused({{"start_s", 91}}, "start_s");
  refused({{"start_s", 30}, {"end_s", 30.1}}, "end_s");
  refused({{"end_s", 1000}}, "end_s");
  refused({{"options", {{"key", 99}}}}, "key");
  refused({{"options", {{"key", "high"}}}}, "key");
  refused({{"options", {{"f0_file", "/etc/passwd"}}}}, "options.f0_file");
  refused({{"options", {{"chunk_s", 1}}}}, "options.chunk_s");
  refused({{"options", {{"reverb", 1}}}}, "reverb");
  refused({{"colour", "red"}}, "colour");
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"};
  EXPECT_THAT(other.post("/jobs", job_for(recording), 422).at("detail").get<std::string>(), HasSubstr("recording"));
  EXPECT_TRUE(member.get("/jobs").empty());
}

TEST_F(JobsApi, OffersTheEstimatorsThatAreInstalled) {
  ::setenv("XDG_DATA_HOME", service.dir.c_str(), 1);
  add_operation_routes(service.router, *service.context);
  const auto offered = [&] {
    return member.get("/openapi.json")
        .at("/components/schemas/ConvertOptions/properties/f0/enum"_json_pointer)
        .get<std::vector<std::string>>();
  };
  json body = job_for(member.recording(30));
  body["options"] = {{"f0", "rmvpe"}};
  EXPECT_THAT(offered(), ElementsAre("auto", "fcpe", "crepe-tiny", "swiftf0", "pyin"));
  EXPECT_THAT(member.post("/jobs", body, 422).at("detail").get<std::string>(), HasSubstr("options.f0: this is not installed here"));

  const std::filesystem::path weights = service.dir / "voxconv/models/pitch/rmvpe/rmvpe.pt";
  std::filesystem::create_directories(weights.parent_path());
  std::ofstream(weights) << "weights";
  EXPECT_THAT(offered(), Contains("rmvpe"));
  member.post("/jobs", body);
}

TEST_F(JobsApi, ReservesWithTheJobAndGivesBackOnCancel) {
  json body = job_for(member.recording(90));
  body["options"] = {{"key", 12}, {"formant", 0.5}};
  const json job = member.post("/jobs", body);
  EXPECT_EQ(job.at("state"), "queued");
  EXPECT_EQ(job.at("price"), 2);
  EXPECT_TRUE(job.at("song").is_null());
  EXPECT_EQ(member.get("/account").at("balance"), 3);
  EXPECT_EQ(member.get("/account").at("reserved"), 2);

  const http::Response cancelled = member.send(Method::del, "/api/v1/jobs/" + job.at("id").get<std::string>());
  EXPECT_EQ(cancelled.status, 202);
  EXPECT_EQ(body_of(cancelled).at("state"), "cancelled");
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_EQ(member.send(Method::del, "/api/v1/jobs/" + job.at("id").get<std::string>()).status, 202) << "again";
  EXPECT_EQ(member.get("/account").at("balance"), 5);
}

TEST_F(JobsApi, ShowsTitlesInTheHistoryButKeepsNoneInTheBooks) {
  json body = job_for(member.recording(30));
  body["title"] = "For my love";
  const std::string kept = member.post("/jobs", body).at("id"), cancelled = member.post("/jobs", body).at("id");
  member.send(Method::del, "/api/v1/jobs/" + cancelled);
  const auto notes = [&] {
    std::vector<std::string> all;
    service.store->read([&](Transaction& transaction) {
      for (const HistoryLine& line : transaction.ledger().history(member.id, 100)) all.push_back(line.kind + ": " + line.note);
    });
    return all;
  };
  EXPECT_THAT(notes(), ElementsAre("release: For my love", "reserve: For my love", "reserve: For my love", HasSubstr("grant: ")));
  service.store->write([&](Transaction& transaction) { transaction.accounts().erase(member.id, service.clock.now()); });
  EXPECT_THAT(notes(), ElementsAre("release: Account deleted", "release: ", "reserve: ", "reserve: ", HasSubstr("grant: ")));
}

TEST_F(JobsApi, MakesOneJobOfARequestSentTwice) {
  const json body = job_for(member.recording(90));
  const json first = member.post("/jobs", body, 201, {{"idempotency-key", "k1"}});
  EXPECT_EQ(member.post("/jobs", body, 201, {{"idempotency-key", "k1"}}).at("id"), first.at("id"));
  EXPECT_EQ(member.get("/account").at("reserved"), 2);
  json other = body;
  other["start_s"] = 5;
  EXPECT_EQ(member.post("/jobs", other, 422, {{"idempotency-key", "k1"}}).at("code"), "request_key_reused");
  EXPECT_NE(member.post("/jobs", body, 201, {{"idempotency-key", "k2"}}).at("id"), first.at("id"));
  member.post("/jobs", body, 422, {{"idempotency-key", std::string(300, 'k')}});
  ApiUser neighbour{service, ApiUser::Kind::member, "192.0.2.9"};
  EXPECT_NE(neighbour.post("/jobs", job_for(neighbour.recording()), 201, {{"idempotency-key", "k1"}}).at("id"), first.at("id"));
}

TEST_F(JobsApi, NeedsCreditsAndLimitsActiveJobs) {
  EXPECT_EQ(member.post("/jobs", job_for(member.recording(301)), 402).at("code"), "not_enough_credits");
  const Id recording = member.recording(30);
  for (int i = 0; i < service.config.max_active_jobs; ++i) member.post("/jobs", job_for(recording));
  EXPECT_EQ(member.post("/jobs", job_for(recording), 409).at("code"), "too_many_jobs");
}

TEST_F(JobsApi, RefusesAFrozenAccount) {
  service.store->write([&](Transaction& transaction) {
    Account account = *transaction.accounts().find(member.id);
    account.frozen = true;
    transaction.accounts().update(account);
  });
  const Id recording = member.recording();
  EXPECT_EQ(member.post("/jobs", job_for(recording), 403).at("code"), "account_frozen");
  EXPECT_EQ(member.post("/quotes", job_for(recording), 200).at("enough"), false);
}

TEST_F(JobsApi, GivesGuestsAFewPreviewsADay) {
  ApiUser guest{service, ApiUser::Kind::guest, "192.0.2.7"};
  service.config.max_active_jobs = 100;
  json body = job_for(guest.recording(90));
  EXPECT_EQ(guest.post("/jobs", body, 403).at("code"), "members_only");
  body["preview"] = true;
  for (int i = 0; i < service.config.previews_per_day; ++i) EXPECT_EQ(guest.post("/jobs", body).at("price"), 0);
  EXPECT_EQ(guest.post("/jobs", body, 429).at("code"), "too_many_previews");
  // Others may sit behind the same address; but not any number of them.
  int previews = service.config.previews_per_day;
  for (; previews < 100; ++previews) {
    ApiUser other{service, ApiUser::Kind::guest, "192.0.2.7"};
    json theirs = job_for(other.recording(90));
    theirs["preview"] = true;
    if (previews < service.config.address_previews_per_day)
      other.post("/jobs", theirs);
    else if (other.post("/jobs", theirs, 429).at("code") == "too_many_previews")
      break;
  }
  EXPECT_EQ(previews, service.config.address_previews_per_day);
  service.clock.time += 24 * 3600 + 1;
  guest.post("/jobs", body);
}

TEST_F(JobsApi, AnswersPollsOfAnUnchangedJobWithoutABody) {
  const std::string id = member.post("/jobs", job_for(member.recording())).at("id");
  const http::Response first = member.send(Method::get, "/api/v1/jobs/" + id);
  const std::string* tag = first.find_header("ETag");
  ASSERT_TRUE(tag);
  const http::Response same = member.send(Method::get, "/api/v1/jobs/" + id, nullptr, {{"if-none-match", *tag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  service.store->write([&](Transaction& transaction) {
    transaction.jobs().claim("w", service.clock.up(), 60, 3, service.clock.now());
    transaction.jobs().heartbeat(id, 1, "w", 0.5, "converting", service.clock.now(), 60);
  });
  const http::Response changed = member.send(Method::get, "/api/v1/jobs/" + id, nullptr, {{"if-none-match", *tag}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(body_of(changed).at("progress"), 0.5);
  EXPECT_EQ(body_of(changed).at("stage"), "converting");
}

TEST_F(JobsApi, TellsThePlaceInTheQueueAndNothingToOthers) {
  const Id recording = member.recording();
  const std::string first = member.post("/jobs", job_for(recording)).at("id"), second = member.post("/jobs", job_for(recording)).at("id");
  EXPECT_EQ(member.get("/jobs/" + first).at("position"), 0);
  EXPECT_EQ(member.get("/jobs/" + second).at("position"), 1);
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"};
  other.get("/jobs/" + first, 404);
  EXPECT_EQ(other.send(Method::del, "/api/v1/jobs/" + first).status, 404);
  EXPECT_EQ(Browser(service).send(Method::get, "/api/v1/jobs/" + first).status, 401);
  EXPECT_EQ(member.get("/jobs").size(), 2u);
}

TEST_F(JobsApi, DeletesARecordingWithWhatIsMadeOfIt) {
  const Id recording = member.recording(90);
  EXPECT_EQ(member.get("/recordings/" + recording + "/peaks").at("peaks").size(), 2u);
  EXPECT_EQ(member.send(Method::get, "/api/v1/recordings/" + recording + "/audio").file->key,
            "recordings/" + recording + "/1-playable.mp3");
  const std::string job = member.post("/jobs", job_for(recording)).at("id");
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"};
  EXPECT_EQ(other.send(Method::del, "/api/v1/recordings/" + recording).status, 404);
  EXPECT_EQ(member.send(Method::del, "/api/v1/recordings/" + recording).status, 204);
  member.get("/recordings/" + recording, 404);
  EXPECT_EQ(member.get("/jobs/" + job).at("state"), "cancelled");
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_EQ(service.blobs->size("recordings/" + recording + "/1-playable.mp3"), -1);
}

TEST_F(JobsApi, ShowsVoicesWithTheirSamples) {
  Browser anyone(service);
  const json voices = body_of(anyone.send(Method::get, "/api/v1/voices"));
  ASSERT_FALSE(voices.empty());
  for (const json& voice : voices) {
    EXPECT_FALSE(voice.at("licence").get<std::string>().empty());
    EXPECT_FALSE(voice.contains("path"));
  }
  const http::Response sample = anyone.send(Method::get, "/api/v1/voices/kathleen/sample");
  ASSERT_TRUE(sample.file);
  EXPECT_EQ(sample.type, "audio/mpeg");
  EXPECT_GT(service.blobs->size(sample.file->key), 1000);
  EXPECT_EQ(anyone.send(Method::get, "/api/v1/voices/nobody").status, 404);
}

}  // namespace
}  // namespace webwrap
