// Taking songs apart: around the models, with models made for the test; and the model that ships, where its weights matter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>

#include "audio/downmix.h"
#include "convert/stem_stream.h"
#include "models/separation/separator.h"
#include "side_separator.h"
#include "voxconv/audio_io.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

AudioBuffer noise_song(int rate, std::size_t channels, std::size_t frames, unsigned seed = 1) {
  AudioBuffer audio(rate, channels, frames);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> sample(-0.5f, 0.5f);
  for (auto& channel : audio.channels)
    for (float& x : channel) x = sample(random);
  return audio;
}

AudioBuffer part_of(const AudioBuffer& audio, std::size_t begin, std::size_t end) {
  AudioBuffer part(audio.rate, 0);
  for (const auto& channel : audio.channels)
    part.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin), channel.begin() + std::ptrdiff_t(end));
  return part;
}

void add(AudioBuffer& all, const AudioBuffer& more) {
  if (all.channels.empty()) all = AudioBuffer(more.rate, more.channel_count());
  for (std::size_t c = 0; c < all.channel_count(); ++c)
    all.channels[c].insert(all.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
}

/// Through a stream in pieces of the given lengths, over and over; `take` gets what comes out, and how much went in so far.
template <typename Stream, typename Take>
void in_pieces(Stream& stream, const AudioBuffer& song, const std::vector<std::size_t>& pieces, const Take& take) {
  for (std::size_t begin = 0, i = 0; begin < song.frames(); ++i) {
    const std::size_t end = std::min(song.frames(), begin + pieces[i % pieces.size()]);
    take(stream.push(part_of(song, begin, end)), end);
    begin = end;
  }
  take(stream.finish(), song.frames());
}

Stems stems_of(const AudioBuffer& song, const std::vector<std::size_t>& pieces, const std::vector<std::string>& parts = {},
               const SeparationModel& model = SideModel()) {
  StemStream stream(model, song.rate, int(song.channel_count()), parts);
  Stems all{{}, {}, std::vector<AudioBuffer>(parts.size())};
  in_pieces(stream, song, pieces, [&](const Stems& stems, std::size_t) {
    add(all.vocals, stems.vocals);
    add(all.music, stems.music);
    for (std::size_t i = 0; i < parts.size(); ++i) add(all.parts[i], stems.parts[i]);
  });
  return all;
}

double error_db(const AudioBuffer& song, const Stems& stems) {
  double error = 0, power = 0;
  for (std::size_t c = 0; c < song.channel_count(); ++c)
    for (std::size_t i = 0; i < song.frames(); ++i) {
      error += std::pow(double(stems.vocals.channels[c][i]) + stems.music.channels[c][i] - song.channels[c][i], 2);
      power += std::pow(double(song.channels[c][i]), 2);
    }
  return 10 * std::log10((error + 1e-30) / power);
}

double level_db(const std::vector<float>& x) {
  double power = 0;
  for (const float value : x) power += double(value) * value;
  return 10 * std::log10(power / double(x.size()) + 1e-30);
}

TEST(Separation, VocalsAndMusicAddUpToTheSong) {
  for (const int rate : {8000, 22050, 44100, 48000, 96000})
    for (const std::size_t channels : {1u, 2u}) {
      const AudioBuffer song = noise_song(rate, channels, std::size_t(rate));
      const Stems stems = stems_of(song, {4096});
      ASSERT_EQ(stems.vocals.frames(), song.frames()) << rate;
      ASSERT_EQ(stems.music.frames(), song.frames());
      ASSERT_EQ(stems.vocals.channel_count(), channels);
      EXPECT_EQ(stems.music.rate, rate);
      EXPECT_LT(error_db(song, stems), -90) << rate;
    }
}

TEST(Separation, AnyCutGivesTheSameStems) {
  const AudioBuffer song = noise_song(48000, 2, 48000);
  const Stems whole = stems_of(song, {48000}), cut = stems_of(song, {1, 7000, 333});
  EXPECT_EQ(whole.vocals.channels, cut.vocals.channels);
  EXPECT_EQ(whole.music.channels, cut.music.channels);
}

TEST(Separation, OtherStemsOfTheModelComeAlong) {
  for (const int rate : {44100, 48000}) {
    const AudioBuffer song = noise_song(rate, 2, std::size_t(rate));
    const Stems alone = stems_of(song, {4096}), both = stems_of(song, {4096}, {"right"});
    EXPECT_EQ(alone.vocals.channels, both.vocals.channels);
    EXPECT_EQ(alone.music.channels, both.music.channels);
    ASSERT_EQ(both.parts.size(), 1u);
    ASSERT_EQ(both.parts[0].frames(), song.frames());
    EXPECT_EQ(both.parts[0].channels[0], std::vector<float>(song.frames()));
    if (rate == 44100) {
      EXPECT_EQ(both.parts[0].channels[1], song.channels[1]);
    }
  }
}

TEST(Separation, LeadBackingAndMusicAddUpToTheSong) {
  const Separator separator = backing_separator();
  EXPECT_TRUE(separator.finds_backing());
  EXPECT_FALSE(side_separator().finds_backing());
  EXPECT_EQ(separator.stems(), (std::vector<std::string>{"vocals", "music", "lead", "backing"}));
  for (const int rate : {44100, 22050})
    for (const std::size_t channels : {1, 2}) {
      const AudioBuffer song = noise_song(rate, channels, 30000);
      const auto found = [&](const std::vector<std::size_t>& pieces) {
        return stems_of(song, pieces, {"lead", "backing"}, separator.impl().model());
      };
      const Stems stems = found({song.frames()}), cut = found({777, 1, 5000});
      EXPECT_EQ(stems.parts[0].channels, cut.parts[0].channels);
      EXPECT_EQ(stems.parts[1].channels, cut.parts[1].channels);
      EXPECT_GT(level_db(stems.parts[0].channels.front()), -35);
      EXPECT_GT(level_db(stems.parts[1].channels.back()), -35);
      Stems sum = stems;
      for (std::size_t c = 0; c < channels; ++c)
        std::ranges::transform(stems.parts[0].channels[c], stems.parts[1].channels[c], sum.vocals.channels[c].begin(), std::plus<>());
      EXPECT_LT(error_db(song, sum), -110) << rate << " " << channels;
    }
}

TEST(Separation, BackingVocalsTakeAKaraokeModel) {
  const std::string catalog = testing::TempDir() + "/voxconv_no_models.json";
  std::ofstream(catalog) << R"({"format_version": 1, "models": []})";
  ::setenv("VOXCONV_CATALOG", catalog.c_str(), 1);
  try {
    Separator::with_backing();
    ADD_FAILURE() << "there is no karaoke model";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find("voxconv models get melband-roformer-karaoke"), std::string::npos) << error.what();
  }
  ::unsetenv("VOXCONV_CATALOG");
}

TEST(Separation, WritesTheStemsThatAreWanted) {
  EXPECT_EQ(side_separator().stems(), (std::vector<std::string>{"vocals", "music", "right"}));
  const std::string path = testing::TempDir() + "separation_test.wav";
  WriteOptions options;
  options.rate = 44100;
  options.channels = 2;
  {
    const auto writer = open_writer(path, options);
    writer->write(noise_song(44100, 2, 44100));
    writer->finish();
  }
  SeparateJob job;
  job.source = path;
  job.targets = {{"right", path + ".right.wav"}, {"music", path + ".music.wav"}};
  const SeparateReport report = separate_file(side_separator(), job);
  EXPECT_NEAR(report.source_s, 1, 1e-9);
  EXPECT_EQ(report.files, job.targets);
  const AudioBuffer right = read_all(*open_reader(job.targets["right"])), music = read_all(*open_reader(job.targets["music"]));
  EXPECT_EQ(right.channels[1], music.channels[1]);
  EXPECT_GT(level_db(right.channels[1]), -20);
  job.targets = {{"drums", path + ".drums.wav"}};
  try {
    separate_file(side_separator(), job);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "There is no stem \"drums\"; side finds vocals, music, right.");
  }
  for (const char* suffix : {"", ".right.wav", ".music.wav"}) std::remove((path + suffix).c_str());
}

TEST(Separation, TheVeryShortKeepsItsLength) {
  for (const std::size_t frames : {0u, 1u, 2u, 700u})
    for (const int rate : {44100, 48000}) EXPECT_EQ(stems_of(noise_song(rate, 2, frames), {100}).music.frames(), frames) << rate;
}

TEST(Separation, SurroundIsMixedToStereoWithoutItsBassChannel) {
  AudioBuffer song(48000, 6, 1);
  const auto stereo = [&](std::size_t only) {
    for (std::size_t c = 0; c < 6; ++c) song.channels[c][0] = c == only ? 1.f : 0.f;
    const AudioBuffer mixed = at_most_stereo(song);
    EXPECT_EQ(mixed.channel_count(), 2u);
    return std::pair(mixed.channels[0][0], mixed.channels[1][0]);
  };
  const float full = float(1 / (1 + 2 * std::sqrt(0.5))), lower = float(std::sqrt(0.5)) * full;
  const std::vector<std::pair<float, float>> wanted{{full, 0}, {0, full}, {lower, lower}, {0, 0}, {lower, 0}, {0, lower}};
  for (std::size_t c = 0; c < 6; ++c) {
    EXPECT_NEAR(stereo(c).first, wanted[c].first, 1e-6) << c;
    EXPECT_NEAR(stereo(c).second, wanted[c].second, 1e-6) << c;
  }
  for (auto& channel : song.channels) channel[0] = 1;
  EXPECT_NEAR(at_most_stereo(song).channels[0][0], 1, 1e-6);  // nothing clips
}

TEST(Separation, TellsWhetherThereAreVocalsAndMusic) {
  const auto levels = [](float left, float right) {
    StemMeter meter(44100, 2);
    Stems stems{noise_song(44100, 2, 3 * 44100), noise_song(44100, 2, 3 * 44100, 2)};
    for (auto& channel : stems.vocals.channels)
      for (float& x : channel) x *= left;
    for (auto& channel : stems.music.channels)
      for (float& x : channel) x *= right;
    meter.push(stems);
    return meter.levels();
  };
  EXPECT_TRUE(levels(1, 1).has_vocals() && levels(1, 1).has_music());
  EXPECT_NEAR(levels(1, 0.1f).vocals_db - levels(1, 0.1f).music_db, 20, 1.5);
  EXPECT_TRUE(levels(1, 0.05f).has_vocals() && !levels(1, 0.05f).has_music());
  EXPECT_TRUE(!levels(0.05f, 1).has_vocals() && levels(0.05f, 1).has_music());
  EXPECT_TRUE(!levels(0, 0).has_vocals() && !levels(0, 0).has_music());
}

TEST(Separation, WhatDoesNotLastIsNoMusic) {
  const auto levels = [](const std::function<double(double)>& music, double seconds) {
    const auto frames = std::size_t(seconds * 44100);
    Stems stems{noise_song(44100, 2, frames), noise_song(44100, 2, frames, 2)};
    for (auto& channel : stems.music.channels)
      for (std::size_t i = 0; i < frames; ++i) channel[i] *= float(music(double(i) / 44100));
    StemMeter whole(44100, 2), pieces(44100, 2);
    whole.push(stems);
    for (std::size_t at = 0; at < frames; at += 777) {
      Stems piece{AudioBuffer(44100, 0), AudioBuffer(44100, 0)};
      const auto cut = [&](const AudioBuffer& from, AudioBuffer& to) {
        for (const auto& channel : from.channels)
          to.channels.emplace_back(channel.begin() + std::ptrdiff_t(at), channel.begin() + std::ptrdiff_t(std::min(frames, at + 777)));
      };
      cut(stems.vocals, piece.vocals);
      cut(stems.music, piece.music);
      pieces.push(piece);
    }
    EXPECT_EQ(whole.levels().lasting_music_db, pieces.levels().lasting_music_db);
    EXPECT_EQ(whole.levels().music_db, pieces.levels().music_db);
    return whole.levels();
  };
  const auto claps = [](double t) { return std::fmod(t, 0.6) < 0.06 ? 0.5 : 0; };
  EXPECT_GT(levels(claps, 6).music_db, levels(claps, 6).vocals_db - 17);
  EXPECT_FALSE(levels(claps, 6).has_music());
  EXPECT_TRUE(levels([](double) { return 0.125; }, 6).has_music());
  EXPECT_TRUE(levels([](double t) { return t < 3 ? 0.125 : 0; }, 6).has_music()) << "half of a song";
  // Shorter than a block.
  EXPECT_TRUE(levels([](double) { return 1; }, 0.3).has_vocals() && levels([](double) { return 1; }, 0.05).has_music());
  EXPECT_FALSE(levels([](double) { return 0; }, 0.3).has_music());
}

/// A song whose voice, on the left, sounds from 60 s to 90 s only, and whose music from the beginning.
TEST(Separation, ListensToPartsOfALongSong) {
  struct Song : AudioReader {
    Song() { details.rate = 8000, details.channels = 2; }
    const AudioInfo& info() const override { return details; }
    bool read(AudioBuffer& out, std::size_t most) override {
      const std::size_t count = std::min(most, std::size_t(150 * 8000) - place);
      out = noise_song(8000, 2, count, unsigned(place));
      for (std::size_t i = 0; i < count; ++i)
        if (place + i < 60 * 8000 || place + i >= 90 * 8000) out.channels[0][i] = 0;
      place += count;
      return count > 0;
    }
    AudioInfo details;
    std::size_t place = 0;
  };
  struct Kept : AudioWriter {
    void write(const AudioBuffer& more) override { audio.insert(audio.end(), more.channels[0].begin(), more.channels[0].end()); }
    void finish() override { finished = true; }
    std::vector<float> audio;
    bool finished = false;
  };
  Song song;
  Kept vocals;
  const StemLevels levels = measure_stems(side_separator(), song, 150, &vocals);
  EXPECT_TRUE(levels.has_vocals() && levels.has_music());
  EXPECT_TRUE(vocals.finished);
  ASSERT_EQ(vocals.audio.size(), 36u * 8000);  // from 9.5, 34.5, 59.5, 84.5, 109.5 and 134.5 s on
  const auto loud = [&](int from, int to) {
    return std::any_of(vocals.audio.begin() + from * 8000, vocals.audio.begin() + to * 8000, [](float x) { return std::abs(x) > 0.05f; });
  };
  EXPECT_FALSE(loud(0, 12));
  EXPECT_TRUE(loud(13, 23));
  EXPECT_FALSE(loud(24, 36));
  Song again;
  EXPECT_TRUE(measure_stems(side_separator(), again, 30).has_vocals()) << "what is short is heard from its beginning to its end";
}

TEST(Separation, AnUnknownModelIsNamed) {
  try {
    load_separation_model("nothing", "", torch::kCPU, torch::kFloat);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find("spleeter"), std::string::npos);
  }
}

TEST(Spleeter, AnyCutGivesTheSameVocalsAndNothingWaitsLong) {
  const auto model = load_separation_model("spleeter", "", torch::kCPU, torch::kFloat).model;
  const AudioBuffer song = noise_song(44100, 2, 530000);  // two segments
  std::vector<AudioBuffer> results;
  for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{530000}, {100000, 1, 77777}}) {
    const auto stream = model->start({vocals_stem});
    AudioBuffer vocals;
    in_pieces(*stream, song, pieces, [&](const std::vector<AudioBuffer>& more, std::size_t pushed) {
      add(vocals, more.front());
      EXPECT_GE(double(vocals.frames()) + model->context_s() * model->sample_rate() + 1, double(pushed));
    });
    results.push_back(vocals);
  }
  ASSERT_EQ(results[0].frames(), song.frames());
  EXPECT_EQ(results[0].channels, results[1].channels);
}

}  // namespace
}  // namespace voxconv
