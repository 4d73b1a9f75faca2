#include <gmock/gmock.h>
#include <sodium.h>

#include <set>

#include "api/accounts.h"
#include "api_user.h"
#include "commands/commands.h"
#include "domain/phrase.h"
#include "store/job_end.h"
#include "store/voice_steps.h"
#include "voice_testing.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using State = OwnVoice::State;
using Verdict = Consent::Verdict;

TEST(Phrases, AreDrawnAnew) {
  std::set<std::string> texts;
  for (const std::string& language : phrase_languages())
    for (int i = 0; i < 50; ++i) texts.insert(make_phrase(language).text);
  EXPECT_EQ(texts.size(), 50 * phrase_languages().size());
  EXPECT_THROW(make_phrase("tlh"), std::invalid_argument);
}

TEST(Phrases, AreHeardInSpiteOfSlips) {
  const Phrase phrase{
      "en", "This is my own voice, and I agree that a singing voice is made from it. river, candle, tiger, market, sunday, wagon."};
  const auto heard = [&](const std::string& text) { return compare(phrase, text); };
  EXPECT_EQ(heard(phrase.text).share, 1);
  EXPECT_EQ(heard(phrase.text).drawn, 6);
  EXPECT_TRUE(
      heard("this is my own voice and I agree that a singing voice is made from it River candles tiger market Sunday wagon").is_enough());
  EXPECT_TRUE(heard("This is my own voice and I agree that the singing voice is made from that. River, candle, tiger, market, Sunday.")
                  .is_enough());
  EXPECT_FALSE(heard("This is my own voice and I agree that a singing voice is made from it.").is_enough()) << "an older recording";
  EXPECT_FALSE(heard("River, candle, tiger, market, Sunday, wagon.").is_enough()) << "who says what without agreeing to anything";
  EXPECT_FALSE(
      heard("This is my own voice, and I agree that a singing voice is made from it. wagon sunday market tiger candle river").is_enough())
      << "words cut together";
  std::string many = "This is my own voice, and I agree that a singing voice is made from it.";
  for (int i = 0; i < 6; ++i) many += " apple river mountain candle tiger garden market sunday winter wagon";
  EXPECT_FALSE(heard(many).is_enough()) << "a recording of all words holds every phrase";
  EXPECT_FALSE(heard("").is_enough());
  for (int i = 0; i < 200; ++i) {
    const Phrase one = make_phrase("en"), other = make_phrase("en");
    EXPECT_TRUE(compare(one, one.text).is_enough());
    EXPECT_FALSE(compare(one, other.text).is_enough()) << one.text << " " << other.text;
  }
}

/// A member with a voice and what it takes to get it from state to state without workers.
struct Voices : ::testing::Test {
  Voices() {
    add_own_voice_routes(service.router, *service.context);
    add_upload_routes(service.router, *service.context);
    service.config.own_voice_s = 20;
    service.config.training_credits = 3;
  }
  void TearDown() override {
    std::vector<std::string> problems;
    service.store->read([&](Transaction& transaction) { problems = transaction.ledger().audit(); });
    EXPECT_THAT(problems, IsEmpty());
  }

  json draft(ApiUser& user) { return user.post("/own-voices", {{"title", "Anna"}, {"language", "en"}, {"gender", "female"}}); }
  Id record(ApiUser& user, const Id& voice, double usable_s = 25) {
    const Id recording = user.recording(usable_s + 2);
    user.set_recording(recording, [&](Recording& found) {
      found.voice = voice;
      found.usable_s = usable_s;
    });
    return recording;
  }
  json asked(ApiUser& user, const Id& voice, int status = 201) {
    return user.post("/own-voices/" + voice + "/phrases", {{"agreed", true}}, status);
  }
  /// As a check by a worker ends that finds nothing wrong.
  void consent(const Id& voice) {
    change(voice, [&](Transaction& transaction, OwnVoice& found) {
      Consent newest = transaction.voices().consents(voice).front();
      voice_steps::accept_consent(transaction, found, newest, "service", service.clock.now());
    });
  }
  void change(const Id& voice, const std::function<void(Transaction&, OwnVoice&)>& work) {
    service.store->write([&](Transaction& transaction) {
      OwnVoice found = transaction.voices().find(voice).value();
      work(transaction, found);
    });
  }
  /// As a training ends.
  void train(ApiUser& user, const Id& voice) {
    const Id job_id = user.post("/own-voices/" + voice + "/training", json::object()).at("id");
    service.blobs->put("voices/" + voice + "/1-bundle/voice.json", "{}");
    service.blobs->put("voices/" + voice + "/1-bundle/weights.safetensors", "weights");
    service.blobs->put("voices/" + voice + "/1-sample.mp3", "mp3");
    change(voice, [&](Transaction& transaction, OwnVoice& found) {
      const Job job = transaction.jobs().claim("w", service.clock.up(), 60, 3, 1).value();
      ASSERT_EQ(job.id, job_id);
      OwnVoice made;
      made.bundle = "voices/" + voice + "/1-bundle";
      made.sample = "voices/" + voice + "/1-sample.mp3";
      made.sha256 = "abc";
      made.bytes = 7;
      made.f0_low = 150, made.f0_median = 200, made.f0_high = 300;
      voice_steps::finish_training(transaction, found, made, service.clock.now());
      transaction.jobs().finish(job.id, job.attempts, job.worker, Job::State::done, "", "", 1);
      settle(transaction, job, Job::State::done, 1);
    });
  }
  Id trained(ApiUser& user) {
    const Id voice = draft(user).at("id");
    record(user, voice);
    asked(user, voice);
    consent(voice);
    train(user, voice);
    return voice;
  }
  json open(ApiUser& user, const Id& voice, const char* access, int status = 200) {
    return user.post("/own-voices/" + voice + "/access", {{"access", access}}, status);
  }
  void publish(ApiUser& user, const Id& voice) {
    open(user, voice, "published");
    change(voice, [&](Transaction& transaction, OwnVoice& found) { voice_steps::publish(transaction, found, service.clock.now()); });
  }
  /// Who gets the royalties of conversions with the voice; empty: nobody.
  Id earner(const Id& voice) {
    Id account;
    service.store->read([&](Transaction& transaction) {
      if (const auto owner = transaction.earnings().owner_of(voice)) account = owner->account;
    });
    return account;
  }
  static json with(const Id& recording, const std::string& voice) { return {{"recording", recording}, {"voice", voice}}; }
  static std::vector<std::string> names(const json& voices) {
    std::vector<std::string> all;
    for (const json& voice : voices) all.push_back(voice.at("id"));
    return all;
  }
  static std::string encoded(const std::string& text) {
    std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    return out.c_str();
  }
  http::Response upload(ApiUser& user, const std::map<std::string, std::string>& metadata) {
    std::string header = "filename dm9pY2Uud2F2";
    for (const auto& [name, value] : metadata) header += "," + name + " " + encoded(value);
    return user.send_raw(Method::post, "/api/v1/uploads", "",
                         {{"tus-resumable", "1.0.0"}, {"upload-length", "10"}, {"upload-metadata", header}});
  }
  Consent newest_consent(const Id& voice) {
    Consent found;
    service.store->read([&](Transaction& transaction) { found = transaction.voices().consents(voice).front(); });
    return found;
  }

  ApiService service;
  ApiUser anna{service, ApiUser::Kind::member}, ben{service, ApiUser::Kind::member, "192.0.2.2"};
};

TEST_F(Voices, GoFromRecordingToPublishedAndEnd) {
  json voice = draft(anna);
  const Id id = voice.at("id");
  EXPECT_EQ(voice.at("state"), "draft");
  EXPECT_EQ(voice.at("usable_s"), 0);
  EXPECT_EQ(asked(anna, id, 409).at("code"), "too_little");
  record(anna, id, 12);
  const Id second = record(anna, id, 12);
  voice = anna.get("/own-voices/" + id);
  EXPECT_EQ(voice.at("usable_s"), 24);
  EXPECT_EQ(voice.at("recordings").size(), 2u);

  const json phrase = asked(anna, id);
  EXPECT_THAT(phrase.at("phrase"), HasSubstr("my own voice"));
  EXPECT_EQ(phrase.at("expires"), service.clock.now() + service.config.consent_valid_s);
  EXPECT_EQ(anna.post("/own-voices/" + id + "/training", json::object(), 409).at("code"), "wrong_step") << "before the consent";
  consent(id);
  EXPECT_EQ(anna.get("/own-voices/" + id).at("state"), "consent");
  EXPECT_EQ(anna.send(Method::del, "/api/v1/recordings/" + second).status, 409) << "the consent was to it, too";

  train(anna, id);
  voice = anna.get("/own-voices/" + id);
  EXPECT_EQ(voice.at("state"), "private");
  EXPECT_EQ(anna.get("/account").at("balance"), 2) << "the training had its price";
  EXPECT_EQ(anna.send(Method::get, "/api/v1/voices/" + id + "/sample").status, 200);
  EXPECT_EQ(ben.send(Method::get, "/api/v1/voices/" + id + "/sample").status, 404);
  EXPECT_EQ(names(anna.get("/voices")).front(), id) << "one's own voices come first";
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id)));
  EXPECT_EQ(anna.post("/quotes", with(anna.recording(), id), 200).at("price"), 2);
  ben.post("/quotes", with(ben.recording(), id), 422);

  EXPECT_EQ(open(anna, id, "published").at("state"), "review");
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id))) << "nobody has looked at it yet";
  change(id, [&](Transaction& transaction, OwnVoice& found) { voice_steps::publish(transaction, found, 1); });
  EXPECT_THAT(names(ben.get("/voices")), Contains(id));
  EXPECT_EQ(earner(id), anna.get("/account").at("id")) << "royalties are its owner's from now on";
  EXPECT_EQ(ben.get("/voices/" + id).at("by"), "member");
  const json job = ben.post("/jobs", with(ben.recording(), id));

  EXPECT_EQ(anna.send(Method::del, "/api/v1/own-voices/" + id).status, 204);
  EXPECT_EQ(earner(id), "");
  EXPECT_EQ(ben.get("/jobs/" + job.at("id").get<std::string>()).at("state"), "cancelled");
  EXPECT_EQ(ben.get("/account").at("balance"), 5) << "given back";
  ben.post("/jobs", with(ben.recording(), id), 422);
  anna.post("/jobs", with(anna.recording(), id), 422);
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id)));
  EXPECT_LT(service.blobs->size("voices/" + id + "/1-bundle/weights.safetensors"), 0);
  EXPECT_LT(service.blobs->size("voices/" + id + "/1-sample.mp3"), 0);
  voice = anna.get("/own-voices/" + id);
  EXPECT_EQ(voice.at("state"), "withdrawn");
  EXPECT_THAT(voice.at("recordings"), IsEmpty());
  EXPECT_EQ(voice.at("consent").at("verdict"), "accepted") << "the record stays";
  EXPECT_EQ(anna.send(Method::del, "/api/v1/own-voices/" + id).status, 409);
}

/// Every step that the picture in voice_steps.h has, and none besides.
TEST_F(Voices, TakeNoOtherSteps) {
  const std::set<std::pair<State, State>> allowed = {
      {State::draft, State::consent},     {State::consent, State::draft},      {State::consent, State::training},
      {State::training, State::consent},  {State::training, State::private_},  {State::private_, State::link},
      {State::private_, State::private_}, {State::private_, State::review},    {State::link, State::link},
      {State::link, State::private_},     {State::link, State::review},        {State::review, State::private_},
      {State::review, State::published},  {State::published, State::private_}, {State::published, State::link}};
  const std::size_t count = names_of(State()).size();
  for (std::size_t from = 0; from < count; ++from)
    for (std::size_t to = 0; to < count; ++to) {
      const State a = State(from), b = State(to);
      const bool expected = allowed.contains({a, b}) || (b == State::withdrawn && a != State::withdrawn);
      EXPECT_EQ(voice_steps::leads(a, b), expected) << name_of(a) << " to " << name_of(b);
    }
  const Id id = draft(anna).at("id");
  EXPECT_EQ(open(anna, id, "link", 409).at("code"), "wrong_step");
  EXPECT_EQ(open(anna, id, "published", 409).at("code"), "wrong_step");
  EXPECT_EQ(open(anna, id, "everybody", 422).at("code"), "invalid");
  EXPECT_EQ(anna.send(Method::del, "/api/v1/own-voices/" + id + "/consent").status, 409);
}

TEST_F(Voices, BelongToTheirOwner) {
  const Id id = trained(anna);
  for (const auto& [method, path] : {std::pair{Method::get, ""},
                                     {Method::patch, ""},
                                     {Method::del, ""},
                                     {Method::post, "/phrases"},
                                     {Method::del, "/consent"},
                                     {Method::post, "/training"},
                                     {Method::post, "/access"}}) {
    const json body = path == std::string("/phrases")  ? json{{"agreed", true}}
                      : path == std::string("/access") ? json{{"access", "link"}}
                                                       : json::object();
    EXPECT_EQ(ben.send(method, "/api/v1/own-voices/" + id + path, body).status, 404) << path;
  }
  EXPECT_EQ(upload(ben, {{"voice", id}}).status, 422);
  ApiUser guest{service, ApiUser::Kind::guest, "192.0.2.9"};
  EXPECT_EQ(guest.send(Method::post, "/api/v1/own-voices", {{"title", "G"}, {"language", "en"}}).status, 403);
  EXPECT_THAT(ben.get("/own-voices"), IsEmpty());
}

TEST_F(Voices, AreLimited) {
  service.config.max_own_voices = 2;
  const Id first = draft(anna).at("id");
  draft(anna);
  EXPECT_EQ(anna.post("/own-voices", {{"title", "C"}, {"language", "en"}}, 409).at("code"), "too_many_voices");
  EXPECT_EQ(anna.send(Method::del, "/api/v1/own-voices/" + first).status, 204);
  anna.get("/own-voices/" + first, 404);  // never heard: nothing stays
  const Id third = draft(anna).at("id");

  // One training at a time, so many a day, and none on credit.
  service.config.max_own_voices = 5;
  service.config.trainings_per_day = 2;
  const Id fourth = draft(anna).at("id");
  for (const Id& id : {third, fourth}) {
    record(anna, id);
    asked(anna, id);
    consent(id);
  }
  const json job = anna.post("/own-voices/" + third + "/training", json::object());
  EXPECT_EQ(anna.post("/own-voices/" + third + "/training", json::object()).at("id"), job.at("id")) << "pressed twice";
  EXPECT_EQ(anna.post("/own-voices/" + fourth + "/training", json::object(), 409).at("code"), "training");
  EXPECT_EQ(anna.get("/own-voices/" + third).at("training").at("job").at("state"), "queued");
  EXPECT_EQ(anna.send(Method::del, "/api/v1/jobs/" + job.at("id").get<std::string>()).status, 202);
  EXPECT_EQ(anna.get("/own-voices/" + third).at("state"), "consent") << "cancelled: it can be tried again";
  EXPECT_EQ(anna.get("/account").at("balance"), 5);
  service.config.training_credits = 6;
  EXPECT_EQ(anna.post("/own-voices/" + fourth + "/training", json::object(), 402).at("code"), "not_enough_credits");
  EXPECT_EQ(anna.get("/own-voices/" + fourth).at("state"), "consent") << "nothing was begun";
  service.config.training_credits = 1;
  anna.post("/own-voices/" + fourth + "/training", json::object());
  service.config.trainings_per_day = 1;
  change(fourth,
         [&](Transaction& transaction, OwnVoice& found) { cancel_job(transaction, transaction.voices().active_jobs(found.id).at(0), 1); });
  EXPECT_EQ(anna.post("/own-voices/" + fourth + "/training", json::object(), 429).at("code"), "too_many_trainings");

  // A full disk takes no training.
  service.config.trainings_per_day = 9;
  service.free_bytes = 50'000'000;
  EXPECT_EQ(anna.post("/own-voices/" + fourth + "/training", json::object(), 507).at("code"), "disk_full");
}

/// The training of one member keeps nobody waiting.
TEST_F(Voices, AreTrainedAfterEverythingElse) {
  const Id id = draft(anna).at("id");
  record(anna, id);
  asked(anna, id);
  consent(id);
  const Id training = anna.post("/own-voices/" + id + "/training", json::object()).at("id");
  service.clock.time += 100;
  json preview = with(ben.recording(), "kathleen");
  preview["preview"] = true;
  const Id later = ben.post("/jobs", preview).at("id");
  service.store->write([&](Transaction& transaction) {
    EXPECT_TRUE(transaction.jobs().is_anyone_waiting(3, service.clock.up()));
    EXPECT_FALSE(transaction.jobs().is_anyone_waiting(2, service.clock.up()));
    EXPECT_EQ(transaction.jobs().claim("w", service.clock.up(), 60, 3, 1)->id, later);
    EXPECT_FALSE(transaction.jobs().is_anyone_waiting(3, service.clock.up()));
    EXPECT_EQ(transaction.jobs().claim("w", service.clock.up(), 60, 3, 1)->id, training);
  });
}

TEST_F(Voices, AreConsentedToAnewEachTime) {
  const Id id = draft(anna).at("id");
  EXPECT_EQ(anna.post("/own-voices/" + id + "/phrases", {{"agreed", false}}, 422).at("code"), "invalid");
  EXPECT_EQ(anna.post("/own-voices/" + id + "/phrases", {{"agreed", true}, {"language", "xx"}}, 422).at("code"), "invalid");
  const Id recording = record(anna, id);
  const json first = asked(anna, id), second = asked(anna, id);
  EXPECT_NE(first.at("phrase"), second.at("phrase"));
  std::vector<Consent> tries;
  service.store->read([&](Transaction& transaction) { tries = transaction.voices().consents(id); });
  ASSERT_EQ(tries.size(), 2u);
  EXPECT_EQ(tries[1].verdict, Verdict::refused) << "the older phrase is of no use any more";
  EXPECT_THAT(tries[0].terms, HasSubstr("20 %"));
  EXPECT_EQ(tries[0].royalty_permille, 200);

  // What it was spoken for must stay as it was.
  record(anna, id);
  EXPECT_EQ(anna.send(Method::del, "/api/v1/recordings/" + recording).status, 204);
  EXPECT_EQ(newest_consent(id).verdict, Verdict::refused);
  asked(anna, id);
  EXPECT_EQ(upload(anna, {{"voice", id}}).status, 201);
  EXPECT_EQ(newest_consent(id).verdict, Verdict::refused);
  EXPECT_EQ(asked(anna, id, 409).at("code"), "not_ready") << "an upload is on its way";
}

TEST_F(Voices, TakeAPhraseOnceAndInTime) {
  const Id id = draft(anna).at("id");
  record(anna, id);
  const Id first = asked(anna, id).at("id");
  EXPECT_EQ(upload(anna, {{"voice", id}, {"consent", "nobody"}}).status, 422);
  const http::Response begun = upload(anna, {{"voice", id}, {"consent", first}});
  ASSERT_EQ(begun.status, 201) << begun.body;
  std::string location;
  for (const auto& [name, value] : begun.headers)
    if (name == "Location") location = value;
  const auto fill = [&] {
    return anna
        .send_raw(Method::patch, location, "ten bytes!",
                  {{"tus-resumable", "1.0.0"}, {"upload-offset", "0"}, {"content-type", "application/offset+octet-stream"}})
        .status;
  };
  EXPECT_EQ(fill(), 204);
  EXPECT_EQ(newest_consent(id).verdict, Verdict::checking);
  EXPECT_EQ(upload(anna, {{"voice", id}, {"consent", first}}).status, 422) << "spoken once";

  // Begun in time, but filled when there was time to make something up.
  const Id second = asked(anna, id).at("id");
  const http::Response late = upload(anna, {{"voice", id}, {"consent", second}});
  for (const auto& [name, value] : late.headers)
    if (name == "Location") location = value;
  service.clock.time += 2 * service.config.consent_valid_s;
  EXPECT_EQ(fill(), 204);
  EXPECT_EQ(newest_consent(id).verdict, Verdict::refused);
  EXPECT_THAT(newest_consent(id).reason, HasSubstr("too late"));

  const Id third = asked(anna, id).at("id");
  service.clock.time += service.config.consent_valid_s;
  EXPECT_EQ(upload(anna, {{"voice", id}, {"consent", third}}).status, 422);
  service.store->write([&](Transaction& transaction) {
    Consent one = transaction.voices().find_consent(first).value(), other = transaction.voices().find_consent(third).value();
    one.audio_sha256 = other.audio_sha256 = "the same bytes";
    transaction.voices().update_consent(one);
    EXPECT_TRUE(transaction.voices().is_used_for_another(third, "the same bytes"));
    EXPECT_FALSE(transaction.voices().is_used_for_another(first, "the same bytes"));
  });
}

TEST_F(Voices, AreOpenedByLinkToWhoHasIt) {
  const Id id = trained(anna);
  const auto link_of = [](const json& voice) {
    const std::string url = voice.at("link_url");
    return url.substr(url.rfind('/') + 1);
  };
  const std::string link = link_of(open(anna, id, "link"));
  EXPECT_EQ(ben.get("/voices/" + link).at("title"), "Anna");
  EXPECT_EQ(ben.get("/voices/" + link).at("consent").get<std::string>().empty(), false);
  EXPECT_EQ(ben.send(Method::get, "/api/v1/voices/" + link + "/sample").status, 200);
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id)));
  ben.get("/voices/" + id, 404);  // the id of a job or a song is no key
  ben.post("/quotes", with(ben.recording(), id), 422);
  const json job = ben.post("/jobs", with(ben.recording(), link));
  EXPECT_EQ(job.at("voice"), id);

  const std::string renewed = link_of(open(anna, id, "link"));
  EXPECT_NE(renewed, link);
  ben.get("/voices/" + link, 404);
  ben.post("/jobs", with(ben.recording(), link), 422);
  ben.post("/quotes", with(ben.recording(), renewed), 200);
  EXPECT_EQ(open(anna, id, "private").at("link_url"), nullptr);
  ben.get("/voices/" + renewed, 404);
}

TEST_F(Voices, AreLookedAtByAnOperator) {
  const Id id = trained(anna);
  const auto out = [&](auto command) {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(command(), 0);
    return ::testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(out([&] { return list_voices(service.config, false); }), HasSubstr("No voice waits"));
  EXPECT_THROW(approve_voice(service.config, id, ""), std::runtime_error) << "nobody asked";
  EXPECT_THROW(refuse_voice(service.config, id, "No."), std::runtime_error);
  EXPECT_THROW(hide_voice(service.config, draft(anna).at("id"), "No."), std::runtime_error) << "there is nothing to hide";
  EXPECT_THROW(show_voice(service.config, "nobody"), std::runtime_error);
  open(anna, id, "published");
  EXPECT_THAT(out([&] { return list_voices(service.config, false); }), HasSubstr("wants to be published"));
  EXPECT_THAT(out([&] { return show_voice(service.config, id); }),
              AllOf(HasSubstr("phrase      This is my own voice"), HasSubstr("1-sample.mp3"), HasSubstr("terms")));
  out([&] { return refuse_voice(service.config, id, "It hums."); });
  json voice = anna.get("/own-voices/" + id);
  EXPECT_EQ(voice.at("state"), "private");
  EXPECT_EQ(voice.at("refusal"), "It hums.");
  open(anna, id, "published");
  EXPECT_EQ(anna.send(Method::patch, "/api/v1/own-voices/" + id, {{"title", "Someone famous"}}).status, 409);
  // What was looked at is no longer what waits.
  const std::string seen = testing::seen_mark_of(service.config, id);
  open(anna, id, "private");
  anna.send(Method::patch, "/api/v1/own-voices/" + id, {{"title", "Someone famous"}});
  open(anna, id, "published");
  EXPECT_THROW(approve_voice(service.config, id, seen), std::runtime_error);
  const std::string seen_now = testing::seen_mark_of(service.config, id);
  out([&] { return approve_voice(service.config, id, seen_now); });
  EXPECT_THAT(names(ben.get("/voices")), Contains(id));

  const json job = ben.post("/jobs", with(ben.recording(), id));
  out([&] { return hide_voice(service.config, id, "Somebody says it is hers."); });
  EXPECT_EQ(ben.get("/jobs/" + job.at("id").get<std::string>()).at("state"), "cancelled");
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id)));
  anna.post("/jobs", with(anna.recording(), id), 422);  // nor its owner
  EXPECT_EQ(open(anna, id, "link", 403).at("code"), "hidden");
  out([&] { return hide_voice(service.config, id, ""); });
  EXPECT_THAT(names(ben.get("/voices")), Contains(id));

  // A consent that must be heard.
  const Id other = draft(ben).at("id");
  record(ben, other);
  asked(ben, other);
  change(other, [&](Transaction& transaction, OwnVoice&) {
    Consent consent = transaction.voices().consents(other).front();
    consent.verdict = Verdict::review;
    transaction.voices().update_consent(consent);
  });
  EXPECT_THAT(out([&] { return list_voices(service.config, false); }), HasSubstr("its consent must be heard"));
  const std::string seen_consent = testing::seen_mark_of(service.config, other);
  out([&] { return approve_voice(service.config, other, seen_consent); });
  EXPECT_EQ(ben.get("/own-voices/" + other).at("state"), "consent");
  EXPECT_EQ(newest_consent(other).decided_by, "operator");
}

TEST_F(Voices, GoWithTheirAccount) {
  const Id id = trained(anna);
  publish(anna, id);
  const json job = ben.post("/jobs", with(ben.recording(), id));
  EXPECT_THAT(anna.get("/account/export").at("voices").at(0).at("consents").at(0).at("phrase"), HasSubstr("my own voice"));
  Account account;
  service.store->read([&](Transaction& transaction) { account = transaction.accounts().find(anna.id).value(); });
  remove_account(*service.context, account);
  EXPECT_THAT(names(ben.get("/voices")), Not(Contains(id)));
  EXPECT_EQ(ben.get("/jobs/" + job.at("id").get<std::string>()).at("state"), "cancelled");
  EXPECT_EQ(ben.get("/account").at("balance"), 5);
  EXPECT_LT(service.blobs->size("voices/" + id + "/1-bundle/weights.safetensors"), 0);
  service.store->read([&](Transaction& transaction) {
    EXPECT_FALSE(transaction.voices().find(id));
    EXPECT_THAT(transaction.voices().consents(id), IsEmpty());
  });
}

}  // namespace
}  // namespace webwrap
