#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api_user.h"
#include "commands/commands.h"
#include "voice_testing.h"
#include "voxconv/audio_io.h"
#include "voxconv/speech.h"
#include "worker/audio_runner.h"
#include "worker/training_folder.h"
#include "worker/worker.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

/// Runs the real runner, then something, before the worker keeps what was made.
struct Afterwards : JobRunner {
  Afterwards(JobRunner& runner, std::function<void()> what) : real(runner), then(std::move(what)) {}
  double time_limit_s(const Job& job) const override { return real.time_limit_s(job); }
  JobOutput run(const JobTask& task) override {
    JobOutput output = real.run(task);
    then();
    return output;
  }
  JobRunner& real;
  std::function<void()> then;
};

/// Consents and trainings with the real job runner.
struct OwnVoices : ::testing::Test {
  OwnVoices() {
    // As on a machine without a recogniser, whatever is installed here.
    ::setenv("XDG_DATA_HOME", service.dir.c_str(), 1);
    add_own_voice_routes(service.router, *service.context);
    add_upload_routes(service.router, *service.context);
    service.config.lease_s = 600;
    service.config.own_voice_s = 6;
    service.config.training_credits = 2;
    service.config.training_steps = 3;
    options.poll = options.heartbeat = std::chrono::milliseconds(20);
    voice = member.post("/own-voices", {{"title", "Mine"}, {"language", "en"}}).at("id");
  }

  /// What is heard in `file`, so many times, from `start_s` on, as bytes of a wav file.
  std::string wav_of(const std::string& file, int times, double start_s = 0, const voxconv::Tags& tags = {}) {
    const auto reader = voxconv::open_reader(file);
    voxconv::AudioBuffer audio = voxconv::read_all(*reader);
    std::vector<float>& samples = audio.channels[0];
    samples.erase(samples.begin(), samples.begin() + std::ptrdiff_t(start_s * audio.rate));
    voxconv::WriteOptions format;
    format.rate = audio.rate;
    format.tags = tags;
    const std::string path = (service.dir / "made.flac").string();
    const auto writer = voxconv::open_writer(path, format);
    for (int i = 0; i < times; ++i) writer->write(audio);
    writer->finish();
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Some seconds of `loud`, then more of `soft` at -34 dB.
  std::string wav_with_somebody_else(const std::string& loud, const std::string& soft) {
    const voxconv::AudioBuffer mine = voxconv::read_all(*voxconv::open_reader(loud)),
                               other = voxconv::read_all(*voxconv::open_reader(soft));
    voxconv::AudioBuffer audio(mine.rate, 1);
    std::vector<float>& samples = audio.channels[0];
    for (int i = 0; i < 3; ++i) samples.insert(samples.end(), mine.channels[0].begin(), mine.channels[0].end());
    const double step = double(other.rate) / mine.rate;
    for (int i = 0; i < 4; ++i)
      for (double at = 0; at < double(other.channels[0].size()); at += step) samples.push_back(0.02f * other.channels[0][std::size_t(at)]);
    voxconv::WriteOptions format;
    format.rate = audio.rate;
    const std::string path = (service.dir / "mixed.wav").string();
    const auto writer = voxconv::open_writer(path, format);
    writer->write(audio);
    writer->finish();
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  static std::string encoded(const std::string& text) {
    static const char* const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
      const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
      const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
      for (int k = 0; k < 4; ++k) out += i + std::size_t(k) <= text.size() ? letters[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
  }
  /// Uploads a recording of the voice, or a phrase, and lets a worker look at it.
  Id upload(const std::string& bytes, const Id& consent = "") {
    std::string metadata = "filename " + encoded("voice.flac") + ",voice " + encoded(voice);
    if (!consent.empty()) metadata += ",consent " + encoded(consent);
    const http::Response begun =
        member.send_raw(Method::post, "/api/v1/uploads", "",
                        {{"tus-resumable", "1.0.0"}, {"upload-length", std::to_string(bytes.size())}, {"upload-metadata", metadata}});
    EXPECT_EQ(begun.status, 201) << begun.body;
    std::string location;
    for (const auto& [name, value] : begun.headers)
      if (name == "Location") location = value;
    EXPECT_EQ(member
                  .send_raw(Method::patch, location, bytes,
                            {{"tus-resumable", "1.0.0"}, {"upload-offset", "0"}, {"content-type", "application/offset+octet-stream"}})
                  .status,
              204);
    EXPECT_TRUE(work());
    return location.substr(location.rfind('/') + 1);
  }
  json speak(const std::string& bytes) {
    upload(bytes, member.post("/own-voices/" + voice + "/phrases", {{"agreed", true}}).at("id"));
    return now().at("consent");
  }
  json now() { return member.get("/own-voices/" + voice); }
  bool work() { return Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).work_one(); }
  bool is_in_training_folder(const std::string& name) { return fs::exists(service.dir / "training" / voice / name); }
  Consent newest() {
    Consent found;
    service.store->read([&](Transaction& transaction) { found = transaction.voices().consents(voice).front(); });
    return found;
  }
  std::vector<std::string> audit_of_books() {
    std::vector<std::string> problems;
    service.store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
    return problems;
  }

  ApiService service;
  ApiUser member{service, ApiUser::Kind::member}, other{service, ApiUser::Kind::member, "192.0.2.7"};
  AudioRunner runner{service.config, *service.store, *service.blobs};
  WorkerOptions options;
  Id voice;
  const std::string speech = VOXCONV_TEST_DATA "/speech.flac", song = VOXCONV_TEST_DATA "/song.flac";
};

TEST_F(OwnVoices, AreConsentedToByWhoSpeaksInTheRecordings) {
  const Id recording = upload(wav_of(speech, 2));
  const json looked_at = now().at("recordings").at(0);
  EXPECT_EQ(looked_at.at("state"), "ready") << looked_at;
  EXPECT_GT(looked_at.at("usable_s"), 6);
  EXPECT_LE(looked_at.at("usable_s"), 9);
  EXPECT_EQ(member.get("/recordings/" + recording).at("voice"), voice);

  // Somebody else.
  json consent = speak(wav_of(song, 1));
  EXPECT_EQ(consent.at("verdict"), "refused") << consent;
  EXPECT_THAT(consent.at("reason").get<std::string>(), HasSubstr("does not sound like"));
  EXPECT_LT(newest().similarity, service.config.consent_least_similarity);

  // The same voice; without a recogniser a person must hear the words, or there are no own voices.
  const std::string phrase = wav_of(speech, 1, 0.7);
  service.config.consent_without_recogniser = "refuse";
  member.post("/own-voices/" + voice + "/phrases", {{"agreed", true}}, 503);
  service.config.consent_without_recogniser = "review";
  consent = speak(phrase);
  EXPECT_EQ(consent.at("verdict"), "review") << consent;
  EXPECT_GT(newest().similarity, service.config.consent_similarity);
  EXPECT_EQ(newest().heard, -1);
  EXPECT_EQ(newest().audio_sha256.size(), 64u);
  EXPECT_FALSE(newest().nearest.empty()) << "compared with the installed voices";
  EXPECT_EQ(now().at("state"), "draft") << "nobody has heard it yet";

  // The very same recording again.
  consent = speak(phrase);
  EXPECT_EQ(consent.at("verdict"), "refused");
  EXPECT_THAT(consent.at("reason").get<std::string>(), HasSubstr("used before"));

  // Of somebody else one recording is enough.
  upload(wav_of(song, 2));
  EXPECT_EQ(speak(wav_of(speech, 1, 0.3)).at("verdict"), "refused");
}

TEST_F(OwnVoices, AreListenedToWhereSomebodyElseIsHiddenInARecording) {
  upload(wav_with_somebody_else(speech, song));
  const json consent = speak(wav_of(speech, 1, 0.7));
  EXPECT_GT(newest().similarity, service.config.consent_similarity) << "one embedding of the file is that of the louder voice";
  EXPECT_EQ(consent.at("verdict"), "review");
  EXPECT_THAT(consent.at("reason").get<std::string>(), HasSubstr("A part of your recordings"));
}

/// What is said is checked where there is a recogniser. Nobody here can speak a phrase, so the words that were spoken become the phrase.
TEST_F(OwnVoices, AreConsentedToInTheWordsOfThePhrase) {
  ::unsetenv("XDG_DATA_HOME");
  if (!voxconv::has_recogniser()) GTEST_SKIP() << "Whisper's decoder is not installed: voxconv models get whisper-base";
  upload(wav_of(speech, 2));
  EXPECT_EQ(speak(wav_of(speech, 1, 0.1)).at("verdict"), "refused");
  const Consent refused = newest();
  EXPECT_THAT(refused.reason, HasSubstr("other words"));
  EXPECT_LT(refused.heard, 0.5);
  EXPECT_GT(refused.transcript.size(), 20u);

  const Id again = member.post("/own-voices/" + voice + "/phrases", {{"agreed", true}}).at("id");
  service.store->write([&](Transaction& transaction) {
    Consent asked = transaction.voices().find_consent(again).value();
    asked.phrase = refused.transcript;
    transaction.voices().update_consent(asked);
  });
  upload(wav_of(speech, 1, 0.05), again);
  EXPECT_EQ(newest().verdict, Consent::Verdict::accepted) << newest().transcript << " " << newest().reason;
  EXPECT_GT(newest().heard, 0.7);
  EXPECT_EQ(newest().decided_by, "service");
  EXPECT_EQ(now().at("state"), "consent");
}

TEST_F(OwnVoices, AreNotMadeOfConvertedRecordings) {
  const Id recording = upload(wav_of(speech, 2, 0, {{"voxconv_ai_converted", "yes"}}));
  const json failed = now().at("recordings").at(0);
  EXPECT_EQ(failed.at("state"), "failed");
  EXPECT_THAT(failed.at("failure").get<std::string>(), HasSubstr("converted voice"));
  EXPECT_EQ(now().at("usable_s"), 0);
}

TEST_F(OwnVoices, AreTrainedOnAfterAWorkersEndAndTakenBack) {
  upload(wav_of(speech, 2));
  speak(wav_of(speech, 1, 0.7));
  approve_voice(service.config, voice, testing::seen_mark_of(service.config, voice));
  EXPECT_EQ(now().at("state"), "consent");
  const Id job = member.post("/own-voices/" + voice + "/training", json::object()).at("id");

  // Stopped in the midst: the features are there, and a checkpoint.
  {
    service.config.training_steps = 100'000;
    Worker worker(service.config, *service.store, *service.blobs, service.clock, runner, options);
    std::thread stopper([&] {
      for (int i = 0; i < 6000; ++i) {
        std::optional<Job> found;
        service.store->read([&](Transaction& transaction) { found = transaction.jobs().find(job); });
        if (found->stage == "training") break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      worker.stop();
    });
    worker.run();
    stopper.join();
  }
  EXPECT_EQ(member.get("/jobs/" + job).at("state"), "queued");
  EXPECT_TRUE(is_in_training_folder("work/run/checkpoint.safetensors"));
  EXPECT_EQ(TrainingFolder::clean_up(service.config, *service.store), 0) << "it goes on";

  // While another process holds the folder, the job waits.
  service.config.training_steps = 3;
  {
    const TrainingFolder held(service.config, voice);
    EXPECT_TRUE(work());
    EXPECT_EQ(member.get("/jobs/" + job).at("state"), "queued");
    EXPECT_FALSE(work()) << "for some seconds";
    service.clock.time += 10;
  }
  EXPECT_TRUE(work());
  const json made = now();
  ASSERT_EQ(made.at("state"), "private") << member.get("/jobs/" + job);
  EXPECT_EQ(member.get("/account").at("balance"), 3);
  EXPECT_FALSE(fs::exists(service.dir / "training" / voice));
  EXPECT_GT(made.at("usable_s"), 6);
  EXPECT_EQ(audit(service.config, true), 0) << "its files are as they were written";
  std::int64_t bytes = 0;
  service.store->read([&](Transaction& transaction) { bytes = transaction.voices().bytes_of(member.id); });
  EXPECT_GT(bytes, 10'000) << "it counts in the quota";
  const http::Response sample = member.send(Method::get, made.at("sample_url"));
  ASSERT_EQ(sample.status, 200);
  const auto heard = voxconv::open_reader(service.blobs->local_path(sample.file->key));
  EXPECT_TRUE(heard->info().tags.contains("voxconv_ai_converted"));

  // Sung with, under the name that it has now.
  EXPECT_EQ(member.send(Method::patch, "/api/v1/own-voices/" + voice, {{"title", "Mine, renamed"}}).status, 200);
  std::ifstream stream(song, std::ios::binary);
  const std::string bytes_of_song((std::istreambuf_iterator<char>(stream)), {});
  const auto song_of = [&](ApiUser& user) {
    const Id recording = user.recording(3);
    service.blobs->put("recordings/" + recording + "/source", bytes_of_song);
    user.set_recording(recording, [&](Recording& found) { found.size = std::int64_t(bytes_of_song.size()); });
    return recording;
  };
  const Id source = song_of(member);
  const json order = {{"recording", source}, {"voice", voice}, {"end_s", 1}};
  member.post("/jobs", order);
  EXPECT_TRUE(work());
  const json sung = member.get("/songs").at(0);
  EXPECT_EQ(sung.at("voice").at("id"), voice);
  EXPECT_EQ(sung.at("voice").at("title"), "Mine, renamed");
  EXPECT_EQ(member.get("/account").at("balance"), 2);

  // A bundle that is not the one that was made is not sung with.
  OwnVoice record;
  service.store->read([&](Transaction& transaction) { record = transaction.voices().find(voice).value(); });
  AudioRunner fresh(service.config, *service.store, *service.blobs);
  service.store->write([&](Transaction& transaction) {
    OwnVoice changed = record;
    changed.sha256 = std::string(64, '0');
    transaction.voices().update(changed);
  });
  service.config.max_attempts = 1;
  const Id refused = member.post("/jobs", order).at("id");
  EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, fresh, options).work_one());
  EXPECT_EQ(member.get("/jobs/" + refused).at("state"), "failed");
  service.store->write([&](Transaction& transaction) { transaction.voices().update(record); });

  // Closed to another member before a worker begins; withdrawn while it sings.
  const std::string url = member.post("/own-voices/" + voice + "/access", {{"access", "link"}}, 200).at("link_url");
  const json their_order = {{"recording", song_of(other)}, {"voice", url.substr(url.rfind('/') + 1)}, {"end_s", 1}};
  const Id closed = other.post("/jobs", their_order).at("id");
  member.post("/own-voices/" + voice + "/access", {{"access", "private"}}, 200);
  EXPECT_TRUE(work());
  EXPECT_THAT(other.get("/jobs/" + closed).at("failure").get<std::string>(), HasSubstr("taken it back"));
  const Id late = member.post("/jobs", order).at("id");
  Afterwards withdrawing(runner, [&] { EXPECT_EQ(member.send(Method::del, "/api/v1/own-voices/" + voice).status, 204); });
  EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, withdrawing, options).work_one());
  EXPECT_EQ(member.get("/jobs/" + late).at("state"), "cancelled");
  EXPECT_EQ(member.get("/songs").size(), 1u) << "what was made before stays";
  EXPECT_EQ(member.get("/account").at("balance"), 2);
  EXPECT_EQ(other.get("/account").at("balance"), 5);
  EXPECT_FALSE(fs::exists(service.dir / "blobs" / "files" / "voices" / voice));
  EXPECT_EQ(audit(service.config, false), 0);
  EXPECT_THAT(audit_of_books(), IsEmpty());
}

}  // namespace
}  // namespace webwrap
