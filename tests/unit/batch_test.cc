#include "voxconv/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "convert/jobs.h"
#include "sine_voice.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using State = BatchItem::State;
using testing::EndsWith;
using testing::HasSubstr;

class BatchTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(testing::TempDir()) / ("voxconv_batch_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(dir_);
    fs::create_directories(dir_ / "in/album");
    options_.convert.f0 = "pyin";
    options_.out_dir = (dir_ / "out").string();
  }
  void TearDown() override { fs::remove_all(dir_); }

  fs::path song(const std::string& name, double seconds = 0.2) {
    WriteOptions format;
    format.rate = 16000;
    AudioBuffer audio(16000, 1, std::size_t(seconds * 16000));
    for (std::size_t i = 0; i < audio.frames(); ++i) audio.channels[0][i] = float(0.2 * std::sin(2 * M_PI * 220 * double(i) / 16000));
    const fs::path path = dir_ / "in" / name;
    const auto writer = open_writer(path.string(), format);
    writer->write(audio);
    writer->finish();
    return path;
  }
  std::vector<BatchItem> plan() { return plan_batch(options_, sine_voice().info()); }
  std::string refusal() {
    try {
      convert_batch(sine_voice(), options_);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage);
      return e.what();
    }
    return "not refused";
  }

  fs::path dir_;
  BatchOptions options_;
};

TEST_F(BatchTest, FoldersKeepTheirShapeAndOtherFilesAreNamed) {
  song("b.wav");
  song("album/a.wav");
  std::ofstream(dir_ / "in/cover.jpg") << "x";
  std::ofstream(dir_ / "in/.hidden.wav") << "x";
  options_.inputs = {(dir_ / "in").string()};
  const auto items = plan();
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].target, (dir_ / "out/album/a-sine.wav").string());
  EXPECT_EQ(items[1].target, (dir_ / "out/b-sine.wav").string());
  EXPECT_THAT(items[2].source, EndsWith("cover.jpg"));
  EXPECT_EQ(items[2].state, State::left_out);
  EXPECT_EQ(items[2].error, "it holds no sound");
}

TEST_F(BatchTest, TheContentDecidesInFolders) {
  const std::vector<std::string> names{"none", "phone.xyz", "call.AMRX", "long.WAVE", "talk.m4b"};
  for (const std::string& name : names) fs::rename(song("x.wav"), dir_ / "in" / name);
  std::ofstream(dir_ / "in/broken.mp2") << "this is no sound";  // is seen to fail
  std::ofstream(dir_ / "in/notes.txt") << "Nor is this.";
  options_.inputs = {(dir_ / "in").string()};
  std::vector<std::string> told;
  const BatchReport report = convert_batch(sine_voice(), options_, {{}, [&](const BatchItem& item) { told.push_back(item.source); }, {}});
  EXPECT_EQ(report.count(State::converted), names.size());
  EXPECT_EQ(report.count(State::failed), 1u);
  EXPECT_EQ(report.count(State::left_out), 1u);
  EXPECT_EQ(told.size(), names.size() + 2) << "also what is left out";
}

TEST_F(BatchTest, PatternsAndRepeatedNamesGiveEachFileOnce) {
  song("one.wav");
  song("two.wav");
  song("[three].wav");
  options_.inputs = {(dir_ / "in/t*.wav").string(), (dir_ / "in/two.wav").string(), (dir_ / "in/../in/two.wav").string(),
                     (dir_ / "in/[three].wav").string()};
  const auto items = plan();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_THAT(items[0].source, EndsWith("two.wav"));
  EXPECT_THAT(items[1].source, EndsWith("[three].wav"));
}

TEST_F(BatchTest, TheTemplateIsFilledIn) {
  options_.inputs = {song("one.wav").string()};
  options_.name_template = "{voice}/{stem} ({key}).{ext}";
  options_.convert.key = 2;
  options_.format = "wav24";
  EXPECT_EQ(plan()[0].target, (dir_ / "out/sine/one (+2).wav").string());
  options_.convert.key = -0.5;
  EXPECT_THAT(plan()[0].target, EndsWith("one (-0.5).wav"));
  options_.convert.key_auto = true;
  EXPECT_THAT(plan()[0].target, EndsWith("one (auto).wav"));
  options_.name_template = "{stem}";
  options_.format = "";
  EXPECT_THAT(plan()[0].target, EndsWith("out/one.wav"));
  options_.out_dir = "";
  options_.name_template = "{stem}-new.{ext}";
  EXPECT_EQ(plan()[0].target, (dir_ / "in/one-new.wav").string());
}

TEST_F(BatchTest, SenselessTemplatesAreRefused) {
  options_.inputs = {song("one.wav").string()};
  for (const char* text : {"", "{singer}", "{stem", "../{stem}.wav", "/{stem}.wav", "{stem}/"}) {
    options_.name_template = text;
    EXPECT_THROW(plan(), Error) << text;
  }
}

TEST_F(BatchTest, OfTwoSourcesWithOneTargetTheFirstIsConverted) {
  song("one.flac");
  options_.inputs = {song("one.wav").string(), (dir_ / "in/one.flac").string(), song("album/one.wav").string(), song("two.wav").string()};
  options_.format = "wav";
  const BatchReport report = convert_batch(sine_voice(), options_);
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].state, State::converted);
  EXPECT_EQ(report.items[3].state, State::converted);
  for (const std::size_t i : {1u, 2u}) {
    EXPECT_EQ(report.items[i].state, State::failed);
    EXPECT_EQ(report.items[i].code, ErrorCode::usage);
    EXPECT_THAT(report.items[i].error, testing::AllOf(HasSubstr("that of " + report.items[0].source), HasSubstr("{source_ext} or {n}")));
  }
  options_.name_template = "{stem}.{source_ext}.{n}.{ext}";
  const auto items = plan();
  EXPECT_THAT(items[0].target, EndsWith("out/one.wav.1.wav"));
  EXPECT_THAT(items[1].target, EndsWith("out/one.flac.1.wav"));
  EXPECT_THAT(items[2].target, EndsWith("out/one.wav.2.wav"));
  EXPECT_THAT(items[3].target, EndsWith("out/two.wav.1.wav"));
  options_.name_template = "all-{n}.{ext}";
  EXPECT_EQ(convert_batch(sine_voice(), options_).count(State::converted), 4u);
}

TEST_F(BatchTest, ABadFileDoesNotStopTheRest) {
  const fs::path good = song("good.wav"), bad = dir_ / "in/bad.wav";
  std::ofstream(bad) << "this is no sound";
  options_.inputs = {bad.string(), (dir_ / "in/missing.wav").string(), good.string()};
  std::set<std::string> ended;
  const BatchReport report = convert_batch(sine_voice(), options_, {{}, [&](const BatchItem& item) { ended.insert(item.source); }, {}});
  ASSERT_EQ(report.items.size(), 3u);
  EXPECT_EQ(report.items[0].state, State::failed);
  EXPECT_EQ(report.items[0].code, ErrorCode::bad_audio);
  EXPECT_THAT(report.items[0].error, HasSubstr("bad.wav"));
  EXPECT_EQ(report.items[1].code, ErrorCode::not_found);
  EXPECT_EQ(report.items[2].state, State::converted);
  EXPECT_NEAR(report.items[2].report.source_s, 0.2, 1e-6);
  EXPECT_EQ(report.count(State::failed), 2u);
  EXPECT_EQ(ended.size(), 3u);
  // Nothing but the good result lies in the output folder.
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "out"), {}), 1);
  const AudioBuffer result = read_all(*open_reader((dir_ / "out/good-sine.wav").string()));
  EXPECT_EQ(result.rate, voice_rate);
  EXPECT_EQ(result.frames(), std::size_t(voice_rate / 5));
}

TEST_F(BatchTest, ExistingTargetsAreSkippedOnRequest) {
  options_.inputs = {song("one.wav").string(), song("two.wav").string()};
  fs::create_directories(dir_ / "out");
  std::ofstream(dir_ / "out/one-sine.wav") << "kept";
  options_.skip_existing = true;
  const BatchReport report = convert_batch(sine_voice(), options_);
  EXPECT_EQ(report.items[0].state, State::skipped);
  EXPECT_EQ(report.items[1].state, State::converted);
  EXPECT_EQ(fs::file_size(dir_ / "out/one-sine.wav"), 4u);
}

TEST_F(BatchTest, SeveralThreadsConvertEverything) {
  for (int i = 0; i < 6; ++i) options_.inputs.push_back(song("song" + std::to_string(i) + ".wav").string());
  options_.jobs = 3;
  const BatchReport report = convert_batch(sine_voice(), options_);
  EXPECT_EQ(report.count(State::converted), 6u);
}

TEST_F(BatchTest, ASourceIsNeverReplaced) {
  const fs::path one = song("one.wav"), two = song("one2.wav", 0.3);
  const auto size = fs::file_size(one), other_size = fs::file_size(two);
  options_.out_dir = "";
  options_.inputs = {one.string()};
  options_.name_template = "{stem}.{ext}";
  EXPECT_THAT(refusal(), HasSubstr("one.wav is a source and would be replaced by what is made of "));
  options_.inputs = {(dir_ / "in").string()};
  options_.name_template = "{stem}2.{ext}";
  EXPECT_THAT(refusal(), HasSubstr("one2.wav is a source and would be replaced by what is made of " + one.string()));
  fs::create_symlink(dir_ / "in", dir_ / "link");
  options_.inputs = {one.string(), (dir_ / "link/one2.wav").string()};
  EXPECT_THAT(refusal(), HasSubstr("one2.wav is a source"));
  EXPECT_EQ(fs::file_size(one), size);
  EXPECT_EQ(fs::file_size(two), other_size);
}

TEST_F(BatchTest, ARepeatedBatchLeavesItsResultsOut) {
  song("one.wav");
  options_.out_dir = "";
  options_.inputs = {(dir_ / "in").string()};
  EXPECT_EQ(convert_batch(sine_voice(), options_).count(State::converted), 1u);
  const fs::path result = dir_ / "in/one-sine.wav";
  options_.inputs = {result.string()};  // alone it is a source as any other
  EXPECT_EQ(convert_batch(sine_voice(), options_).count(State::converted), 1u);
  ASSERT_TRUE(fs::exists(dir_ / "in/one-sine-sine.wav"));

  song("two.wav");
  for (const char* input : {"in", "in/*.wav"}) {
    options_.inputs = {(dir_ / input).string(), result.string()};
    std::vector<std::string> waiting, results;
    for (const BatchItem& item : plan()) (item.state == State::waiting ? waiting : results).push_back(item.source);
    EXPECT_THAT(waiting, testing::ElementsAre(EndsWith("one.wav"), EndsWith("two.wav"))) << input;
    EXPECT_THAT(results, testing::ElementsAre(EndsWith("one-sine-sine.wav"), EndsWith("one-sine.wav"))) << input;
  }
  options_.skip_existing = true;
  const BatchReport report = convert_batch(sine_voice(), options_);
  EXPECT_EQ(report.count(State::skipped), 1u);
  EXPECT_EQ(report.count(State::converted), 1u);
}

TEST_F(BatchTest, AnOutputFolderInsideIsNotSearched) {
  song("one.wav");
  fs::create_directories(dir_ / "in/album/out");
  song("album/out/one-other.wav");
  options_.inputs = {(dir_ / "in").string()};
  options_.out_dir = (dir_ / "in/../in/album/out").string();
  EXPECT_EQ(plan().size(), 1u);
  options_.out_dir = (dir_ / "in").string();
  EXPECT_EQ(plan().size(), 2u);
}

TEST_F(BatchTest, WhatCannotBeLookedAtDoesNotStopTheRest) {
  song("one.wav");
  for (const char* name : {"loop.txt", "loop.wav"}) fs::create_symlink(name, dir_ / "in" / name);
  options_.inputs = {(dir_ / "in").string(), (dir_ / "in/loop.txt").string(), std::string(300, 'a') + ".wav"};
  const BatchReport report = convert_batch(sine_voice(), options_);
  ASSERT_EQ(report.items.size(), 4u);
  EXPECT_EQ(report.items[0].state, State::converted);
  EXPECT_EQ(report.items[1].state, State::left_out);
  EXPECT_THAT(report.items[1].source, EndsWith("loop.wav"));
  EXPECT_THAT(report.items[1].error, HasSubstr("symbolic links"));
  for (const int i : {2, 3}) EXPECT_EQ(report.items[std::size_t(i)].code, ErrorCode::io) << report.items[std::size_t(i)].error;
}

TEST_F(BatchTest, CancellingLeavesTheRestWaiting) {
  options_.inputs = {song("one.wav").string(), song("two.wav").string(), song("three.wav").string()};
  CancelToken token;
  const BatchReport report = convert_batch(sine_voice(), options_, {{}, [&](const BatchItem&) { token.cancel(); }, {}}, token);
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.count(State::converted), 1u);
  EXPECT_EQ(report.count(State::waiting), 2u);
}

TEST_F(BatchTest, WhatACallbackThrowsComesOut) {
  options_.inputs = {song("one.wav").string(), song("two.wav").string()};
  options_.jobs = 2;
  struct Stop {};
  EXPECT_THROW(convert_batch(sine_voice(), options_, {[](const BatchItem&) { throw Stop(); }, {}, {}}), Stop);
}

TEST_F(BatchTest, WhatACallbackThrowsComesOutAsItIs) {
  options_.inputs = {song("one.wav").string(), song("two.wav").string()};
  for (const int jobs : {1, 2}) {
    options_.jobs = jobs;
    const auto stop = [](const BatchItem&) { throw std::runtime_error("stop"); };
    EXPECT_THROW(convert_batch(sine_voice(), options_, {stop, {}, {}}), std::runtime_error);
    EXPECT_THROW(convert_batch(sine_voice(), options_, {{}, {}, [&](const BatchItem& item, const Progress&) { stop(item); }}),
                 std::runtime_error);
  }
}

TEST(Jobs, AThreadThatCannotBeStartedStopsTheOthers) {
  ConvertOptions options;
  options.f0 = "pyin";
  Converter converter(sine_voice(), options);
  // Memory for the stack of one thread more, not of two.
  constexpr std::size_t stack = std::size_t{4} << 30;
  pthread_attr_t usual, large;
  ASSERT_EQ(::pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(::pthread_getattr_default_np(&large), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&large, stack), 0);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit low = before;
  low.rlim_cur = pages * std::size_t(::sysconf(_SC_PAGESIZE)) + stack + stack / 2;
  std::atomic<bool> stopped = false;
  std::atomic<int> never_told = 0;
  const auto work = [&](int) {
    for (int i = 0; i < 300 && !stopped; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!stopped) ++never_told;
  };
  ASSERT_EQ(::pthread_setattr_default_np(&large), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &low), 0);
  try {
    in_jobs(3, torch::kCPU, work, [&] { stopped = true; });
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device) << e.what();
  }
  ::setrlimit(RLIMIT_AS, &before);
  ::pthread_setattr_default_np(&usual);
  EXPECT_EQ(never_told, 0);
}

}  // namespace
}  // namespace voxconv
