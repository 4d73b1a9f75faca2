#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "api_user.h"
#include "commands/commands.h"
#include "voxconv/audio_io.h"
#include "worker/audio_runner.h"
#include "worker/sound.h"
#include "worker/worker.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Recording, conversion and downloads with the real job runner.
struct Conversion : ::testing::Test {
  Conversion() {
    service.config.lease_s = 600;
    options.poll = options.heartbeat = std::chrono::milliseconds(20);
  }

  /// As the end of an upload does it.
  Id upload(const std::string& file) { return upload(file, member.id); }
  Id upload(const std::string& file, const Id& account) {
    std::ifstream stream(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    Recording recording;
    recording.id = new_id();
    recording.account = account;
    recording.state = Recording::State::analysing;
    recording.name = "song.flac";
    recording.size = recording.offset = std::int64_t(bytes.size());
    recording.blob = "recordings/" + recording.id + "/source";
    service.blobs->put(recording.blob, bytes);
    Job job;
    job.id = new_id();
    job.account = account;
    job.kind = Job::Kind::analyse;
    job.recording = recording.id;
    job.priority = 0;
    service.store->write([&](Transaction& transaction) {
      transaction.recordings().add(recording);
      transaction.jobs().add(job);
    });
    return recording.id;
  }

  bool work() { return Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).work_one(); }

  voxconv::AudioInfo info_of(const http::Response& response) {
    EXPECT_TRUE(response.file) << response.body;
    const auto reader = voxconv::open_reader(service.blobs->local_path(response.file->key));
    const voxconv::AudioInfo info = reader->info();
    const voxconv::AudioBuffer audio = voxconv::read_all(*reader);
    seconds = audio.seconds();
    power = 0;
    for (const float x : audio.channels[0]) power += double(x) * x / double(audio.frames());
    return info;
  }

  ApiService service;
  ApiUser member{service, ApiUser::Kind::member};
  AudioRunner runner{service.config, *service.store, *service.blobs};
  WorkerOptions options;
  double seconds = 0, power = 0;  ///< of the last info_of()
};

TEST_F(Conversion, MakesASongOfARecordingAndItsDownloads) {
  const Id recording = upload(VOXCONV_TEST_DATA "/song.flac");
  ASSERT_TRUE(work());
  const json analysed = member.get("/recordings/" + recording);
  ASSERT_EQ(analysed.at("state"), "ready") << analysed;
  EXPECT_NEAR(analysed.at("duration_s"), 4, 0.5);
  EXPECT_GT(analysed.at("f0_low"), 120);
  EXPECT_LT(analysed.at("f0_high"), 800);
  const json peaks = member.get("/recordings/" + recording + "/peaks").at("peaks");
  EXPECT_GT(peaks.size(), 900u);
  EXPECT_LE(peaks.size(), 2000u);
  EXPECT_EQ(info_of(member.send(Method::get, "/api/v1/recordings/" + recording + "/audio")).codec, "mp3");

  const json job = member.post("/jobs", {{"recording", recording},
                                         {"voice", "kathleen"},
                                         {"title", "My song"},
                                         {"start_s", 0.5},
                                         {"end_s", 2.5},
                                         {"options", {{"key", -5}, {"f0", "pyin"}}}});
  ASSERT_TRUE(work());
  const json done = member.get("/jobs/" + job.at("id").get<std::string>());
  ASSERT_EQ(done.at("state"), "done") << done;
  EXPECT_EQ(member.get("/account").at("balance"), 4);
  EXPECT_EQ(member.get("/account").at("reserved"), 0);
  const std::string song = "/songs/" + done.at("song").get<std::string>();
  EXPECT_EQ(member.get(song).at("title"), "My song");
  EXPECT_EQ(member.get(song).at("key"), -5);
  EXPECT_NEAR(member.get(song).at("duration_s"), 2, 0.01);
  EXPECT_GT(member.get(song + "/peaks").at("converted").size(), 900u);

  for (const char* which : {"converted", "original"}) {
    const voxconv::AudioInfo info = info_of(member.send(Method::get, "/api/v1" + song + "/audio?which=" + which));
    EXPECT_EQ(info.codec, "mp3");
    EXPECT_NEAR(seconds, 2, 0.05) << which;
    EXPECT_GT(power, 1e-5) << which;
    EXPECT_EQ(info.tags.contains("voxconv_ai_converted"), std::string(which) == "converted");
  }
  for (const char* format : {"mp3", "wav", "flac"}) {
    const json render = member.post(song + "/renders", {{"format", format}, {"wet", 0.7}, {"level_db", -6}});
    ASSERT_TRUE(work());
    const json made = member.get("/renders/" + render.at("id").get<std::string>());
    ASSERT_EQ(made.at("state"), "done") << made;
    const http::Response file = member.send(Method::get, made.at("url"));
    const voxconv::AudioInfo info = info_of(file);
    EXPECT_NEAR(seconds, 2, 0.05);
    EXPECT_GT(power, 1e-5);
    EXPECT_EQ(info.container, format);
    EXPECT_EQ(file.file->download_name, std::string("My song.") + format);
    ASSERT_TRUE(info.tags.contains("comment"));
    EXPECT_THAT(info.tags.at("comment"), HasSubstr("AI-converted vocal: voice kathleen"));
    EXPECT_EQ(info.tags.at("title"), "My song");
  }
  std::vector<std::string> problems;
  service.store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
  EXPECT_THAT(problems, IsEmpty());
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(audit(service.config, true), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("all 7 files are there and as they were written"));
}

/// Does what another runner does, and something else before its work is kept.
struct Meanwhile : JobRunner {
  Meanwhile(JobRunner& runner, std::function<void()> what) : real(runner), happens(std::move(what)) {}
  JobOutput run(const JobTask& task) override {
    JobOutput output = real.run(task);
    happens();
    return output;
  }
  JobRunner& real;
  std::function<void()> happens;
};

TEST_F(Conversion, MakesForAMemberWhatAGuestBegan) {
  const auto begin = [&](ApiUser& guest, const json& job_request) {
    const Id recording = upload(VOXCONV_TEST_DATA "/song.flac", guest.id);
    if (job_request.is_null()) return recording;
    EXPECT_TRUE(work());
    json body = job_request;
    body["recording"] = recording;
    return guest.post("/jobs", body).at("id").get<std::string>();
  };
  Browser(service).send(Method::post, "/api/v1/accounts", {{"email", "ann@example.org"}, {"password", "seven quiet otters"}});
  const auto log_in = [](ApiUser& guest) {
    EXPECT_EQ(guest.send(Method::post, "/api/v1/sessions", {{"email", "ann@example.org"}, {"password", "seven quiet otters"}}).status, 201);
  };
  const auto work_while_logging_in = [&](ApiUser& guest) {
    Meanwhile late(runner, [&] { log_in(guest); });
    EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, late, options).work_one());
  };

  ApiUser first(service, ApiUser::Kind::guest), second(service, ApiUser::Kind::guest);
  const Id recording = begin(first, nullptr);
  work_while_logging_in(first);
  EXPECT_EQ(first.get("/recordings/" + recording).at("state"), "ready");

  const Id job = begin(second, {{"voice", "kathleen"}, {"preview", true}, {"end_s", 1}, {"options", {{"f0", "pyin"}}}});
  work_while_logging_in(second);
  const json done = second.get("/jobs/" + job);
  ASSERT_EQ(done.at("state"), "done") << done;
  second.get("/songs/" + done.at("song").get<std::string>());
}

TEST_F(Conversion, SaysWhatIsWrongWithARecording) {
  const auto failure = [&](const std::string& file) {
    const Id id = upload(file);
    EXPECT_TRUE(work());
    const json recording = member.get("/recordings/" + id);
    EXPECT_EQ(recording.at("state"), "failed");
    const std::string text = recording.at("failure");
    EXPECT_THAT(text, Not(HasSubstr(service.dir.string())));
    return text;
  };
  EXPECT_THAT(failure(VOXCONV_TEST_DATA "/README.md"), HasSubstr("cannot be read"));
  service.config.max_duration_s = 3;
  EXPECT_THAT(failure(VOXCONV_TEST_DATA "/song.flac"), HasSubstr("longer than"));
  // Short, but of so many samples that all of it would take as long as hours of an ordinary recording.
  service.config.max_duration_s = 4;
  voxconv::AudioBuffer much(96000, 8);
  for (auto& channel : much.channels) channel.resize(3 * 96000);
  const std::string path = (service.dir / "much.wav").string();
  const auto writer = voxconv::open_writer(path, {.rate = 96000, .channels = 8});
  writer->write(much);
  writer->finish();
  EXPECT_THAT(failure(path), HasSubstr("8 channels at 96000 Hz"));
}

TEST_F(Conversion, MayTakeAsLongAsItsPartIs) {
  service.config.job_time_s = 100;
  service.config.job_time_factor = 3;
  Job job;
  job.kind = Job::Kind::convert;
  job.parameters = R"({"start_s":10,"end_s":70})";
  EXPECT_EQ(runner.time_limit_s(job), 100 + 3 * 60);
  job.kind = Job::Kind::separate;
  EXPECT_EQ(runner.time_limit_s(job), 100 + 3 * 60);
  job.kind = Job::Kind::convert;
  job.parameters = R"({"start_s":10,"end_s":70,"keep_music":true})";
  EXPECT_EQ(runner.time_limit_s(job), 100 + 2 * 3 * 60);
  job.kind = Job::Kind::analyse;
  job.parameters = "";
  EXPECT_EQ(runner.time_limit_s(job), 100);
}

/// What is so is no song: the job fails with PermanentJobError, and its credits are given back.
TEST(FellSilent, TellsASilentResultFromASilentSource) {
  EXPECT_TRUE(fell_silent({0.0, 0.5}, {0.0, 0.0}));
  EXPECT_FALSE(fell_silent({0.0, 0.5}, {0.0, 0.1}));
  EXPECT_FALSE(fell_silent({0.0, 0.002}, {0.0, 0.0})) << "there was nothing to sing";
  EXPECT_FALSE(fell_silent({}, {}));
}

TEST_F(Conversion, TakesNothingForSilence) {
  const std::string file = (service.dir / "silence.wav").string();
  const auto writer = voxconv::open_writer(file, {.rate = 16000});
  writer->write(voxconv::AudioBuffer(16000, 1, 3 * 16000));
  writer->finish();
  const Id recording = upload(file);
  ASSERT_TRUE(work());
  EXPECT_EQ(member.get("/recordings/" + recording).at("f0_median"), 0);
  const std::string id = member.post("/jobs", {{"recording", recording}, {"voice", "kathleen"}, {"options", {{"f0", "pyin"}}}}).at("id");
  ASSERT_TRUE(work());
  EXPECT_EQ(member.get("/jobs/" + id).at("state"), "failed");
  EXPECT_THAT(member.get("/jobs/" + id).at("failure").get<std::string>(), HasSubstr("Nobody is to be heard"));
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_EQ(member.get("/account").at("reserved"), 0);
}

TEST_F(Conversion, FailsAndGivesBackWhenTheVoiceIsGone) {
  const Id recording = member.recording(30);
  service.blobs->put("recordings/" + recording + "/source", "x");
  const std::string id = member.post("/jobs", {{"recording", recording}, {"voice", "kathleen"}}).at("id");
  struct Renamed : JobRunner {
    explicit Renamed(JobRunner& r) : real(r) {}
    JobOutput run(const JobTask& task) override {
      Job job = task.job;
      job.voice = "nobody";
      return real.run({job, task.folder, task.progress, task.cancel});
    }
    JobRunner& real;
  } renamed(runner);
  EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, renamed, options).work_one());
  EXPECT_THAT(member.get("/jobs/" + id).at("failure").get<std::string>(), HasSubstr("no longer offered"));
  EXPECT_EQ(member.get("/account").at("balance"), 5);
}

// ---- songs with music ----

/// With the separator and a voice, on a song of 8 s.
struct CoverConversion : Conversion {
  Id upload_song() {
    const Id recording = upload(VOXCONV_TEST_DATA "/song_with_music.ogg");
    EXPECT_TRUE(work());
    return recording;
  }
  json order(const Id& recording, const std::string& voice, json change = json::object()) {
    json body = {{"recording", recording}, {"voice", voice}, {"end_s", 3}, {"options", {{"f0", "pyin"}}}};
    body.update(change);
    return member.post("/jobs", body);
  }
  json done(const json& job) {
    EXPECT_TRUE(work());
    const json now = member.get("/jobs/" + job.at("id").get<std::string>());
    EXPECT_EQ(now.at("state"), "done") << now;
    return now;
  }
  voxconv::AudioBuffer sound(const std::string& key) { return voxconv::read_all(*voxconv::open_reader(service.blobs->local_path(key))); }
  Song song_of(const json& job) {
    std::optional<Song> song;
    service.store->read([&](Transaction& transaction) { song = transaction.songs().find(job.at("song")); });
    return song.value_or(Song());
  }
  Recording recording_of(const Id& id) {
    std::optional<Recording> recording;
    service.store->read([&](Transaction& transaction) { recording = transaction.recordings().find(id); });
    return recording.value_or(Recording());
  }
  std::pair<int, std::string> audited() {
    ::testing::internal::CaptureStdout();
    const int status = audit(service.config, true);
    return {status, ::testing::internal::GetCapturedStdout()};
  }
  int files_below(const std::string& folder) {
    const auto path = service.dir / "blobs" / folder;
    if (!std::filesystem::exists(path)) return 0;
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) files += entry.is_regular_file();
    return files;
  }
};

double level_db(const std::vector<float>& a) {
  double power = 0;
  for (const float x : a) power += double(x) * x;
  return 10 * std::log10(power / double(std::max<std::size_t>(1, a.size())) + 1e-12);
}

TEST_F(CoverConversion, KeepsTheMusicAndCostsLessForTheSecondVoice) {
  service.config.separation_credits_per_minute = 2;
  const Id recording = upload_song();
  const json analysed = member.get("/recordings/" + recording);
  ASSERT_EQ(analysed.at("state"), "ready") << analysed;
  EXPECT_EQ(analysed.at("has_music"), true);
  EXPECT_EQ(analysed.at("has_vocals"), true);
  EXPECT_GT(analysed.at("f0_low"), 150) << "the singer's pitch, not that of the bass";
  EXPECT_TRUE(analysed.at("stems").is_null());

  const json first = order(recording, "kathleen");
  EXPECT_EQ(first.at("price"), 3);
  const Song song = song_of(done(first));
  EXPECT_EQ(member.get("/account").at("balance"), 2);
  // Vocals and music are in step and add up to the song; the music is in the cover.
  const voxconv::AudioBuffer vocals = sound(song.original), music = sound(song.music), converted = sound(song.converted);
  auto reader = voxconv::open_reader(VOXCONV_TEST_DATA "/song_with_music.ogg");
  const voxconv::AudioBuffer source = voxconv::read_all(*reader);
  ASSERT_EQ(vocals.frames(), 3u * 44100);
  ASSERT_EQ(music.frames(), vocals.frames());
  ASSERT_EQ(converted.frames(), vocals.frames());
  std::vector<float> rest;
  for (std::size_t i = 0; i < vocals.frames(); ++i) rest.push_back(vocals.channels[0][i] + music.channels[0][i] - source.channels[0][i]);
  EXPECT_LT(level_db(rest), -100);
  EXPECT_NEAR(level_db(converted.channels[0]), level_db(vocals.channels[0]), 3) << "as loud as the singer was";
  const std::string path = "/songs/" + song.id;
  EXPECT_EQ(member.get(path).at("music"), true);
  for (const char* name : {"original", "converted", "music", "cover"}) EXPECT_GT(member.get(path + "/peaks").at(name).size(), 900u) << name;
  for (const auto& [which, marked] : {std::pair{"song", true}, {"converted", true}, {"original", false}, {"music", false}}) {
    const voxconv::AudioInfo info = info_of(member.send(Method::get, "/api/v1" + path + "/audio?which=" + which));
    EXPECT_NEAR(seconds, 3, 0.06) << which;
    EXPECT_GT(power, 1e-5) << which;
    EXPECT_EQ(info.tags.contains("voxconv_ai_converted"), marked) << which;
  }

  // The part's vocals are kept, and count in the quota.
  const Recording kept = recording_of(recording);
  EXPECT_NEAR(kept.stems_end_s, 3, 1e-6);
  EXPECT_EQ(kept.stems_bytes, service.blobs->size(kept.vocals) + service.blobs->size(kept.music));
  std::int64_t bytes = 0;
  service.store->read([&](Transaction& transaction) { bytes = transaction.recordings().bytes_of(member.id); });
  EXPECT_EQ(bytes, kept.size + kept.stems_bytes);
  EXPECT_EQ(audited().first, 0);

  const json second = order(recording, "kumi");
  EXPECT_EQ(second.at("price"), 1);
  const Song other = song_of(done(second));
  EXPECT_EQ(sound(other.music).channels, music.channels);
  EXPECT_EQ(recording_of(recording).vocals, kept.vocals) << "not separated again";
  EXPECT_EQ(member.get("/account").at("balance"), 1);

  // Gone or damaged, they are made again, for nothing.
  service.blobs->put(kept.vocals, "no flac");
  EXPECT_EQ(audited().first, 1);
  const Song third = song_of(done(order(recording, "kathleen", {{"start_s", 0.5}})));
  EXPECT_EQ(sound(third.original).frames(), std::size_t(2.5 * 44100));
  EXPECT_NE(recording_of(recording).vocals, kept.vocals);
  EXPECT_EQ(service.blobs->size(kept.vocals), -1) << "the old ones are removed";
  EXPECT_EQ(member.get("/account").at("balance"), 0);
  EXPECT_EQ(audited().first, 0) << audited().second;

  // Downloads: the whole, the voice, the music; the music carries no mark of a converted voice.
  for (const auto& [parts, name] : {std::pair{"all", ""}, {"vocals", " (vocals)"}, {"music", " (instrumental)"}}) {
    const json render = member.post(path + "/renders", {{"format", "flac"}, {"parts", parts}, {"music_db", -3}});
    ASSERT_TRUE(work());
    const http::Response file = member.send(Method::get, member.get("/renders/" + render.at("id").get<std::string>()).at("url"));
    const voxconv::AudioInfo info = info_of(file);
    EXPECT_NEAR(seconds, 3, 0.01) << parts;
    EXPECT_EQ(info.channels, 2);
    EXPECT_EQ(file.file->download_name, "song" + std::string(name) + ".flac");
    EXPECT_EQ(info.tags.contains("voxconv_ai_converted"), std::string(parts) != "music");
  }

  EXPECT_EQ(member.send(Method::del, "/api/v1/recordings/" + recording).status, 204);
  EXPECT_EQ(files_below("recordings/" + recording), 0);
}

TEST_F(CoverConversion, LeavesNothingOfARecordingThatIsDeletedMeanwhile) {
  const Id recording = upload_song();
  const json job = order(recording, "kathleen");
  Meanwhile late(runner, [&] { EXPECT_EQ(member.send(Method::del, "/api/v1/recordings/" + recording).status, 204); });
  EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, late, options).work_one());
  EXPECT_EQ(member.get("/jobs/" + job.at("id").get<std::string>()).at("state"), "cancelled");
  EXPECT_EQ(member.get("/account").at("balance"), 5);
  EXPECT_EQ(member.get("/account").at("reserved"), 0);
  EXPECT_EQ(files_below("recordings/" + recording), 0);
  EXPECT_EQ(files_below("songs"), 0);
}

TEST_F(CoverConversion, KeepsNoStemsForWhichTheQuotaHasNoRoom) {
  const Id recording = upload_song();
  service.config.quota_bytes = 100'000;
  const json quote = member.post("/quotes", {{"recording", recording}, {"voice", "kathleen"}, {"end_s", 2}}, 200);
  const Song song = song_of(done(order(recording, "kathleen", {{"end_s", 2}})));
  EXPECT_FALSE(song.music.empty());
  EXPECT_TRUE(member.get("/recordings/" + recording).at("stems").is_null());
  EXPECT_EQ(member.post("/quotes", {{"recording", recording}, {"voice", "kathleen"}, {"end_s", 2}}, 200).at("price"), quote.at("price"));
  EXPECT_EQ(audited().first, 0);

  const json separation = member.post("/recordings/" + recording + "/separation", nullptr);
  ASSERT_TRUE(work());
  const json failed = member.get("/jobs/" + separation.at("id").get<std::string>());
  EXPECT_EQ(failed.at("state"), "failed");
  EXPECT_THAT(failed.at("failure").get<std::string>(), HasSubstr("no room"));
  EXPECT_EQ(member.get("/account").at("reserved"), 0);
}

TEST_F(CoverConversion, PutsTheMusicOfASongUnderATake) {
  const Id backing = upload_song();
  done(member.post("/recordings/" + backing + "/separation", nullptr));
  EXPECT_EQ(member.get("/recordings/" + backing).at("stems").at("end_s"), 8);
  EXPECT_EQ(info_of(member.send(Method::get, "/api/v1/recordings/" + backing + "/audio?which=music")).codec, "mp3");
  EXPECT_NEAR(seconds, 8, 0.06);

  const Id take = upload(VOXCONV_TEST_DATA "/song.flac");
  member.set_recording(take, [&](Recording& found) {
    found.backing = backing;
    found.backing_start_s = 2;
  });
  ASSERT_TRUE(work());
  EXPECT_EQ(member.get("/recordings/" + take).at("has_music"), false) << "whatever else the microphone heard";
  const Song song = song_of(done(order(take, "kathleen", {{"start_s", 1}, {"end_s", 3}})));
  const voxconv::AudioBuffer music = sound(song.music);
  EXPECT_NEAR(music.seconds(), 2, 1e-3);
  EXPECT_EQ(sound(song.converted).frames(), music.frames());
  EXPECT_EQ(sound(song.original).frames(), music.frames());

  // The music is that of the song from 3 s on: of all shifts, none fits better.
  const Recording separated = recording_of(backing);
  const auto mono = [](const voxconv::AudioBuffer& audio, double rate) {
    std::vector<double> out;
    for (double at = 0; at < double(audio.frames()); at += audio.rate / rate) out.push_back(std::abs(audio.channels[0][std::size_t(at)]));
    return out;
  };
  const std::vector<double> whole = mono(sound(separated.music), 2000), part = mono(music, 2000);
  double best = 0, best_at = 0;
  for (std::size_t shift = 5000; shift < 7000; ++shift) {
    double sum = 0;
    for (std::size_t i = 0; i < part.size() && shift + i < whole.size(); ++i) sum += whole[shift + i] * part[i];
    if (sum > best) best = sum, best_at = double(shift) / 2000;
  }
  EXPECT_NEAR(best_at, 3, 0.02);
  EXPECT_EQ(audited().first, 0);

  EXPECT_EQ(member.send(Method::del, "/api/v1/recordings/" + backing).status, 204);
  const json late = order(take, "kathleen", {{"keep_music", false}});
  EXPECT_TRUE(song_of(done(late)).music.empty());
}

}  // namespace
}  // namespace webwrap
