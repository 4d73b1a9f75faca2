// Covers of songs made for the test: the voice on the left, the music on the right; a separator that knows it; a voice without weights.
#include "voxconv/cover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "convert/reverb_tail.h"
#include "cover_fixture.h"
#include "memory_sound.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;

TEST_F(Cover, TheMusicStaysBitByBitAndTheVoiceIsWhereItWas) {
  const AudioBuffer song = duet();
  const CoverReport report = make(write("song.wav", song), {});
  const AudioBuffer cover = read("cover.wav");
  ASSERT_EQ(cover.frames(), song.frames());
  EXPECT_EQ(cover.rate, cover_rate);
  EXPECT_EQ(cover.channels[1], song.channels[1]);
  EXPECT_GT(channel_level_db(cover.channels[0], 0.5, 3), -30);
  EXPECT_EQ(report.gain_db, 0);
  EXPECT_EQ(report.convert.limiter_gain_db, 0);
  EXPECT_NEAR(report.convert.source_s, 8, 1e-6);
  EXPECT_TRUE(open_reader(file("cover.wav"))->info().tags.contains("voxconv_ai_converted"));
}

/// Sings at one level, whatever the source does.
class LevelVoice : public SineVoice {
 public:
  std::unique_ptr<VoiceStream> start(const SynthesisOptions& options) const override {
    struct Stream : VoiceStream {
      explicit Stream(std::unique_ptr<VoiceStream> sine) : sine_(std::move(sine)) {}
      std::vector<float> push(const FeatureFrames& frames, bool last) override {
        FeatureFrames level = frames;
        if (frames.size() > 0) level.loudness = torch::full_like(frames.loudness, std::log(0.1));
        return sine_->push(level, last);
      }
      std::unique_ptr<VoiceStream> sine_;
    };
    return std::make_unique<Stream>(SineVoice::start(options));
  }
};

TEST_F(Cover, EachPhraseIsAsLoudAsItWas) {
  auto parts = std::make_shared<Voice::Impl>(sine_voice().impl());
  parts->model = std::make_shared<LevelVoice>();
  CoverOptions options;
  options.convert.loudness = 0;
  const AudioBuffer song = duet(0.2, 0.2, cover_rate, 12);
  make(write("song.wav", song), options, Voice(parts));
  const AudioBuffer cover = read("cover.wav");
  EXPECT_NEAR(channel_level_db(cover.channels[0], 1, 3), channel_level_db(song.channels[0], 1, 3), 1.5);
  EXPECT_NEAR(channel_level_db(cover.channels[0], 9, 11), channel_level_db(song.channels[0], 9, 11), 1.5);
}

/// Phrases with long pauses on the left, in a room or dry, and an instrument on the right.
AudioBuffer phrases(double decay_s) {
  AudioBuffer audio(cover_rate, 2, 24 * cover_rate), voice(cover_rate, 1, audio.frames());
  for (std::size_t i = 0; i < audio.frames(); ++i) {
    const double t = double(i) / cover_rate, at = std::fmod(t, 1.5), level = std::clamp(std::min(at / 0.02, (0.6 - at) / 0.02), 0.0, 1.0);
    for (int k = 1; k <= 25 && level > 0; ++k) voice.channels[0][i] += float(0.1 * level / k * std::sin(2 * M_PI * 160 * k * t));
    audio.channels[1][i] = float(0.1 * std::sin(2 * M_PI * 523.3 * t) * std::sin(2 * M_PI * 659.2 * t));
  }
  audio.channels[0] = voice.channels[0];
  if (decay_s == 0) return audio;
  Reverb reverb;
  reverb.left = 1;
  for (Reverb::Band& band : reverb.bands) band = {decay_s, 0.5};
  const std::vector<float> tail = ReverbTail(reverb, cover_rate, 1, audio.frames()).push(voice).channels[0];
  std::ranges::transform(audio.channels[0], tail, audio.channels[0].begin(), std::plus<>());
  return audio;
}

double pauses_db(const std::vector<float>& x) {
  double power = 0;
  for (int k = 1; k < 15; ++k) power += std::pow(10, channel_level_db(x, 1.5 * k + 0.9, 1.5 * k + 1.4) / 10);
  return 10 * std::log10(power / 14);
}

TEST_F(Cover, TheReverberationIsGivenBackOrLeftOut) {
  const AudioBuffer song = phrases(1);
  const std::string path = write("song.wav", song);
  CoverOptions options;
  EXPECT_EQ(make(path, options).reverb_s, 0) << "nobody asked";
  options.reverb = VocalReverb::keep;
  const CoverReport report = make(path, options);
  EXPECT_NEAR(report.reverb_s, 1, 0.2);
  EXPECT_NEAR(report.reverb_db, -3, 4);
  const AudioBuffer kept = read("cover.wav");
  EXPECT_EQ(kept.channels[1], song.channels[1]) << "the reverberation is where it was";
  EXPECT_NEAR(pauses_db(kept.channels[0]), pauses_db(song.channels[0]), 4);
  options.convert.chunk_s = 0.7;
  make(path, options);
  EXPECT_EQ(read("cover.wav").channels, kept.channels);
  options.reverb = VocalReverb::none;
  EXPECT_NEAR(make(path, options).reverb_s, 1, 0.2);
  // A sine that follows the loudness of what is left of the tail: of a voice there is less.
  EXPECT_LT(pauses_db(read("cover.wav").channels[0]), pauses_db(kept.channels[0]) - 1);
}

TEST_F(Cover, AReverberantSongWithoutMusicIsMeasuredAsAWhole) {
  AudioBuffer song = phrases(1);
  for (float& x : song.channels[1]) x *= 0.003f;
  CoverOptions options;
  options.reverb = VocalReverb::keep;
  const CoverReport report = make(write("song.wav", song), options);
  EXPECT_FALSE(report.levels.has_music());
  EXPECT_NEAR(report.reverb_s, 1, 0.2);
  EXPECT_NEAR(report.reverb_db, -3, 4);
  EXPECT_NEAR(pauses_db(read("cover.wav").channels[0]), pauses_db(song.channels[0]), 4);
}

TEST_F(Cover, WetZeroGivesAReverberantSongBack) {
  const AudioBuffer song = phrases(1);
  CoverOptions options;
  options.reverb = VocalReverb::keep;
  options.convert.wet = 0;
  make(write("song.wav", song), options);
  const AudioBuffer cover = read("cover.wav");
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < song.frames(); ++i) ASSERT_NEAR(cover.channels[c][i], song.channels[c][i], 1e-4) << c << " " << i;
}

TEST_F(Cover, DryVocalsComeOutTheSameWhateverBecomesOfReverberation) {
  const std::string path = write("song.wav", phrases(0));
  CoverOptions options;
  make(path, options);
  const AudioBuffer untreated = read("cover.wav");
  for (const VocalReverb reverb : {VocalReverb::keep, VocalReverb::none}) {
    options.reverb = reverb;
    EXPECT_EQ(make(path, options).reverb_s, 0);
    EXPECT_EQ(read("cover.wav").channels, untreated.channels);
  }
}

TEST_F(Cover, DryGivesTheSongBack) {
  CoverOptions options;
  options.convert.wet = 0;
  for (const int at : {22050, 48000}) {
    const AudioBuffer song = duet(0.2, 0.2, at, 3);
    make(write("song.wav", song), options);
    EXPECT_EQ(read("cover.wav").rate, at);
    EXPECT_LT(difference_db(song, read("cover.wav")), -80) << at;
  }
}

TEST_F(Cover, AShiftedMusicRefusesTheSongsOwnVocals) {
  CoverOptions options;
  options.convert.key = 3;
  options.validate();
  options.convert.wet = 0.5;
  try {
    options.validate();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find("octaves"), std::string::npos);
  }
  options.convert.key = -12;
  options.validate();
  options.convert.key = 3;
  options.convert.key_auto = true;
  options.validate();
}

double tone_db(const std::vector<float>& x, double hz) {
  double re = 0, im = 0, all = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double window = 0.5 - 0.5 * std::cos(2 * M_PI * double(i) / double(x.size()));
    re += window * x[i] * std::cos(2 * M_PI * hz * double(i) / cover_rate);
    im += window * x[i] * std::sin(2 * M_PI * hz * double(i) / cover_rate);
    all += window * x[i] * x[i];
  }
  return 10 * std::log10((re * re + im * im) / (all * double(x.size())) + 1e-12);
}

TEST_F(Cover, TheMusicFollowsTheKey) {
  CoverOptions options;
  for (const auto& [key, music] : {std::pair(3, 3), std::pair(-2, -2), std::pair(8, -4), std::pair(14, 2)}) {
    AudioBuffer song = duet();
    for (std::size_t i = 0; i < song.frames(); ++i) song.channels[1][i] = float(0.3 * std::sin(2 * M_PI * 440 * double(i) / cover_rate));
    options.convert.key = key;
    EXPECT_EQ(make(write("song.wav", song), options).convert.key, key);
    const AudioBuffer cover = read("cover.wav");
    ASSERT_EQ(cover.frames(), song.frames());
    const double here = tone_db(cover.channels[1], 440 * std::pow(2, music / 12.0)), there = tone_db(cover.channels[1], 440);
    EXPECT_GT(here, there + 25) << key;
    EXPECT_NEAR(channel_level_db(cover.channels[1], 1, 7), channel_level_db(song.channels[1], 1, 7), 1) << key;
  }
}

TEST_F(Cover, WhereNobodySingsTheWholeSongFollowsTheKey) {
  CoverOptions options;
  options.convert.key = 3;
  options.stems_dir = file("stems");
  AudioBuffer song = duet(0);
  for (std::size_t i = 0; i < song.frames(); ++i) {
    song.channels[1][i] = float(0.3 * std::sin(2 * M_PI * 440 * double(i) / cover_rate));
    song.channels[0][i] = song.channels[1][i] / 30;  // what a separator takes for vocals is music, too
  }
  const CoverReport report = make(write("song.wav", song), options);
  ASSERT_FALSE(report.levels.has_vocals());
  const AudioBuffer cover = read("cover.wav"), music = read("stems/song-music.flac");
  EXPECT_GT(tone_db(cover.channels[0], 440 * std::pow(2, 0.25)), tone_db(cover.channels[0], 440) + 25);
  EXPECT_LT(difference_db(cover, music), -80);
  EXPECT_NE(said_.find("in the new key"), said_.npos) << said_;
}

TEST_F(Cover, TheKeyIsChosenForTheVoice) {
  AudioBuffer song = duet();
  for (std::size_t i = 0; i < song.frames(); ++i)  // far above the voice
    song.channels[0][i] =
        float(0.2 * std::sin(2 * M_PI * 900 * double(i) / cover_rate) + 0.1 * std::sin(2 * M_PI * 1800 * double(i) / cover_rate));
  CoverOptions options;
  options.convert.key_auto = true;
  EXPECT_EQ(make(write("song.wav", song), options).convert.key, -24);
  EXPECT_EQ(read("cover.wav").channels[1], song.channels[1]);
}

TEST_F(Cover, ASongWithoutVocalsComesOutAsItIs) {
  const AudioBuffer song = duet(0);
  const CoverReport report = make(write("song.wav", song), {});
  EXPECT_FALSE(report.levels.has_vocals());
  EXPECT_EQ(read("cover.wav").channels, song.channels);
  EXPECT_NE(said_.find("no vocals were found"), std::string::npos) << said_;
  EXPECT_FALSE(open_reader(file("cover.wav"))->info().tags.contains("voxconv_ai_converted"));
}

TEST_F(Cover, ASongWithoutMusicIsConvertedAsAWhole) {
  const CoverReport report = make(write("song.wav", duet(0.2, 0.0005)), {});
  EXPECT_FALSE(report.levels.has_music());
  EXPECT_NE(said_.find("no music was found"), std::string::npos) << said_;
  const AudioBuffer cover = read("cover.wav");
  EXPECT_GT(channel_level_db(cover.channels[0], 0.5, 3), -30);
  EXPECT_GT(report.convert.voiced, 0.3);
}

TEST_F(Cover, AnyKindOfSourceGivesACoverOfItsLength) {
  const auto first_channels = [](AudioBuffer audio, std::size_t count) {
    while (audio.channel_count() < count) audio.channels.push_back(audio.channels[1]);
    audio.channels.resize(count);
    return audio;
  };
  const std::pair<const char*, AudioBuffer> sources[] = {{"mono", first_channels(duet(0.2, 0.2, cover_rate, 2), 1)},
                                                         {"5.1", first_channels(duet(0.2, 0.2, cover_rate, 2), 6)},
                                                         {"8 kHz", duet(0.2, 0.2, 8000, 2)},
                                                         {"0.3 s", duet(0.2, 0.2, cover_rate, 0.3)},
                                                         {"one sample", duet(0.2, 0.2, cover_rate, 1.0 / cover_rate)},
                                                         {"silent", AudioBuffer(cover_rate, 2, cover_rate)}};
  for (const double key : {0.0, 3.0})
    for (const auto& [name, song] : sources) {
      CoverOptions options;
      options.convert.key = key;
      const CoverReport report = make(write("song.wav", song), options);
      const AudioBuffer cover = read("cover.wav");
      EXPECT_EQ(cover.frames(), song.frames()) << name << key;
      EXPECT_EQ(cover.rate, song.rate) << name << key;
      EXPECT_EQ(cover.channel_count(), song.channel_count() == 1 ? 1u : 2u) << name << key;
      if (std::string(name) == "silent") {
        EXPECT_EQ(cover.channels, song.channels);
      }
      if (std::string(name) == "0.3 s") {
        EXPECT_TRUE(report.levels.has_vocals() && report.levels.has_music()) << "though it is shorter than a block of the meter";
      }
    }
}

TEST_F(Cover, ALoudSongIsLoweredAsAWholeNotPumped) {
  AudioBuffer song = duet(0.3, 0.2);
  for (std::size_t i = 0; i < song.frames(); ++i) song.channels[1][i] = float(std::sin(2 * M_PI * 523.3 * double(i) / cover_rate));
  const CoverReport report = make(write("song.wav", song), {});
  EXPECT_NEAR(report.gain_db, -1, 0.05);
  EXPECT_LT(report.convert.limiter_gain_db, 0.05);
  AudioBuffer lowered = song, cover = read("cover.wav");
  for (AudioBuffer* audio : {&lowered, &cover}) audio->channels.erase(audio->channels.begin());
  for (float& x : lowered.channels[0]) x *= float(std::pow(10, report.gain_db / 20));
  EXPECT_LT(difference_db(lowered, cover), -60);
}

TEST_F(Cover, StemsAreKept) {
  CoverOptions options;
  options.stems_dir = file("stems");
  const AudioBuffer song = duet();
  make(write("song.wav", song), options);
  const AudioBuffer cover = read("cover.wav"), vocals = read("stems/song-vocals.flac"), music = read("stems/song-music.flac"),
                    converted = read("stems/song-converted.flac");
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < song.frames(); i += 7) {
      ASSERT_NEAR(vocals.channels[c][i] + music.channels[c][i], song.channels[c][i], 1e-6);
      ASSERT_NEAR(converted.channels[c][i] + music.channels[c][i], cover.channels[c][i], 1e-6);
    }
  EXPECT_TRUE(open_reader(file("stems/song-converted.flac"))->info().tags.contains("voxconv_ai_converted"));
  EXPECT_FALSE(open_reader(file("stems/song-music.flac"))->info().tags.contains("voxconv_ai_converted"));
}

TEST_F(Cover, SeparatedVocalsAreKeptForTheNextVoice) {
  CoverOptions options;
  options.cache_dir = file("cache");
  const std::string song = write("song.wav", duet());
  EXPECT_FALSE(make(song, options).from_cache);
  const AudioBuffer first = read("cover.wav");
  EXPECT_TRUE(make(song, options).from_cache);
  EXPECT_EQ(read("cover.wav").channels, first.channels);
  // Another song under the same name, and a file in the cache that is none.
  write("song.wav", duet(0.1));
  EXPECT_FALSE(make(song, options).from_cache);
  for (const auto& entry : fs::directory_iterator(options.cache_dir)) std::ofstream(entry.path()) << "no FLAC";
  EXPECT_FALSE(make(song, options).from_cache);
  // The limit.
  options.cache_bytes = 1;
  EXPECT_TRUE(make(song, options).from_cache);
  EXPECT_TRUE(fs::is_empty(options.cache_dir));
}

TEST_F(Cover, VocalsAboveFullScaleLeaveNothingOfTheSinger) {
  CoverOptions options;
  options.vocals_db = -60;
  const AudioBuffer song = duet(0.8, 0.2);  // its vocals peak at 1.6
  const CoverReport report = make(write("song.wav", song), options);
  const AudioBuffer cover = read("cover.wav");
  EXPECT_LT(channel_level_db(cover.channels[0], 0.5, 3), -60) << "the music has nothing on the left";
  EXPECT_NEAR(channel_level_db(cover.channels[1], 0.5, 7), channel_level_db(song.channels[1], 0.5, 7) + report.gain_db, 0.1);
}

TEST_F(Cover, KeptVocalsAreThoseOfTheSong) {
  CoverOptions options;
  options.cache_dir = file("cache");
  const std::string a = write("a.wav", duet(0.2)), b = write("b.wav", duet(0.1));
  make(a, options);
  const fs::path of_a = fs::directory_iterator(options.cache_dir)->path();
  make(b, options);
  for (const auto& entry : fs::directory_iterator(options.cache_dir))
    if (entry.path() != of_a) fs::copy_file(entry.path(), of_a, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(make(a, options).from_cache) << "an entry with the vocals of another song";
  EXPECT_TRUE(make(a, options).from_cache);
  options.cache_bytes = 0;
  EXPECT_FALSE(make(a, options).from_cache);
  EXPECT_FALSE(fs::is_empty(options.cache_dir)) << "what is kept is left alone";
}

TEST_F(Cover, ACacheThatCannotBeUsedIsDoneWithout) {
  CoverOptions options;
  options.cache_dir = file("file");
  std::ofstream(options.cache_dir) << "no folder";
  EXPECT_FALSE(make(write("song.wav", duet()), options).from_cache);
  EXPECT_TRUE(fs::exists(file("cover.wav")));
  EXPECT_NE(said_.find("not kept"), said_.npos) << said_;
}

TEST_F(Cover, SeveralMakersTrimOneCache) {
  CoverOptions options;
  options.cache_dir = file("cache");
  options.cache_bytes = 1;
  options.convert.f0 = "pyin";
  BatchOptions batch;
  for (int i = 0; i < 8; ++i) batch.inputs.push_back(write(std::to_string(i) + ".wav", duet(0.2, 0.1 + 0.01 * i, cover_rate, 1 + i % 3)));
  batch.out_dir = file("out");
  batch.jobs = 4;
  EXPECT_EQ(cover_batch(sine_voice(), side_separator(), options, batch).count(BatchItem::State::converted), 8u);
}

TEST_F(Cover, StemsNeverReplaceASource) {
  CoverOptions options;
  options.stems_dir = folder_.string();
  const AudioBuffer other = duet(0.1);
  const std::string song = write("song.wav", duet());
  fs::create_symlink(song, file("song-vocals.flac"));
  EXPECT_THROW(make(song, options), Error);
  fs::remove(file("song-vocals.flac"));
  fs::copy_file(write("other.wav", other), file("song-music.flac"));
  options.convert.f0 = "pyin";
  BatchOptions batch;
  batch.inputs = {song, file("song-music.flac")};
  batch.out_dir = file("out");
  EXPECT_THROW(cover_batch(sine_voice(), side_separator(), options, batch), Error);
  EXPECT_EQ(read("song-music.flac").channels, other.channels);
}

TEST_F(Cover, ABatchKeepsItsStemsApartAndKnowsItsResults) {
  CoverOptions options;
  options.stems_dir = file("in");
  options.convert.f0 = "pyin";
  fs::create_directories(folder_ / "in/a");
  fs::create_directories(folder_ / "in/b");
  write("in/a/song.wav", duet());
  write("in/b/song.wav", duet(0.1));
  write("in/still.wav", AudioBuffer(cover_rate, 2, cover_rate));
  BatchOptions batch;
  batch.inputs = {file("in")};
  for (const char* turn : {"first", "second"}) {
    const BatchReport report = cover_batch(sine_voice(), side_separator(), options, batch);
    EXPECT_EQ(report.count(BatchItem::State::converted), 3u) << turn;
    EXPECT_EQ(report.count(BatchItem::State::failed), 0u) << turn;
  }
  EXPECT_TRUE(fs::exists(file("in/a/song-vocals.flac")) && fs::exists(file("in/b/song-vocals.flac")));
  batch.skip_existing = true;
  fs::remove(file("in/b/song-music.flac"));
  const BatchReport report = cover_batch(sine_voice(), side_separator(), options, batch);
  EXPECT_EQ(report.count(BatchItem::State::skipped), 2u);
  EXPECT_TRUE(fs::exists(file("in/b/song-music.flac")));
}

TEST_F(Cover, ABadTargetIsToldBeforeTheWork) {
  FileJob job;
  job.source = write("song.wav", duet());
  job.target = file("nowhere/cover.wav");
  CoverOptions options;
  options.convert.f0 = "pyin";
  bool worked = false;
  EXPECT_THROW(CoverMaker(sine_voice(), side_separator(), options).run(job, [&](const Progress&) { worked = true; }), Error);
  EXPECT_FALSE(worked);
}

TEST_F(Cover, CancelledLeavesNothing) {
  const std::string song = write("song.wav", duet());
  for (const char* step : {"separating", "measuring", "converting"}) {
    CancelToken cancel;
    EXPECT_THROW(make(song, {}, sine_voice(), cancel,
                      [&](const Progress& progress) {
                        if (progress.detail == step) cancel.cancel();
                      }),
                 Error)
        << step;
    EXPECT_FALSE(fs::exists(file("cover.wav"))) << step;
    EXPECT_TRUE(fs::is_empty(folder_ / "tmp")) << step;
  }
}

TEST_F(Cover, OneProgressRisesOverAllSteps) {
  double last = 0;
  const ProgressFn on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.stage, "cover");
    EXPECT_GE(progress.done, last);
    last = progress.done;
    EXPECT_NEAR(progress.total, 8, 1e-6);
  };
  make(write("song.wav", duet()), {}, sine_voice(), {}, on_progress);
  EXPECT_NEAR(last, 8, 0.01);
}

/// Without files: vocals that were separated before, the parts where a caller wants them; what a caller throws comes out as it is.
TEST_F(Cover, ReadsAndWritesWithoutFiles) {
  CoverOptions options;
  options.convert.f0 = "pyin";
  options.stems_dir = file("stems");
  const AudioBuffer song = duet();
  make(write("song.wav", song), options);
  AudioBuffer vocals = song;
  std::fill(vocals.channels[1].begin(), vocals.channels[1].end(), 0.f);
  std::map<std::string, MemorySound> parts;
  for (const char* name : {"cover", "converted", "music"}) parts.emplace(name, AudioBuffer(cover_rate, 2));
  CoverJob job;
  job.name = "a song";
  job.open_song = [&] { return std::make_unique<MemorySound>(song); };
  job.vocals = write("vocals.wav", vocals);
  job.open_writers = [&](const StemLevels& levels) {
    EXPECT_TRUE(levels.has_vocals() && levels.has_music());
    return CoverWriters{&parts.at("cover"), nullptr, &parts.at("converted"), &parts.at("music")};
  };
  options.stems_dir.clear();
  CoverMaker maker(sine_voice(), side_separator(), options);
  const CoverReport report = maker.run(job);
  EXPECT_TRUE(report.from_cache);
  EXPECT_NEAR(report.convert.source_s, 8, 1e-6);
  for (const auto& [name, path] :
       {std::pair{"cover", "cover.wav"}, {"converted", "stems/song-converted.flac"}, {"music", "stems/song-music.flac"}})
    EXPECT_LT(difference_db(read(path), parts.at(name).audio), -60) << name;  // the pitch differs a little where 16 bits differ from 24

  job.vocals = write("short.wav", AudioBuffer(cover_rate, 2, 1000));
  EXPECT_THROW(maker.run(job), Error);
  job.vocals.clear();
  EXPECT_FALSE(maker.run(job).from_cache);
  struct Unwanted {};
  job.open_writers = [](const StemLevels&) -> CoverWriters { throw Unwanted(); };
  EXPECT_THROW(maker.run(job), Unwanted);
}

}  // namespace
}  // namespace voxconv
