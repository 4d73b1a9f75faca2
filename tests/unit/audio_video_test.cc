#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "voxconv/audio_io.h"
#include "voxconv/error.h"
#include "voxconv/video.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;

struct Video : ::testing::Test {
  Video() : folder(fs::temp_directory_path() / ("voxconv-video-" + std::to_string(::getpid()))) { fs::create_directories(folder); }
  ~Video() override { fs::remove_all(folder); }
  void SetUp() override {
    if (video_encoder().empty()) GTEST_SKIP() << "FFmpeg has no H.264 encoder here";
  }

  /// A second of a tone over pictures that change.
  void write(VideoWriter& writer, const VideoOptions& options) const {
    std::vector<std::uint8_t> pixels(std::size_t(options.width) * std::size_t(options.height) * 4);
    for (int i = 0; i < options.frame_rate; ++i) {
      AudioBuffer sound(options.rate, std::size_t(options.channels), std::size_t(options.rate / options.frame_rate));
      for (auto& channel : sound.channels)
        for (std::size_t k = 0; k < channel.size(); ++k) channel[k] = 0.3f * float(std::sin(0.05 * double(k)));
      writer.write_sound(sound);
      for (std::size_t k = 0; k < pixels.size(); ++k) pixels[k] = std::uint8_t(k / 64 + std::size_t(i));
      writer.write_picture(pixels.data(), std::size_t(options.width) * 4);
    }
  }

  const fs::path folder;
};

TEST_F(Video, HoldsSoundPicturesAndTagsWithTheIndexFirst) {
  VideoOptions options;
  options.width = 64;
  options.height = 48;
  options.tags = {{"title", "A \"song\""}, {"voxconv_ai_converted", "true"}};
  const std::string path = (folder / "video.mp4").string();
  const auto writer = open_video_writer(path, options);
  write(*writer, options);
  EXPECT_FALSE(fs::exists(path)) << "only finish() makes it appear";
  writer->finish();
  const auto reader = open_reader(path);
  EXPECT_EQ(reader->info().codec, "aac");
  EXPECT_EQ(reader->info().channels, 2);
  EXPECT_EQ(reader->info().tags.at("title"), "A \"song\"");
  EXPECT_EQ(reader->info().tags.at("voxconv_ai_converted"), "true");
  EXPECT_NEAR(read_all(*reader).seconds(), 1, 0.05);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  EXPECT_NE(bytes.find("avc1"), std::string::npos);
}

TEST_F(Video, LeavesNothingWhereItIsNotFinished) {
  VideoOptions options;
  options.width = options.height = 64;
  {
    const auto writer = open_video_writer((folder / "video.mp4").string(), options);
    write(*writer, options);
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(Video, RefusesWhatCannotBe) {
  const std::string path = (folder / "video.mp4").string();
  const auto refused = [&](auto change) {
    VideoOptions options;
    change(options);
    EXPECT_THROW(open_video_writer(path, options), Error);
  };
  refused([](VideoOptions& o) { o.width = 1081; });
  refused([](VideoOptions& o) { o.height = 0; });
  refused([](VideoOptions& o) { o.frame_rate = 0; });
  refused([](VideoOptions& o) { o.channels = 6; });
  VideoOptions options;
  options.width = options.height = 64;
  const auto writer = open_video_writer(path, options);
  EXPECT_THROW(writer->write_sound(AudioBuffer(48000, 2, 100)), Error);
  EXPECT_TRUE(fs::is_empty(folder) || !fs::exists(path));
}

}  // namespace
}  // namespace voxconv
