// Covers whose backing vocals have a voice of their own: the lead voice on the left, backing vocals on the right, music above both; a
// separator that knows it; voices without weights.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "cover_fixture.h"
#include "memory_sound.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;

class Backing : public Cover {
 protected:
  static CoverOptions with_backing() {
    CoverOptions options;
    options.backing = sine_voice();
    options.convert.f0 = "pyin";
    return options;
  }
};

AudioBuffer choir(double lead_hz, double backing_hz, double lead = 0.2, double backing = 0.1, double music = 0.1) {
  AudioBuffer audio(cover_rate, 2, 6 * cover_rate);
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / cover_rate;
    for (int k = 1; k <= 3; ++k) {
      audio.channels[0][i] += float(lead / k * std::sin(2 * M_PI * lead_hz * k * t));
      audio.channels[1][i] += float(backing / k * std::sin(2 * M_PI * backing_hz * k * t));
    }
    for (auto& channel : audio.channels) channel[i] += float(music * std::sin(2 * M_PI * LowModel::music_hz * t));
  }
  return audio;
}

/// Level of a tone in the middle of a sound, dBFS.
double tone_level(const std::vector<float>& x, double hz) {
  double re = 0, im = 0, sum = 0;
  for (std::size_t i = cover_rate; i < 5 * cover_rate; ++i) {
    const double t = double(i) / cover_rate, window = 0.5 - 0.5 * std::cos(2 * M_PI * (t - 1) / 4);
    re += window * x[i] * std::cos(2 * M_PI * hz * t);
    im += window * x[i] * std::sin(2 * M_PI * hz * t);
    sum += window;
  }
  return 20 * std::log10(2 * std::hypot(re, im) / sum + 1e-9);
}

AudioBuffer sum_of(const std::vector<AudioBuffer>& sounds) {
  AudioBuffer sum = sounds.front();
  for (std::size_t s = 1; s < sounds.size(); ++s)
    for (std::size_t c = 0; c < sum.channel_count(); ++c)
      for (std::size_t i = 0; i < sum.frames(); ++i) sum.channels[c][i] += sounds[s].channels[c][i];
  return sum;
}

TEST_F(Backing, HasItsOwnVoiceAndKeyBesideTheSameMusic) {
  CoverOptions options = with_backing();
  options.backing_key_auto = false;
  options.backing_key = 12;
  options.stems_dir = file("stems");
  const AudioBuffer song = choir(150, 110);
  const CoverReport report = make(write("song.wav", song), options);
  const AudioBuffer cover = read("cover.wav");
  ASSERT_TRUE(report.backing && report.backing->found);
  EXPECT_EQ(report.convert.key, 0);
  EXPECT_EQ(report.backing->convert.key, 12);
  EXPECT_NEAR(report.backing->lead_db - report.backing->backing_db, 6, 2);
  EXPECT_GT(tone_level(cover.channels[0], 150), -20);
  EXPECT_GT(tone_level(cover.channels[1], 220), -26);
  EXPECT_LT(tone_level(cover.channels[1], 110), -55) << "nothing is left of who sang it";
  EXPECT_LT(tone_level(cover.channels[1], 150), -60) << "the lead voice is where it was";
  EXPECT_NEAR(tone_level(cover.channels[1], LowModel::music_hz), -20, 0.1);

  std::map<std::string, AudioBuffer> stems;
  for (const char* stem : {"vocals", "converted", "music", "backing", "converted-backing"})
    stems[stem] = read("stems/song-" + std::string(stem) + ".flac");
  EXPECT_LT(difference_db(song, sum_of({stems["vocals"], stems["backing"], stems["music"]})), -100);
  EXPECT_LT(difference_db(cover, sum_of({stems["converted"], stems["converted-backing"], stems["music"]})), -100);
  const Tags tags = open_reader(file("cover.wav"))->info().tags;
  EXPECT_EQ(tags.at("voxconv_backing_voice"), "sine");
  EXPECT_TRUE(open_reader(file("stems/song-converted-backing.flac"))->info().tags.contains("voxconv_ai_converted"));
  EXPECT_FALSE(open_reader(file("stems/song-backing.flac"))->info().tags.contains("voxconv_ai_converted"));

  options.convert.chunk_s = 0.7;
  make(file("song.wav"), options);
  EXPECT_EQ(read("cover.wav").channels, cover.channels);
  options.backing_db = -20;
  make(file("song.wav"), options);
  EXPECT_NEAR(tone_level(read("cover.wav").channels[1], 220), tone_level(cover.channels[1], 220) - 20, 0.5);
  EXPECT_NEAR(tone_level(read("cover.wav").channels[0], 150), tone_level(cover.channels[0], 150), 0.1);
}

TEST_F(Backing, ItsOctaveSuitsItsVoice) {
  const CoverReport report = make(write("song.wav", choir(150, 300)), with_backing());
  EXPECT_EQ(report.convert.key, 0);
  EXPECT_EQ(report.backing->convert.key, -12);
}

TEST_F(Backing, FollowsTheKeyOfTheMusic) {
  CoverOptions options = with_backing();
  options.convert.key = 8;
  EXPECT_EQ(options.backing_options().key, -4);
  EXPECT_FALSE(options.backing_options().key_auto);
  options.validate();
  options.backing_key_auto = false;
  options.backing_key = 8;
  options.validate();
  options.backing_key = 0;
  try {
    options.validate();
    ADD_FAILURE() << "it would be out of tune";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find("-16, -4 or +8"), std::string::npos) << error.what();
  }
  options.backing.reset();
  EXPECT_THROW(options.validate(), Error) << "no voice has to be loaded to see that";
  options.backing = sine_voice();
  options.convert.key = 12.1;  // where whole octaves are taken off this is not exactly 0.1
  options.backing_key = 0.1;
  options.validate();
  options.convert.key = 3;
  options.backing_key = 3;
  const CoverReport report = make(write("song.wav", choir(150, 110)), options);
  EXPECT_EQ(report.backing->convert.key, 3);
  const AudioBuffer cover = read("cover.wav");
  EXPECT_GT(tone_level(cover.channels[1], 110 * std::pow(2, 0.25)), -26);
  EXPECT_LT(tone_level(cover.channels[1], LowModel::music_hz), -40);
}

TEST_F(Backing, HasNothingThatIsTheLeadVoicesOwn) {
  CoverOptions options = with_backing();
  options.convert.f0_file = file("melody.csv");
  options.convert.index = file("lead.index");
  options.convert.speaker = 3;
  options.convert.protect = 0.2;
  const ConvertOptions backing = options.backing_options();
  EXPECT_EQ(backing.f0_file + backing.index, "");
  EXPECT_EQ(backing.speaker, 0U);
  EXPECT_EQ(backing.protect, 0.2);
}

TEST_F(Backing, IsNotFoundWhereNobodySings) {
  const CoverReport report = make(write("song.wav", choir(150, 110, 0.004, 0.004, 0.3)), with_backing());
  EXPECT_FALSE(report.levels.has_vocals());
  EXPECT_GT(std::min(report.backing->lead_db, report.backing->backing_db), -60) << "there are traces of both";
  EXPECT_FALSE(report.backing->found);
}

TEST_F(Backing, WithoutAnyAllVocalsHaveOneVoice) {
  CoverOptions options = with_backing();
  options.stems_dir = file("stems");
  const AudioBuffer song = choir(150, 110, 0.2, 0);
  const CoverReport report = make(write("song.wav", song), options);
  EXPECT_FALSE(report.backing->found);
  EXPECT_NE(said_.find("no backing vocals were found; all vocals are converted with one voice"), said_.npos) << said_;
  EXPECT_GT(tone_level(read("cover.wav").channels[0], 150), -20);
  EXPECT_LT(channel_level_db(read("stems/song-converted-backing.flac").channels[1], 0, 6), -100);
  EXPECT_FALSE(open_reader(file("cover.wav"))->info().tags.contains("voxconv_backing_voice"));
  make(write("song.wav", choir(150, 110, 0, 0.2)), options);
  EXPECT_NE(said_.find("no lead voice was found"), said_.npos) << said_;
  EXPECT_GT(tone_level(read("cover.wav").channels[1], 110), -20);
}

TEST_F(Backing, WithoutMusicNothingOfTheSingersIsLeft) {
  CoverOptions options = with_backing();
  options.vocals_db = -60;
  const CoverReport report = make(write("song.wav", choir(150, 110, 0.2, 0.1, 0)), options);
  EXPECT_FALSE(report.levels.has_music());
  EXPECT_TRUE(report.backing->found);
  const AudioBuffer cover = read("cover.wav");
  for (std::size_t c = 0; c < 2; ++c) EXPECT_LT(channel_level_db(cover.channels[c], 0.5, 5.5), -70) << c;
}

TEST_F(Backing, DryGivesTheSongBack) {
  CoverOptions options = with_backing();
  options.convert.wet = 0;
  const AudioBuffer song = choir(150, 110);
  make(write("song.wav", song), options);
  EXPECT_LT(difference_db(song, read("cover.wav")), -80);
}

TEST_F(Backing, IsKeptForTheNextVoice) {
  CoverOptions options = with_backing();
  options.cache_dir = file("cache");
  const std::string song = write("song.wav", choir(150, 110));
  EXPECT_FALSE(make(song, options).from_cache);
  const AudioBuffer first = read("cover.wav");
  EXPECT_TRUE(make(song, options).from_cache);
  EXPECT_EQ(read("cover.wav").channels, first.channels);
  EXPECT_EQ(std::distance(fs::directory_iterator(options.cache_dir), fs::directory_iterator()), 2);
  // All vocals are there for a cover with one voice as well.
  options.backing.reset();
  FileJob job;
  job.source = song;
  job.target = file("one-voice.wav");
  EXPECT_TRUE(CoverMaker(sine_voice(), backing_separator(), options).run(job).from_cache);
}

TEST_F(Backing, IsFoundAnewInVocalsThatAreKept) {
  CoverOptions options = with_backing();
  options.cache_dir = file("cache");
  const std::string song = write("song.wav", choir(150, 110));
  std::string steps;
  const auto make_it = [&] {
    steps.clear();
    said_.clear();
    const CoverReport report = make(song, options, sine_voice(), {}, [&](const Progress& progress) {
      if (!steps.ends_with(progress.detail)) steps += "; " + progress.detail;
    });
    EXPECT_TRUE(report.backing->found);
    EXPECT_EQ(report.from_cache, report.separate_s == 0);
    return report;
  };
  const auto kept = [&](bool lead) {
    for (const auto& entry : fs::directory_iterator(options.cache_dir))
      if (entry.path().string().ends_with("-lead.flac") == lead) return entry.path();
    return fs::path();
  };
  const auto only_the_lead_was_missing = [&](const CoverReport& report) {
    return !report.from_cache && steps.starts_with("; telling lead voice and backing vocals apart; the vocals are there already");
  };
  make_it();
  const AudioBuffer first = read("cover.wav");
  fs::remove(kept(true));
  EXPECT_TRUE(only_the_lead_was_missing(make_it())) << steps;
  EXPECT_LT(difference_db(first, read("cover.wav")), -60);
  EXPECT_TRUE(make_it().from_cache) << "it was kept again";

  // Where there is room for one of both that is told, and the vocals stay.
  options.cache_bytes = fs::file_size(kept(false)) + fs::file_size(kept(true)) / 2;
  fs::remove_all(options.cache_dir);
  EXPECT_TRUE(!make_it().from_cache && steps.starts_with("; separating")) << steps;
  EXPECT_NE(said_.find("The lead voice is not kept for the next voice: with all vocals it takes"), said_.npos) << said_;
  EXPECT_TRUE(!kept(false).empty() && kept(true).empty());
  EXPECT_TRUE(only_the_lead_was_missing(make_it())) << steps;
  EXPECT_NE(said_.find("The lead voice is not kept"), said_.npos) << said_;
  // Where there is room for none, one warning says so.
  options.cache_bytes = 1000;
  fs::remove_all(options.cache_dir);
  EXPECT_FALSE(make_it().from_cache);
  EXPECT_NE(said_.find("separated vocals are not kept for the next voice: they take"), said_.npos) << said_;
  EXPECT_EQ(said_.find("lead voice is not kept"), said_.npos) << said_;
}

TEST_F(Backing, IsMadeAnewWhereKeptVocalsAreDamaged) {
  CoverOptions options = with_backing();
  options.cache_dir = file("cache");
  const std::string song = write("song.wav", choir(150, 110));
  make(song, options);
  const AudioBuffer first = read("cover.wav");
  for (const auto& entry : fs::directory_iterator(options.cache_dir))
    if (entry.path().string().ends_with("-lead.flac"))
      fs::remove(entry.path());
    else
      fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  EXPECT_FALSE(make(song, options).from_cache);
  EXPECT_NE(said_.find("are damaged, and are made again"), said_.npos) << said_;
  EXPECT_EQ(read("cover.wav").channels, first.channels);
  EXPECT_TRUE(make(song, options).from_cache);
}

TEST_F(Backing, CancelledLeavesNothingAndProgressRises) {
  const std::string song = write("song.wav", choir(150, 110));
  double last = 0;
  std::vector<std::string> steps;
  make(song, with_backing(), sine_voice(), {}, [&](const Progress& progress) {
    EXPECT_GE(progress.done, last);
    last = progress.done;
    if (steps.empty() || steps.back() != progress.detail) steps.push_back(progress.detail);
  });
  EXPECT_NEAR(last, 6, 0.01);
  EXPECT_EQ(steps, (std::vector<std::string>{"separating", "measuring", "converting the backing vocals", "converting"}));
  fs::remove(file("cover.wav"));
  CancelToken cancel;
  EXPECT_THROW(make(song, with_backing(), sine_voice(), cancel,
                    [&](const Progress& progress) {
                      if (progress.detail == steps[2]) cancel.cancel();
                    }),
               Error);
  EXPECT_FALSE(fs::exists(file("cover.wav")));
}

TEST_F(Backing, ReadsAndWritesWithoutFiles) {
  const AudioBuffer song = choir(150, 110);
  CoverOptions options = with_backing();
  make(write("song.wav", song), options);
  std::map<std::string, MemorySound> found, parts;
  for (const char* name : {"vocals", "lead"}) found.emplace(name, AudioBuffer(cover_rate, 2));
  for (const char* name : {"cover", "backing", "converted backing"}) parts.emplace(name, AudioBuffer(cover_rate, 2));
  MemorySound source(song);
  backing_separator().run(source, {{"vocals", &found.at("vocals")}, {"lead", &found.at("lead")}});
  CoverJob job;
  job.name = "a song";
  job.open_song = [&] { return std::make_unique<MemorySound>(song); };
  job.vocals = write("vocals.wav", found.at("vocals").audio);
  job.open_writers = [&](const StemLevels&) {
    return CoverWriters{&parts.at("cover"), nullptr, nullptr, nullptr, &parts.at("backing"), &parts.at("converted backing")};
  };
  CoverMaker maker(sine_voice(), backing_separator(), options);
  EXPECT_THROW(maker.run(job), Error) << "a file of the lead voice is missing";
  job.lead = write("lead.wav", found.at("lead").audio);
  EXPECT_TRUE(maker.run(job).backing->found);
  EXPECT_LT(difference_db(read("cover.wav"), parts.at("cover").audio), -60);
  EXPECT_GT(tone_level(parts.at("backing").audio.channels[1], 110), -26);
  EXPECT_GT(tone_level(parts.at("converted backing").audio.channels[1], 110), -26);
}

TEST_F(Backing, TakesASeparatorThatTellsItApart) { EXPECT_THROW(CoverMaker(sine_voice(), side_separator(), with_backing()), Error); }

}  // namespace
}  // namespace voxconv
