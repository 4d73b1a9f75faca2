#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

#include "core/atomic_file.h"
#include "core/random.h"
#include "core/sha256.h"
#include "voxconv/error.h"
#include "voxconv/progress.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

fs::path scratch_dir() {
  const fs::path dir = fs::path(testing::TempDir()) / ("voxconv_core_test_" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

TEST(Noise, DependsOnSeedAndPositionOnly) {
  std::vector<float> whole(1000), parts(1000);
  fill_uniform_noise(7, 0, whole);
  fill_uniform_noise(7, 0, std::span(parts).first(333));
  fill_uniform_noise(7, 333, std::span(parts).subspan(333));
  EXPECT_EQ(whole, parts);
  fill_uniform_noise(8, 0, parts);
  EXPECT_NE(whole, parts);
}

TEST(Noise, NormalNoiseDependsOnSeedAndPositionOnly) {
  std::vector<float> whole(1000), parts(1000);
  fill_normal_noise(7, 0, whole);
  fill_normal_noise(7, 0, std::span(parts).first(333));
  fill_normal_noise(7, 333, std::span(parts).subspan(333, 1));
  fill_normal_noise(7, 334, std::span(parts).subspan(334));
  EXPECT_EQ(whole, parts);
  fill_normal_noise(8, 0, parts);
  EXPECT_NE(whole, parts);
}

TEST(Noise, IsNormal) {
  std::vector<float> noise(200000);
  fill_normal_noise(1, 0, noise);
  double mean = 0, square = 0, fourth = 0, neighbours = 0, beyond = 0;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const double x = noise[i];
    mean += x;
    square += x * x;
    fourth += x * x * x * x;
    if (i > 0) neighbours += x * noise[i - 1];
    beyond += std::abs(x) > 1.96;
  }
  const auto n = double(noise.size());
  EXPECT_NEAR(mean / n, 0, 0.01);
  EXPECT_NEAR(square / n, 1, 0.02);
  EXPECT_NEAR(fourth / n, 3, 0.1);
  EXPECT_NEAR(neighbours / n, 0, 0.01);
  EXPECT_NEAR(beyond / n, 0.05, 0.003);
}

TEST(Noise, IsUniform) {
  std::vector<float> noise(100000);
  fill_uniform_noise(1, 0, noise);
  double mean = 0, square = 0;
  for (float x : noise) {
    ASSERT_GE(x, -1);
    ASSERT_LT(x, 1);
    mean += x / 1e5;
    square += double(x) * x / 1e5;
  }
  EXPECT_NEAR(mean, 0, 0.01);
  EXPECT_NEAR(square, 1.0 / 3, 0.01);
}

TEST(AtomicFile, AppearsOnlyOnCommit) {
  const fs::path dir = scratch_dir();
  const std::string target = (dir / "a.txt").string();
  {
    AtomicFile file(target);
    std::ofstream(file.path()) << "half";
  }
  EXPECT_TRUE(fs::is_empty(dir));
  write_file(target, "whole");
  EXPECT_EQ(read_file(target), "whole");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
}

TEST(AtomicFile, NamesTheMissingFolder) {
  try {
    AtomicFile file("/nonexistent/folder/a.txt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(std::string(e.what()).find("/nonexistent/folder"), std::string::npos);
  }
}

TEST(AtomicFile, SaysWhyItsFolderCannotBeUsed) {
  const fs::path dir = scratch_dir();
  fs::create_symlink("loop", dir / "loop");
  try {
    AtomicFile file((dir / "loop/a.txt").string());
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(std::string(e.what()).find("loop/a.txt: Too many levels of symbolic links"), std::string::npos) << e.what();
  }
  EXPECT_THROW(read_file((dir / "loop").string()), Error);
}

TEST(Sha256, OfAbc) {
  const std::string path = (scratch_dir() / "abc").string();
  write_file(path, "abc");
  EXPECT_EQ(sha256_file(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(CancelToken, CopiesShareTheFlag) {
  CancelToken token;
  const CancelToken copy = token;
  EXPECT_NO_THROW(copy.check());
  token.cancel();
  EXPECT_THROW(copy.check(), Error);
}

}  // namespace
}  // namespace voxconv
