#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/atomic_file.h"
#include "features/analysis_audio.h"
#include "features/npy.h"
#include "features/pitch/f0_estimator.h"
#include "pitch_testing.h"
#include "voxconv/error.h"
#include "voxconv/f0.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class F0File : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("voxconv_f0_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string with(const std::string& name, const std::string& text) const {
    write_file(path(name), text);
    return path(name);
  }
  /// The sentence that reading fails with.
  static std::string complaint(const std::string& file) {
    try {
      read_f0_file(file);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage);
      return e.what();
    }
    return "";
  }
  fs::path folder_;
};

F0Track some_track() {
  F0Track track;
  for (int t = 0; t < 250; ++t) track.hz.push_back(t % 50 < 10 ? 0.0f : 200.0f + float(t));
  track.confidence.assign(track.hz.size(), 1.0f);
  return track;
}

TEST_F(F0File, BothKindsReadBackWhatWasWritten) {
  const F0Track track = some_track();
  for (const char* name : {"a.csv", "a.npy"}) {
    write_f0_file(path(name), track);
    const F0Track back = read_f0_file(path(name));
    ASSERT_EQ(back.hz.size(), track.hz.size()) << name;
    EXPECT_EQ(back.frame_rate, 100);
    for (std::size_t t = 0; t < track.hz.size(); ++t) EXPECT_NEAR(back.hz[t], track.hz[t], 0.001) << name << " frame " << t;
  }
}

TEST_F(F0File, AnotherFrameRateIsResampled) {
  F0Track track;
  track.frame_rate = 62.5;
  for (int t = 0; t < 200; ++t) track.hz.push_back(t < 100 ? 100 * std::exp2(float(t) / 62.5f) : 0.0f);
  for (const char* name : {"b.csv", "b.npy"}) {
    write_f0_file(path(name), track);
    const F0Track back = read_f0_file(path(name));
    EXPECT_EQ(back.hz.size(), 319u) << name;
    for (int t = 0; t < 155; ++t) EXPECT_NEAR(back.hz[std::size_t(t)], 100 * std::exp2(t / 100.0), 0.05) << name;
    EXPECT_EQ(back.hz[200], 0) << name;
  }
}

TEST_F(F0File, HeaderCommentsAndOtherSeparatorsAreRead) {
  const F0Track track = read_f0_file(with("c.csv", "# made by hand\r\nTime;Hz\r\n0; 100\r\n0.01\t110\r\n0.02, 120, 0.9\r\n\r\n0.03 nan\n"));
  ASSERT_EQ(track.hz.size(), 4u);
  EXPECT_THAT(track.hz, testing::ElementsAre(100.0f, 110.0f, 120.0f, 0.0f));
}

TEST_F(F0File, WhereAnotherProgramIsUnsureNothingIsSung) {
  // As CREPE writes it.
  const F0Track track =
      read_f0_file(with("crepe.f0.csv", "time,frequency,confidence\n0.000,300,0.08\n0.010,150,0.9\n0.020,151,0.5\n0.030,872,0.1\n"));
  EXPECT_THAT(track.hz, testing::ElementsAre(0.0f, 150.0f, 151.0f, 0.0f));
  const F0Track other = read_f0_file(with("turned.csv", "Voicing;Frequency (Hz);Time (s)\n0.9;200;0\n0;210;0.01\n"));
  EXPECT_THAT(other.hz, testing::ElementsAre(200.0f, 0.0f));
  EXPECT_THAT(complaint(with("doubt.csv", "time,hz,confidence\n0,100,70\n")), HasSubstr("line 2: expected a confidence between 0 and 1"));
}

TEST_F(F0File, LabelsOfAudacityHoldFromTheirBeginningToTheirEnd) {
  const F0Track track =
      read_f0_file(with("labels.csv", "0.000000\t0.010000\t0.000\n0.010000\t0.030000\t150.5\n\\\t100\t200\n0.05\t0.06\t160\n"));
  EXPECT_THAT(track.hz, testing::ElementsAre(0.0f, 150.5f, 150.5f, 0.0f, 0.0f, 160.0f));
  EXPECT_THAT(read_f0_file(with("points.csv", "0\t0\t100\n0.01\t0.01\t110\n")).hz, testing::ElementsAre(100.0f, 110.0f));
  EXPECT_THAT(complaint(with("words.csv", "0\t1\t220\n1\t2\tla la\n")),
              HasSubstr("line 2: this is a label track of Audacity whose label \"la la\""));
}

TEST_F(F0File, ColumnsNobodyExplainsAreRefused) {
  EXPECT_THAT(complaint(with("three.csv", "0,100,0.9\n0.01,100,0.9\n")), HasSubstr("line 1: nothing tells what the third number 0.9 is"));
  EXPECT_THAT(complaint(with("notes.csv", "time,midi\n0,60\n")), HasSubstr("has the columns \"time, midi\""));
  EXPECT_THAT(read_f0_file(with("sonic.csv", "0,100,New Point\n0.01,110,New Point\n")).hz, testing::ElementsAre(100.0f, 110.0f));
}

TEST_F(F0File, RowsLeftOutAreSilence) {
  std::string text;
  for (int t = 0; t < 100; ++t)
    if (t < 30 || t >= 60) text += fmt::format("{},{}\n", t / 100.0, 200);
  const F0Track track = read_f0_file(with("gap.csv", text));
  EXPECT_EQ(track.hz[20], 200);
  EXPECT_EQ(track.hz[45], 0);
  EXPECT_EQ(track.hz[80], 200);
}

TEST_F(F0File, WrongLinesAreNamed) {
  EXPECT_THAT(complaint(with("d.csv", "time,hz\n0,100\nabc,1\n")), HasSubstr("line 3"));
  EXPECT_THAT(complaint(with("e.csv", "0,100\n0.01\n")), HasSubstr("line 2"));
  EXPECT_THAT(complaint(with("f.csv", "0.5,100\n0.5,100\n")), HasSubstr("line 2"));
  EXPECT_THAT(complaint(with("g.csv", "0,100\n-1,100\n")), HasSubstr("line 2"));
  EXPECT_THAT(complaint(with("h.csv", "0,100\n1e300,100\n")), HasSubstr("line 2"));
  EXPECT_THAT(complaint(with("i.csv", "0,1e9\n")), HasSubstr("line 1"));
  EXPECT_THAT(complaint(with("j.csv", "time,hz\n")), HasSubstr("no line"));
  EXPECT_THAT(complaint(with("k.txt", "0,100\n")), HasSubstr("neither"));
}

TEST_F(F0File, DamagedNpyFilesAreRefused) {
  write_f0_file(path("l.npy"), some_track());
  const std::string good = read_file(path("l.npy"));
  EXPECT_THAT(complaint(with("m.npy", good.substr(0, 200))), HasSubstr("shorter"));
  EXPECT_THAT(complaint(with("n.npy", good.substr(0, 8))), HasSubstr("start"));
  EXPECT_THAT(complaint(with("o.npy", "garbage garbage garbage")), HasSubstr("start"));
  std::string lying = good;
  lying.replace(lying.find("(250,)"), 6, "(9e9,)");
  EXPECT_NE(complaint(with("p.npy", lying)), "");
  std::string wrong = good;
  wrong.replace(wrong.find("<f4"), 3, "<i4");
  EXPECT_THAT(complaint(with("q.npy", wrong)), HasSubstr("float32"));
}

TEST_F(F0File, NpyHeadersAreAligned) {
  write_npy(path("r.npy"), {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ((fs::file_size(path("r.npy")) - 24) % 64, 0u);
  const NpyArray array = read_npy(path("r.npy"));
  EXPECT_THAT(array.shape, testing::ElementsAre(3u, 2u));
  EXPECT_THAT(array.values, testing::ElementsAre(1, 2, 3, 4, 5, 6));
}

/// Sound from memory.
class MemoryReader : public AudioReader {
 public:
  MemoryReader(const torch::Tensor& audio, int channels) : audio_(audio) {
    info_.rate = feature_rate;
    info_.channels = channels;
  }
  const AudioInfo& info() const override { return info_; }
  bool read(AudioBuffer& out, std::size_t max_frames) override {
    const std::int64_t count = std::min(std::int64_t(max_frames), audio_.size(0) - position_);
    out = AudioBuffer(info_.rate, std::size_t(info_.channels), std::size_t(std::max<std::int64_t>(count, 0)));
    for (std::vector<float>& channel : out.channels) std::copy_n(audio_.data_ptr<float>() + position_, channel.size(), channel.begin());
    position_ += count;
    return count > 0;
  }

 private:
  torch::Tensor audio_;
  AudioInfo info_;
  std::int64_t position_ = 0;
};

TEST(EstimateF0, WindowsGiveWhatOneWindowWould) {
  const torch::Tensor audio = testing_pitch::tone(21.234, [](double t) { return 220 * std::exp2(std::sin(t) / 2); });
  MemoryReader reader(audio, 2);
  F0Options options;
  options.estimator = "swiftf0";
  options.device = "cpu";
  const F0Track track = estimate_f0(reader, options);
  AnalysisAudio analysis(feature_rate);
  AudioBuffer mono(feature_rate, 0);
  mono.channels.emplace_back(audio.data_ptr<float>(), audio.data_ptr<float>() + audio.size(0));
  std::vector<float> analysed = analysis.push(mono);
  const std::vector<float> rest = analysis.finish();
  analysed.insert(analysed.end(), rest.begin(), rest.end());
  const auto estimator = load_f0_estimator("swiftf0", {options.min_hz, options.max_hz}, torch::kCPU);
  const F0Frames whole = estimator->estimate(torch::tensor(analysed));
  ASSERT_EQ(std::int64_t(track.hz.size()), whole.hz.size(0));
  for (std::size_t t = 0; t < track.hz.size(); ++t) EXPECT_NEAR(track.hz[t], whole.hz[std::int64_t(t)].item<double>(), 0.01) << t;
}

/// The warnings of estimating a sound's pitch up to so many Hz.
std::vector<std::string> warnings_of(const torch::Tensor& audio, const std::string& estimator = "pyin", double max_hz = 2000) {
  std::vector<std::string> warnings;
  set_log_callback([&](LogLevel level, const std::string& text) {
    if (level == LogLevel::warning) warnings.push_back(text);
  });
  MemoryReader reader(audio, 1);
  F0Options options;
  options.estimator = estimator;
  options.max_hz = max_hz;
  options.device = "cpu";
  estimate_f0(reader, options);
  set_log_callback({});
  return warnings;
}

TEST(EstimateF0, SaysWhatHasAPitchBeyondTheRange) {
  torch::manual_seed(2);
  const torch::Tensor time = torch::arange(12 * feature_rate, torch::kDouble) / feature_rate;
  const torch::Tensor sine =
      (0.2 * torch::sin(2 * M_PI * 2637 * time) + 0.002 * torch::randn(time.sizes(), torch::kDouble)).to(torch::kFloat);
  const auto high = warnings_of(sine, "swiftf0");
  ASSERT_EQ(high.size(), 1u);
  EXPECT_NE(high[0].find("11."), std::string::npos) << high[0];
  EXPECT_NE(high[0].find("2637 Hz, that was not found in 50 to 2000 Hz"), std::string::npos) << high[0];
  EXPECT_EQ(warnings_of(sine, "pyin", 4000).size(), 0u);
  // The lowest note of a bass, whose harmonics are 40 Hz apart.
  const auto low = warnings_of(testing_pitch::tone(3, [](double) { return 40.0; }));
  ASSERT_EQ(low.size(), 1u);
  EXPECT_NE(low[0].find("40 to 40 Hz"), std::string::npos) << low[0];
  // What has no pitch, and what has one that is found.
  EXPECT_EQ(warnings_of(0.2 * torch::randn({3 * feature_rate})).size(), 0u);
  EXPECT_EQ(warnings_of(testing_pitch::tone(3, [](double t) { return 220 * std::exp2(std::sin(t)); })).size(), 0u);
}

TEST(EstimateF0, NothingGivesNothing) {
  MemoryReader reader(torch::zeros({0}), 1);
  F0Options options;
  options.estimator = "pyin";
  EXPECT_TRUE(estimate_f0(reader, options).hz.empty());
}

}  // namespace
}  // namespace voxconv
