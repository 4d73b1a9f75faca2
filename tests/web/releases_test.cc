#include <gmock/gmock.h>
#include <zip.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>

#include "api_user.h"
#include "domain/release.h"
#include "domain/sealed.h"
#include "picture_testing.h"
#include "release/csv.h"
#include "release/ern.h"
#include "voxconv/audio_io.h"
#include "voxconv/video.h"
#include "worker/audio_runner.h"
#include "worker/loudness.h"
#include "worker/worker.h"

namespace webwrap {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::StartsWith;

// ---- codes, forms, messages ----

TEST(ReleaseForm, KnowsCodesByTheirFormAndCheckDigits) {
  EXPECT_EQ(normal_code("qz-abc-26-00001"), "QZABC2600001");
  EXPECT_TRUE(is_isrc("QZABC2600001"));
  for (const char* bad : {"QZABC260000", "Q1ABC2600001", "QZABC26O0001", "", "QZABC26000011"}) EXPECT_FALSE(is_isrc(bad)) << bad;
  EXPECT_TRUE(is_iswc(normal_code("T-034.524.680-1")));
  EXPECT_FALSE(is_iswc(normal_code("T-034.524.680-2")));
  EXPECT_FALSE(is_iswc("0345246801"));
  EXPECT_TRUE(is_upc("036000291452"));
  EXPECT_TRUE(is_upc("4006381333931"));
  EXPECT_FALSE(is_upc("036000291453"));
  EXPECT_FALSE(is_upc("0360002914"));
  EXPECT_TRUE(is_day("2028-02-29"));
  for (const char* bad : {"2027-02-29", "2027-13-01", "27-01-01", "2027-1-01", "2027/01/01"}) EXPECT_FALSE(is_day(bad)) << bad;
}

ReleaseForm complete_form(const Id& song = "song1") {
  ReleaseForm form;
  form.title = "Night & Day <live>";
  form.artists = {{"Ada \"A\" O'Neil", "main"}, {"Björk 李", "featured"}};
  form.genre = "Pop";
  form.year = 2026;
  form.p_owner = form.c_owner = "Ada";
  form.rights_confirmed = true;
  TrackForm track;
  track.song = song;
  track.title = form.title;
  track.language = "en";
  track.explicit_words = "not_explicit";
  track.is_cover = true;
  track.original_title = "Night";
  track.original_artist = "Somebody";
  track.writers = {{"Cole", "composer"}, {"Cole", "lyricist"}};
  form.tracks = {track};
  return form;
}

TEST(ReleaseForm, NamesEverythingThatIsMissing) {
  EXPECT_THAT(problems_of(complete_form()), IsEmpty());
  ReleaseForm empty;
  empty.tracks.emplace_back().is_cover = true;
  std::map<std::string, int> fields;
  for (const FormProblem& problem : problems_of(empty)) ++fields[problem.field];
  for (const char* field :
       {"title", "artists", "genre", "year", "p_owner", "c_owner", "rights_confirmed", "tracks[0].title", "tracks[0].language",
        "tracks[0].explicit_words", "tracks[0].writers", "tracks[0].original_title", "tracks[0].original_artist"})
    EXPECT_THAT(fields, Contains(Key(field)));
  ReleaseForm without_words = complete_form();
  without_words.tracks[0].language = "zxx";
  without_words.tracks[0].writers = {{"Cole", "composer"}};
  EXPECT_THAT(problems_of(without_words), IsEmpty());
  ReleaseForm wrong = complete_form();
  wrong.tracks[0].isrc = "XX";
  wrong.upc = "123";
  wrong.release_date = "2027-02-30";
  EXPECT_EQ(problems_of(wrong).size(), 3u);
}

TEST(ReleaseForm, ComesBackFromItsJson) {
  const ReleaseForm form = complete_form();
  EXPECT_EQ(ReleaseForm::of(form.to_json()).to_json(), form.to_json());
  EXPECT_EQ(artist_line(form.artists), "Ada \"A\" O'Neil feat. Björk 李");
}

ReleaseMessage message_of(std::size_t tracks) {
  ReleaseMessage message;
  message.id = "k3v5x2m7q4nd6w2hjr5bty7e3a";
  message.names_of = "sing.example.org";
  message.sender_name = "sing.example.org";
  message.time = 1'800'000'000;
  message.form = complete_form();
  message.form.tracks.resize(tracks, message.form.tracks.front());
  for (std::size_t i = 0; i < tracks; ++i) {
    TrackForm& track = message.form.tracks[i];
    track.song = fmt::format("song{}", i + 1);
    if (i == 1) track.isrc = "QZABC2600001";
    message.tracks.push_back({track, {fmt::format("resources/{:02}.flac", i + 1), 1000, std::string(64, 'a')}, 61.25 + double(i)});
  }
  message.cover = {"resources/cover.jpg", 5000, std::string(64, 'b')};
  return message;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// WEBWRAP_WRITE_GOLDENS=1 writes them anew: then look at what changed.
void expect_golden(const std::string& text, const std::string& name) {
  const std::string path = std::string(WEBWRAP_SOURCE_DIR) + "/../tests/web/data/" + name;
  if (std::getenv("WEBWRAP_WRITE_GOLDENS")) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, read_text(path)) << path;
}

TEST(Ern, IsAsTheGoldens) {
  expect_golden(ern_message(message_of(1)), "ern_single.xml");
  ReleaseMessage ep = message_of(2);
  ep.sender_id = "PADPIDA2007050901U";
  ep.form.upc = "036000291452";
  ep.form.release_date = "2027-05-01";
  expect_golden(ern_message(ep), "ern_ep.xml");
}

TEST(Ern, TellsOfAiAndNeverMakesUpACode) {
  const std::string single = ern_message(message_of(1));
  EXPECT_THAT(single, AllOf(HasSubstr("<ContainsAI>Partly</ContainsAI>"), HasSubstr("<IsCover>true</IsCover>"),
                            HasSubstr("<AiContribution>Partly</AiContribution>"),
                            HasSubstr("<SpecialContributor>GenerativeAI</SpecialContributor>"),
                            HasSubstr("<MessageControlType>TestMessage</MessageControlType>"), HasSubstr(no_party_id)));
  EXPECT_THAT(single, AllOf(Not(HasSubstr("ISRC")), Not(HasSubstr("ICPN"))));
}

TEST(Ern, TellsOfNoAiWhereOnlyTheSingersOwnVoiceIsHeard) {
  ReleaseMessage message = message_of(1);
  message.tracks[0].form.wet = 0;
  EXPECT_THAT(ern_message(message),
              AllOf(HasSubstr("<ContainsAI>None</ContainsAI>"), Not(HasSubstr("Partly")), Not(HasSubstr("GenerativeAI"))));
}

TEST(Ern, EscapesWhatStrangersType) {
  ReleaseMessage hostile = message_of(1);
  hostile.form.title = "]]><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;</Release>\xef\xbf\xbf\x01";
  hostile.form.artists[0].name = "<b>&\"'";
  hostile.form.genre = "--><?php ?>";
  const std::string xml = ern_message(hostile);
  EXPECT_THAT(xml, Not(AllOf(HasSubstr("<!DOCTYPE"))));
  EXPECT_THAT(xml, Not(HasSubstr("<!ENTITY")));
  EXPECT_THAT(xml, Not(HasSubstr("<b>")));
  EXPECT_THAT(xml, Not(HasSubstr("<?php")));
  EXPECT_THAT(xml, Not(HasSubstr("\xef\xbf\xbf")));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

/// VOXCONV_ERN_XSD: DDEX's release-notification.xsd of ERN 4.3.2, with ../allowed-value-sets.xsd beside its folder. They have a licence of
/// their own, so they are not in this repository.
TEST(Ern, IsValidByDdexsSchema) {
  const char* schema = std::getenv("VOXCONV_ERN_XSD");
  if (!schema) GTEST_SKIP() << "set VOXCONV_ERN_XSD to DDEX's release-notification.xsd (ERN 4.3.2)";
  for (const std::size_t tracks : {1, 2, 8}) {
    ReleaseMessage message = message_of(tracks);
    if (tracks > 1) {
      message.form.upc = "036000291452";
      message.form.version = "Deluxe";
      message.form.release_date = "2027-05-01";
      message.form.tracks[0].iswc = message.tracks[0].form.iswc = "T0345246801";
    }
    EXPECT_THAT(validate_xml(ern_message(message), schema), IsEmpty()) << tracks;
  }
  EXPECT_THAT(validate_xml("<a/>", schema), Not(IsEmpty()));
  EXPECT_THAT(validate_xml("<a", schema), Not(IsEmpty()));
}

TEST(Csv, QuotesAndDisarmsFormulas) {
  EXPECT_EQ(csv_line({"a", "say \"hi\", you", "=HYPERLINK(1)", "-1", "line\nbreak"}),
            "\"a\",\"say \"\"hi\"\", you\",\"'=HYPERLINK(1)\",\"'-1\",\"line\nbreak\"\r\n");
}

// ---- sealed secrets ----

TEST(Sealed, OpensWithItsKeyAndPurposeOnly) {
  const std::string old_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", new_key = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  const std::string sealed = seal({old_key}, "tokens:a", "secret");
  EXPECT_NE(sealed, seal({old_key}, "tokens:a", "secret"));
  EXPECT_EQ(unseal({old_key}, "tokens:a", sealed), "secret");
  EXPECT_EQ(unseal({new_key, old_key}, "tokens:a", sealed), "secret");
  EXPECT_FALSE(unseal({new_key}, "tokens:a", sealed));
  EXPECT_FALSE(unseal({old_key}, "tokens:b", sealed));
  std::string changed = sealed;
  changed[40] = changed[40] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(unseal({old_key}, "tokens:a", changed));
  for (const char* broken : {"", "AAAA", "no base64!"}) EXPECT_FALSE(unseal({old_key}, "tokens:a", broken));
  EXPECT_FALSE(is_seal_key("AAAA"));
  EXPECT_TRUE(is_seal_key(old_key));
  // RFC 7636, appendix B.
  EXPECT_EQ(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

// ---- the API and the worker ----

struct ReleaseService : ApiService {
  ReleaseService() {
    config.public_url = "https://sing.example.org";
    add_picture_routes(router, *context);
    add_release_routes(router, *context);
    add_publication_routes(router, *context);
  }
};

struct Releases : ::testing::Test {
  Releases() { options.poll = options.heartbeat = std::chrono::milliseconds(20); }

  bool work() { return Worker(service.config, *service.store, *service.blobs, service.clock, runner, options).work_one(); }

  /// A sung-like tone with peaks between its samples.
  void write_sound(const std::string& key, double seconds, float level, int channels) {
    const std::string path = (service.dir / "sound.flac").string();
    voxconv::WriteOptions format;
    format.rate = 48000;
    format.channels = channels;
    format.tags["voxconv_ai_converted"] = "true";
    const auto writer = voxconv::open_writer(path, format);
    voxconv::AudioBuffer audio(format.rate, std::size_t(channels), std::size_t(seconds * format.rate));
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      const double t = double(i) / format.rate, swell = 0.6 + 0.4 * std::sin(2 * t);
      for (auto& channel : audio.channels) channel[i] = float(level * swell * std::sin(2 * 3.14159265 * (12000 * t + 0.125)));
    }
    writer->write(audio);
    writer->finish();
    service.blobs->put_file(key, path);
  }

  Id sounding_song(const std::string& title, double seconds, float level = 0.9f, bool music = false) {
    const Id id = member.song(title);
    service.store->write([&](Transaction& transaction) {
      Song song = transaction.songs().find(id).value();
      song.duration_s = seconds;
      song.voice = voice;
      if (music) song.music = "songs/" + id + "/1-music.flac";
      transaction.songs().update(song);
      write_sound(song.converted, seconds, level, 1);
      write_sound(song.original, seconds, level, 1);
      if (music) write_sound(song.music, seconds, level, 2);
    });
    return id;
  }

  json send_picture(const std::string& path, const std::string& bytes, int status = 202, const std::string& type = "image/jpeg") {
    const http::Response response = member.send_raw(Method::put, "/api/v1" + path + "/picture", bytes, {{"content-type", type}});
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(response.body, nullptr, false);
  }

  json job(const json& view) { return member.get("/jobs/" + view.at("id").get<std::string>()); }

  std::map<std::string, std::string> unpacked(const std::string& path) {
    std::map<std::string, std::string> files;
    zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, nullptr);
    EXPECT_TRUE(archive) << path;
    for (zip_int64_t i = 0; archive && i < zip_get_num_entries(archive, 0); ++i) {
      zip_stat_t stat;
      zip_stat_index(archive, zip_uint64_t(i), 0, &stat);
      std::string bytes(stat.size, '\0');
      zip_file_t* file = zip_fopen_index(archive, zip_uint64_t(i), 0);
      EXPECT_EQ(zip_fread(file, bytes.data(), bytes.size()), zip_int64_t(bytes.size()));
      zip_fclose(file);
      files[stat.name] = bytes;
    }
    zip_close(archive);
    return files;
  }

  ReleaseService service;
  ApiUser member{service, ApiUser::Kind::member};
  ApiUser other{service, ApiUser::Kind::member, "192.0.2.9"};
  AudioRunner runner{service.config, *service.store, *service.blobs};
  WorkerOptions options;
  const std::string voice = voxconv::VoiceStore().list().front().name;
};

TEST_F(Releases, AVideoHoldsSoundPicturesAndTheMark) {
  if (voxconv::video_encoder().empty()) GTEST_SKIP() << "FFmpeg has no H.264 encoder here";
  const Id song = sounding_song("Title %{eif:n} 'x':drawtext=textfile=/etc/passwd <b>&amp;</b> \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", 6);
  const std::string path = "/songs/" + song;
  send_picture(path, encode_jpeg(gradient(1200, 1200), 2));
  ASSERT_TRUE(work());
  const json made = member.post(path + "/videos", {{"shape", "vertical"}, {"start_s", 1}, {"length_s", 5}});
  EXPECT_EQ(member.post(path + "/videos", {{"shape", "vertical"}, {"start_s", 1.01}, {"length_s", 5}}).at("id"), made.at("id"));
  ASSERT_TRUE(work());
  const std::string render = "/renders/" + made.at("id").get<std::string>();
  ASSERT_EQ(member.get(render).at("state"), "done") << member.get(render);
  const http::Response file = member.send(Method::get, "/api/v1" + render + "/file");
  ASSERT_TRUE(file.file);
  EXPECT_EQ(file.type, "video/mp4");
  const std::string local = service.blobs->local_path(file.file->key);
  const auto reader = voxconv::open_reader(local);
  EXPECT_EQ(reader->info().codec, "aac");
  EXPECT_TRUE(reader->info().tags.contains("voxconv_ai_converted"));
  EXPECT_NEAR(voxconv::read_all(*reader).seconds(), 5, 0.1);
  // The index lies before the sound and pictures, so that playing begins at once.
  const std::string bytes = read_text(local);
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  EXPECT_NE(bytes.find("avc1"), std::string::npos);
  if (const char* keep = std::getenv("WEBWRAP_KEEP_VIDEO"))
    std::filesystem::copy_file(local, keep, std::filesystem::copy_options::overwrite_existing);

  for (const json& bad : {json{{"shape", "wide"}},
                          {{"shape", "square"}, {"length_s", 61}},
                          {{"shape", "square"}, {"start_s", 6}},
                          {{"shape", "square"}, {"start_s", -1}},
                          json::object()})
    member.post(path + "/videos", bad, 422);
  other.post(path + "/videos", {{"shape", "square"}}, 404);
  other.get(render, 404);
}

TEST_F(Releases, AFormIsKeptAsItIsAndTellsWhatIsMissing) {
  const Id song = sounding_song("First", 3);
  const json release = member.post("/releases", {{"songs", {song}}});
  const std::string path = "/releases/" + release.at("id").get<std::string>();
  EXPECT_EQ(release.at("form").at("title"), "First");
  EXPECT_FALSE(release.at("problems").empty());
  EXPECT_TRUE(release.at("package").is_null());
  EXPECT_EQ(member.post(path + "/package", json::object(), 409).at("code"), "incomplete");
  json form = complete_form(song).to_json();
  const http::Response kept = member.send(Method::put, "/api/v1" + path, form);
  ASSERT_EQ(kept.status, 200) << kept.body;
  EXPECT_EQ(body_of(kept).at("form"), form);
  ASSERT_EQ(body_of(kept).at("problems").size(), 1u) << body_of(kept).at("problems");
  EXPECT_EQ(body_of(kept).at("problems")[0].at("field"), "picture");

  const auto refused = [&](const std::function<void(json&)>& change, const char* field) {
    json wrong = form;
    change(wrong);
    const http::Response response = member.send(Method::put, "/api/v1" + path, wrong);
    EXPECT_EQ(response.status, 422) << response.body;
    EXPECT_THAT(response.body, HasSubstr(field));
  };
  refused([](json& f) { f["tracks"][0]["writers"][0]["role"] = "boss"; }, "tracks[0].writers[0].role");
  refused([](json& f) { f["tracks"][0]["song"] = "nobodys"; }, "tracks[0].song");
  refused([](json& f) { f["tracks"].push_back(f["tracks"][0]); }, "only once");
  refused([](json& f) { f["tracks"] = json::array(); }, "tracks");
  refused([](json& f) { f["tracks"][0]["isrc_code"] = "x"; }, "tracks[0].isrc_code");
  refused([](json& f) { f["title"] = "a\x01"; }, "title");
  refused([](json& f) { f["artists"] = "me"; }, "artists");
  refused([](json& f) { f["tracks"][0]["language"] = "e1"; }, "tracks[0].language");
  const Id others = other.song();
  refused([&](json& f) { f["tracks"][0]["song"] = others; }, "tracks[0].song");

  for (const char* part : {"", "/package/file", "/picture"}) other.get(path + part, 404);
  EXPECT_EQ(other.send(Method::put, "/api/v1" + path, form).status, 404);
  EXPECT_EQ(other.send(Method::del, "/api/v1" + path).status, 404);
  other.post(path + "/package", json::object(), 404);
  member.get(path + "/package/file", 409);
  EXPECT_EQ(member.get("/releases").size(), 1u);
  EXPECT_TRUE(other.get("/releases").empty());
  EXPECT_EQ(member.get("/account/export").at("releases").size(), 1u);
  EXPECT_EQ(member.send(Method::del, "/api/v1" + path).status, 204);
  member.get(path, 404);
}

TEST_F(Releases, APackageHoldsWhatADistributorWants) {
  const Id one = sounding_song("One", 4, 0.99f), two = sounding_song("Two", 3, 0.7f, true);
  const json release = member.post("/releases", {{"songs", {one, two}}});
  const std::string path = "/releases/" + release.at("id").get<std::string>();
  ReleaseForm form = complete_form(one);
  form.title = "../../=Evil \"name\"";
  form.tracks.push_back(form.tracks.front());
  form.tracks[1].song = two;
  form.tracks[1].title = "=cmd|' /C calc'!A0";
  form.tracks[1].isrc = "QZABC2600001";
  form.tracks[0].level_db = form.tracks[1].level_db = 12;  // so that the limiter holds the peaks down
  ASSERT_EQ(member.send(Method::put, "/api/v1" + path, form.to_json()).status, 200);
  send_picture(path, encode_jpeg(gradient(2000, 2000), 2));
  ASSERT_TRUE(work());
  EXPECT_THAT(member.get(path).at("problems").dump(), HasSubstr("3000 x 3000"));
  send_picture(path, encode_jpeg(gradient(3200, 3200), 2));
  ASSERT_TRUE(work());
  ASSERT_THAT(member.get(path).at("problems"), IsEmpty());
  const json wished = member.post(path + "/package", json::object());
  EXPECT_EQ(member.post(path + "/package", json::object()).at("id"), wished.at("id"));
  ASSERT_TRUE(work());
  const json made = member.get(path).at("package");
  ASSERT_EQ(made.at("state"), "done") << made;
  for (const json& loudness : made.at("loudness")) EXPECT_LE(loudness.at("true_peak_dbtp"), -1.0);
  EXPECT_EQ(made.at("outdated"), false);
  const http::Response file = member.send(Method::get, made.at("url").get<std::string>());
  ASSERT_TRUE(file.file) << file.body;
  EXPECT_EQ(file.type, "application/zip");

  const auto files = unpacked(service.blobs->local_path(file.file->key));
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files) names.push_back(name);
  EXPECT_THAT(names, ::testing::ElementsAre("README.txt", "checksums.sha256", "ern.xml", "loudness.csv", "metadata.csv",
                                            "resources/01.flac", "resources/02.flac", "resources/cover.jpg", "voices.txt"));
  int checked = 0;
  std::istringstream sums(files.at("checksums.sha256"));
  for (std::string line; std::getline(sums, line); ++checked) EXPECT_EQ(hash_secret(files.at(line.substr(66))), line.substr(0, 64)) << line;
  EXPECT_EQ(checked, 8);
  const std::string& jpeg = files.at("resources/cover.jpg");
  EXPECT_EQ(decode_picture(jpeg).width, 3000);
  EXPECT_THAT(jpeg, HasSubstr(std::string("\xff\xc0\0\x11\x08\x0b\xb8\x0b\xb8\x03", 10))) << "baseline, 3000 x 3000, three colours";
  EXPECT_THAT(files.at("metadata.csv"), HasSubstr("\"'=cmd|"));
  EXPECT_THAT(files.at("ern.xml"), AllOf(HasSubstr("QZABC2600001"), HasSubstr("sing.example.org"), HasSubstr("=Evil")));
  EXPECT_THAT(files.at("voices.txt"), AllOf(HasSubstr("licence: "), HasSubstr("consent: ")));
  EXPECT_THAT(files.at("README.txt"), AllOf(HasSubstr("No ISRC was given"), HasSubstr("is a cover of")));
  if (const char* schema = std::getenv("VOXCONV_ERN_XSD")) {
    EXPECT_THAT(validate_xml(files.at("ern.xml"), schema), IsEmpty());
  }
  for (const char* name : {"resources/01.flac", "resources/02.flac"}) {
    const std::string sound = (service.dir / "out.flac").string();
    std::ofstream(sound, std::ios::binary) << files.at(name);
    const auto reader = voxconv::open_reader(sound);
    EXPECT_EQ(reader->info().rate, 44100);
    EXPECT_EQ(reader->info().channels, 2);
    EXPECT_EQ(reader->info().codec, "flac");
    EXPECT_TRUE(reader->info().tags.contains("voxconv_ai_converted"));
    EXPECT_THAT(files.at(name), Not(HasSubstr("WAVEFORMATEXTENSIBLE")));
    const Loudness loudness = measure_loudness(*reader, {});
    EXPECT_LE(loudness.true_peak_dbtp, -1.0);
    EXPECT_GT(loudness.true_peak_dbtp, -8.0);
  }

  // One whose file is gone is made anew.
  service.blobs->remove(file.file->key);
  member.get(path + "/package/file", 404);
  EXPECT_NE(member.post(path + "/package", json::object()).at("id"), wished.at("id"));
  member.get(path + "/package/file", 404);
  ASSERT_TRUE(work());
  const http::Response anew = member.send(Method::get, "/api/v1" + path + "/package/file");
  ASSERT_TRUE(anew.file) << anew.body;
  EXPECT_GT(service.blobs->size(anew.file->key), 0);

  // A change makes the package an old one, and the next takes its place.
  service.clock.time += 10;
  form.genre = "Rock";
  ASSERT_EQ(member.send(Method::put, "/api/v1" + path, form.to_json()).status, 200);
  EXPECT_EQ(member.get(path).at("package").at("outdated"), true);
  member.post(path + "/package", json::object());
  ASSERT_TRUE(work());
  EXPECT_EQ(member.get(path).at("package").at("outdated"), false);
  EXPECT_EQ(service.blobs->size(anew.file->key), -1);

  // It is of what was checked.
  form.genre = "Jazz";
  ASSERT_EQ(member.send(Method::put, "/api/v1" + path, form.to_json()).status, 200);
  const json late = member.post(path + "/package", json::object());
  service.store->write([&](Transaction& transaction) {
    Picture picture = transaction.releases().picture_of(release.at("id")).value();
    picture.blob = picture.small;
    transaction.releases().set_picture(picture);
  });
  ASSERT_TRUE(work());
  EXPECT_THAT(job(late).at("failure").get<std::string>(), StartsWith("The cover was replaced"));

  EXPECT_EQ(member.send(Method::del, "/api/v1/songs/" + one).status, 204);
  EXPECT_THAT(member.get(path).at("problems").dump(), HasSubstr("was deleted"));
}

TEST_F(Releases, LinksAreKeptOfThePlatformsOwnAddressesOnly) {
  const std::string path = "/songs/" + member.song() + "/publications";
  const json kept = member.post(path, {{"platform", "spotify"}, {"url", "https://open.spotify.com/track/1"}});
  EXPECT_EQ(kept.at("state"), "linked");
  EXPECT_EQ(member.post(path, {{"platform", "spotify"}, {"url", "https://open.spotify.com/track/2"}}).at("id"), kept.at("id"));
  EXPECT_EQ(member.get(path).size(), 1u);
  for (const char* bad : {"javascript:alert(1)", "http://open.spotify.com/track/1", "https://open.spotify.com.evil.org/x",
                          "https://open.spotify.com@evil.org/", "https://evil.org/https://open.spotify.com/",
                          "https://open.spotify.com/\\evil", "https://music.apple.com/x"})
    member.post(path, {{"platform", "spotify"}, {"url", bad}}, 422);
  member.post(path, {{"platform", "napster"}, {"url", "https://x.org/"}}, 404);
  EXPECT_EQ(member.post(path, {{"platform", "soundcloud"}}, 409).at("code"), "not_configured");
  EXPECT_EQ(other.send(Method::del, "/api/v1/publications/" + kept.at("id").get<std::string>()).status, 404);
  EXPECT_EQ(member.send(Method::del, "/api/v1/publications/" + kept.at("id").get<std::string>()).status, 204);
  EXPECT_TRUE(member.get(path).empty());
}

}  // namespace
}  // namespace webwrap
