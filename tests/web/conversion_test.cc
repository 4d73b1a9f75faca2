#include <gmock/gmock.h>

#include <cmath>
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

}  // namespace
}  // namespace webwrap
