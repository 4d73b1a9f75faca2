#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/atomic_file.h"
#include "eval/comparison.h"
#include "eval/memory_audio.h"
#include "eval/metrics.h"
#include "eval/report.h"
#include "sine_voice.h"
#include "voxconv/error.h"
#include "voxconv/evaluator.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using eval::pitch_error;

/// A sung line: vibrato and a slow rise around `hz`, with a pause.
std::vector<float> melody(double hz, std::size_t frames = 400) {
  std::vector<float> f0(frames);
  for (std::size_t i = 0; i < frames; ++i)
    f0[i] = i % 100 < 15 ? 0.f : float(hz * std::exp2(0.3 * double(i) / double(frames) + 0.03 * std::sin(double(i) * 0.35)));
  return f0;
}

TEST(PitchError, IsNothingForTheSameMelodyInAnotherKey) {
  const auto source = melody(220), result = melody(220 * std::exp2(5 / 12.0));
  const auto error = pitch_error(source, result, 5);
  EXPECT_NEAR(error.correlation, 1, 1e-6);
  EXPECT_NEAR(error.median_cents, 0, 0.01);
}

TEST(PitchError, FindsAConstantDetuning) {
  const auto error = pitch_error(melody(220), melody(220 * std::exp2(25 / 1200.0)), 0);
  EXPECT_NEAR(error.median_cents, 25, 0.01);
  EXPECT_NEAR(error.correlation, 1, 1e-6);
}

TEST(PitchError, LooksOnlyAtFramesVoicedInBoth) {
  const auto source = melody(220);
  auto result = source;
  for (std::size_t i = 0; i < 200; ++i) result[i] = 0;
  EXPECT_NEAR(pitch_error(source, result, 0).median_cents, 0, 1e-9);
  EXPECT_TRUE(std::isnan(pitch_error(source, std::vector<float>(400, 0.f), 0).median_cents));
}

TEST(PitchError, MirroredMelodyIsAnticorrelated) {
  const auto source = melody(220);
  auto result = source;
  for (float& hz : result) hz = hz > 0 ? 220 * 220 / hz : 0;
  EXPECT_NEAR(pitch_error(source, result, 0).correlation, -1, 1e-6);
}

TEST(PitchError, CorrelationIsUndefinedForAFlatLine) {
  const std::vector<float> flat(100, 220.f);
  EXPECT_TRUE(std::isnan(pitch_error(flat, flat, 0).correlation));
  EXPECT_NEAR(pitch_error(flat, flat, 0).median_cents, 0, 1e-9);
}

TEST(PitchAgreement, AnOctaveThatOnlyOneEstimatorHeardDoesNotCount) {
  const auto source = melody(220);
  auto wrong = source;
  for (std::size_t i = 20; i < 60; ++i) wrong[i] *= 2;  // FCPE on a creaky voice
  const auto agreed = eval::agreed_pitch(wrong, source);
  EXPECT_LT(pitch_error(source, wrong, 0).correlation, 0.9);
  EXPECT_NEAR(pitch_error(source, agreed, 0).correlation, 1, 1e-6);
  // 400 frames, 60 of them unvoiced; the 40 wrong ones are voiced.
  EXPECT_NEAR(eval::pitch_agreement(source, source, wrong, agreed), 300.0 / 340, 1e-9);
  EXPECT_TRUE(std::isnan(eval::pitch_agreement(source, source, std::vector<float>(400, 0.f), std::vector<float>(400, 0.f))));
}

TEST(PitchAgreement, HalfASemitoneIsTheLimit) {
  const std::vector<float> first{200, 200, 200, 0, 200};
  const std::vector<float> second{float(200 * std::exp2(49 / 1200.0)), float(200 * std::exp2(-51 / 1200.0)), 0, 200, 200};
  EXPECT_EQ(eval::agreed_pitch(first, second), (std::vector<float>{200, 0, 0, 0, 200}));
}

TEST(LoudnessError, IgnoresAGainAndFindsARipple) {
  const torch::Tensor source = torch::sin(torch::arange(500) * 0.05) - 3;
  EXPECT_NEAR(eval::loudness_error_db(source, source + 1.5), 0, 1e-4);
  // Half of the frames 0.23 nepers (2 dB) up, half down: every frame is off by 2 dB from the middle.
  const torch::Tensor ripple = torch::where(torch::arange(501) % 2 == 0, 1.0, -1.0) * (2 / (20 / std::log(10.0)));
  const torch::Tensor longer = torch::sin(torch::arange(501) * 0.05) - 3;
  EXPECT_NEAR(eval::loudness_error_db(longer, longer + ripple), 2, 0.02 * 2);
}

TEST(LoudnessError, SilenceDoesNotCount) {
  const torch::Tensor source = torch::cat({torch::full({100}, -2.f), torch::full({100}, -11.5f)});
  const torch::Tensor result = torch::cat({torch::full({100}, -2.f), torch::full({100}, -8.f)});
  EXPECT_NEAR(eval::loudness_error_db(source, result), 0, 1e-6);
  EXPECT_TRUE(std::isnan(eval::loudness_error_db(source, torch::zeros({0}))));
}

TEST(Cosine, KnownAngles) {
  EXPECT_NEAR(eval::cosine(torch::tensor({1.f, 0.f}), torch::tensor({3.f, 3.f})), std::sqrt(0.5), 1e-6);
  EXPECT_TRUE(std::isnan(eval::cosine(torch::tensor({1.f, 0.f}), torch::tensor({0.f, 0.f}))));
}

/// What a comparison needs of a sound: two seconds without pitch, and an embedding.
eval::Sound sound_with(const torch::Tensor& embedding) {
  eval::Sound sound;
  sound.full_band = 0.1 * torch::ones({2 * 44100});
  sound.audio = 0.1 * torch::ones({2 * 16000});
  sound.f0 = sound.agreed = sound.pitched = std::vector<float>(200, 0.f);
  sound.loudness = torch::full({200}, -3.f);
  sound.embedding = embedding;
  return sound;
}

TEST(Compare, SimilarityToASilenceIsUndefined) {
  const torch::Tensor none = torch::zeros({SpeakerEncoder::dim});
  torch::Tensor one = none.clone(), other = none.clone();
  one[0] = 1;
  other[0] = 0.6;
  other[1] = 0.8;
  const eval::Target target = eval::target_of({sound_with(one)}), silent_target = eval::target_of({sound_with(none)});
  const EvalRow row = eval::compare(sound_with(other), sound_with(one), target, 0);
  EXPECT_NEAR(row.secs_target, 1, 1e-6);
  EXPECT_NEAR(row.secs_source, 0.6, 1e-6);
  EXPECT_EQ(row.secs_nearer_target, 1);
  const EvalRow silent = eval::compare(sound_with(other), sound_with(none), target, 0);
  EXPECT_TRUE(std::isnan(silent.secs_target));
  EXPECT_TRUE(std::isnan(silent.secs_source));
  EXPECT_TRUE(std::isnan(silent.secs_nearer_target));
  EXPECT_NEAR(silent.secs_source_target, 0.6, 1e-6);
  EXPECT_TRUE(std::isnan(eval::compare(sound_with(other), sound_with(one), silent_target, 0).secs_target));
  EXPECT_NEAR(mean_row({row, silent}).secs_target, 1, 1e-6) << "left out of the mean";
}

TEST(MeanRow, LeavesUndefinedValuesOut) {
  EvalRow a, b;
  a.secs_target = 0.8;
  b.secs_target = 0.6;
  a.f0_correlation = std::nan("");
  b.f0_correlation = 0.9;
  const EvalRow mean = mean_row({a, b});
  EXPECT_NEAR(mean.secs_target, 0.7, 1e-12);
  EXPECT_NEAR(mean.f0_correlation, 0.9, 1e-12);
  EXPECT_TRUE(std::isnan(mean_row({}).rtf));
}

EvalReport sample_report() {
  EvalReport report;
  report.voice = "kathleen";
  EvalRow row;
  row.source = "a \"b\", c.wav";
  row.secs_target = 0.75;
  row.language = "de";
  row.result_sound.ovrl = 3.25;
  report.target_sound.ovrl = 3.5;
  report.rows = {row};
  report.mean = mean_row(report.rows);
  return report;
}

TEST(EvalReport, JsonHoldsEveryFigureAndNullForUndefined) {
  const auto json = nlohmann::json::parse(sample_report().to_json());
  EXPECT_EQ(json["voice"], "kathleen");
  EXPECT_EQ(json["files"][0]["source"], "a \"b\", c.wav");
  EXPECT_EQ(json["files"][0]["secs_target"], 0.75);
  EXPECT_TRUE(json["files"][0]["f0_correlation"].is_null());
  EXPECT_EQ(json["mean"]["secs_target"], 0.75);
  EXPECT_EQ(json["files"][0]["language"], "de");
  EXPECT_EQ(json["files"][0]["ovrl"], 3.25);
  EXPECT_TRUE(json["files"][0]["source_ovrl"].is_null());
  EXPECT_EQ(json["target"]["ovrl"], 3.5);
}

TEST(EvalReport, CsvHasAColumnForEveryFigureAndLinesForMeanAndTarget) {
  const std::string of_a_sound =
      "band_0_250_db,band_250_500_db,band_500_1000_db,band_1000_2000_db,band_2000_4000_db,band_4000_8000_db,band_8000_16000_db,"
      "band_16000_22050_db,above_16k_db,periodicity_0_1000,periodicity_1000_2000,periodicity_2000_4000,periodicity_4000_8000,hnr_db,"
      "sig,bak,ovrl";
  std::string of_the_source = "source_" + of_a_sound;
  for (std::size_t at = 0; (at = of_the_source.find(',', at)) != std::string::npos; at += 8) of_the_source.insert(at + 1, "source_");
  std::istringstream csv(sample_report().to_csv());
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(
      line,
      "source,language,seconds,f0_correlation,f0_median_cents,f0_agreement,secs_target,secs_source,secs_source_target,secs_nearer_target,"
      "timbre_target,timbre_source,timbre_source_target,timbre_nearer_target,loudness_error_db,level_difference_db,rest_db,"
      "source_rest_db,breath_change_db,spectrum_distance_db,cer,rtf," +
          of_a_sound + "," + of_the_source);
  // Columns are counted: the file, 21 of the comparison, 17 of the result, the last of which is ovrl, 17 of the source.
  const auto fields = [&] {
    std::getline(csv, line);
    std::vector<std::string> all;
    std::string field;
    for (std::istringstream rest(line.substr(line.rfind('"') + 1)); std::getline(rest, field, ',');) all.push_back(field);
    return all;
  };
  const std::vector<std::string> file = fields();
  EXPECT_TRUE(line.starts_with("\"a \"\"b\"\", c.wav\",")) << line;
  EXPECT_EQ(file.at(1), "de");
  EXPECT_EQ(file.at(6), "0.75");
  EXPECT_EQ(file.at(2), "");
  EXPECT_EQ(file.at(21 + 17), "3.25");
  const std::vector<std::string> mean = fields(), target = fields();
  EXPECT_EQ(mean.at(0), "mean");
  EXPECT_EQ(mean.at(1), "");
  EXPECT_EQ(mean.at(6), "0.75");
  EXPECT_EQ(target.at(0), "target");
  EXPECT_EQ(target.at(6), "");
  EXPECT_EQ(target.at(21 + 17), "3.5");
  EXPECT_FALSE(std::getline(csv, line));
}

TEST(MemoryAudio, WhatIsWrittenIsReadBack) {
  eval::CapturingWriter writer;
  AudioBuffer piece(16000, 2, 3);
  piece.channels[0] = {1, 2, 3};
  piece.channels[1] = {4, 5, 6};
  writer.write(piece);
  writer.write(piece);
  writer.finish();
  eval::MemoryReader reader(writer.audio());
  EXPECT_EQ(reader.info().frames, 6);
  AudioBuffer out;
  ASSERT_TRUE(reader.read(out, 4));
  EXPECT_EQ(out.channels[1], (std::vector<float>{4, 5, 6, 4}));
  ASSERT_TRUE(reader.read(out, 4));
  EXPECT_EQ(out.channels[0], (std::vector<float>{2, 3}));
  EXPECT_FALSE(reader.read(out, 4));
  EXPECT_TRUE(out.empty());
}

TEST(Evaluate, NeverReplacesARecording) {
  const fs::path dir = fs::path(testing::TempDir()) / "voxconv_eval_test";
  fs::remove_all(dir);
  fs::create_directories(dir / "other");
  const std::string song = (dir / "song.wav").string(), same_stem = (dir / "other/song.flac").string();
  write_file(song, "a recording");
  fs::create_symlink(dir, dir / "link");
  EvalOptions options;
  options.save_dir = (dir / "link").string();
  using Files = std::vector<std::string>;
  const std::vector<std::pair<Files, Files>> cases{{{song}, {}}, {{same_stem, song}, {song}}, {{same_stem}, {song}}};
  for (const auto& [sources, references] : cases) {
    options.sources = sources;
    options.references = references;
    try {
      evaluate(sine_voice(), options);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage) << e.what();
    }
  }
  EXPECT_EQ(read_file(song), "a recording");
  fs::remove_all(dir);
}

/// Writes a sung second, or a silent one, and returns its path.
std::string second_of_sound(const std::string& name, double level) {
  AudioBuffer audio(44100, 1, 44100);
  for (std::size_t i = 0; i < audio.frames(); ++i)
    for (int k = 1; k <= 10; ++k) audio.channels[0][i] += float(level / k * std::sin(2 * M_PI * 180 * k * double(i) / 44100));
  const std::string path = (fs::path(testing::TempDir()) / name).string();
  WriteOptions options;
  const auto writer = open_writer(path, options);
  writer->write(audio);
  writer->finish();
  return path;
}

TEST(Evaluate, RefusesReferencesWithoutAVoice) {
  EvalOptions options;
  options.sources = {second_of_sound("eval_sung.wav", 0.1)};
  options.references = {second_of_sound("eval_silent.wav", 0)};
  try {
    evaluate(sine_voice(), options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage) << e.what();
    EXPECT_NE(std::string(e.what()).find("references"), std::string::npos) << e.what();
  }
}

TEST(SoundAnalyser, HearsWhatAConversionHears) {
  const auto reader = open_reader(second_of_sound("eval_sung.wav", 0.1));
  AudioBuffer stereo = read_all(*reader);
  stereo.channels.push_back(stereo.channels[0]);
  for (float& x : stereo.channels[1]) x = -x;  // of opposite phase
  const eval::Sound sound = eval::SoundAnalyser(torch::kCPU).analyse(stereo, {});
  EXPECT_GT(sound.embedding.norm().item<double>(), 0.9);
  const torch::Tensor alone = torch::tensor(at::ArrayRef<float>(stereo.channels[0]));
  EXPECT_NEAR((sound.full_band.square().mean() / alone.square().mean()).item<double>(), 1, 0.05);
}

TEST(SoundAnalyser, StopsWhenAsked) {
  CancelToken cancel;
  cancel.cancel();
  const auto stops = [](const auto& act) {
    try {
      act();
    } catch (const Error& e) {
      return e.code() == ErrorCode::cancelled;
    }
    return false;
  };
  EXPECT_TRUE(stops([&] { eval::SoundAnalyser(torch::kCPU).analyse(AudioBuffer(44100, 1, 44100), cancel); }));
  EXPECT_TRUE(stops([&] { eval::Dnsmos().score(torch::zeros({16000}), cancel); }));
}

TEST(Evaluate, LooksIntoAFolderOnce) {
  const fs::path dir = fs::path(testing::TempDir()) / "voxconv_eval_folders";
  fs::remove_all(dir);
  for (const char* folder : {"sources", "references"}) {
    fs::create_directories(dir / folder);
    write_file((dir / folder / "broken.wav").string(), "no sound, though its name says so");
    write_file((dir / folder / "note.txt").string(), "left out");
  }
  std::vector<std::string> warnings;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warnings.push_back(text);
  });
  EvalOptions options;
  options.sources = {(dir / "sources").string()};
  EXPECT_THROW(evaluate(sine_voice(), options), Error);
  EXPECT_EQ(warnings.size(), 1u) << "for the sources";
  warnings.clear();
  options.references = {(dir / "references").string()};
  options.save_dir = (dir / "saved").string();
  EXPECT_THROW(evaluate(sine_voice(), options), Error);
  set_log_callback({});
  EXPECT_EQ(warnings.size(), 2u) << "for both";
  fs::remove_all(dir);
}

TEST(EvaluateVocoder, WhatACallbackThrowsComesOut) {
  EvalOptions options;
  options.sources = {second_of_sound("eval_sung.wav", 0.1)};
  EXPECT_THROW(evaluate_vocoder(options, {}, [](const Progress&) { throw std::runtime_error("stop"); }), std::runtime_error);
}

TEST(EvaluateVocoder, NothingIsNearerToItsTargetThanToItself) {
  EvalOptions options;
  options.sources = {second_of_sound("eval_sung.wav", 0.1)};
  const EvalReport report = evaluate_vocoder(options);
  EXPECT_GT(report.mean.secs_target, 0);
  EXPECT_TRUE(std::isnan(report.mean.secs_nearer_target));
  EXPECT_TRUE(std::isnan(report.mean.timbre_nearer_target));
}

TEST(EvaluateVocoder, TakesNoReferences) {
  EvalOptions options;
  options.sources = options.references = {"song.wav"};
  try {
    evaluate_vocoder(options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage) << e.what();
  }
}

}  // namespace
}  // namespace voxconv
