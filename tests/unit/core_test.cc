#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <new>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

#include "core/atomic_file.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/log.h"
#include "core/random.h"
#include "core/sha256.h"
#include "core/text.h"
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

TEST(AtomicFile, TakesTheLongestName) {
  const fs::path dir = scratch_dir();
  for (const std::string& name : {std::string(251, 'a') + ".wav", std::string(255, 'b'), "x." + std::string(253, 'c')}) {
    write_file((dir / name).string(), "long");
    EXPECT_EQ(read_file((dir / name).string()), "long");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 3);
}

TEST(AtomicFile, ALinkStaysOne) {
  const fs::path dir = scratch_dir();
  write_file((dir / "song.txt").string(), "old");
  fs::create_symlink("song.txt", dir / "link.txt");
  write_file((dir / "link.txt").string(), "new");
  EXPECT_TRUE(fs::is_symlink(dir / "link.txt"));
  EXPECT_EQ(read_file((dir / "song.txt").string()), "new");
}

TEST(AtomicFile, ADeviceIsNotReplaced) {
  const fs::path dir = scratch_dir();
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read_file((dir / "pipe").string()); });
  write_file((dir / "pipe").string(), "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(dir / "pipe"));
}

/// The error that reading a file ends in.
ErrorCode error_of_reading(const std::string& path) {
  try {
    read_file(path);
  } catch (const Error& e) {
    return e.code();
  }
  return ErrorCode::internal;
}

TEST(ReadFile, WhatCannotBeReadIsNotEmpty) {
  EXPECT_EQ(error_of_reading(scratch_dir().string()), ErrorCode::io);
  EXPECT_EQ(error_of_reading("/proc/self/mem"), ErrorCode::io);  // EIO at its beginning
  EXPECT_EQ(error_of_reading((scratch_dir() / "none").string()), ErrorCode::not_found);
}

TEST(Log, ACallbackMayLog) {
  std::vector<std::string> said;
  set_log_callback([&](LogLevel, const std::string& text) {
    said.push_back(text);
    if (text == "one") log_info("two");
    set_log_callback({});
  });
  log_info("one");
  EXPECT_EQ(said, (std::vector<std::string>{"one", "two"}));
}

TEST(Log, ACallbackIsNotReplacedWhileItRuns) {
  std::promise<void> inside, go_on;
  std::atomic<bool> ended = false, replaced = false;
  set_log_callback([&](LogLevel, const std::string&) {
    inside.set_value();
    go_on.get_future().wait();
    ended = true;
  });
  std::thread logging([] { log_info("one"); });
  inside.get_future().wait();
  std::thread replacing([&] {
    set_log_callback({});
    EXPECT_TRUE(ended);
    replaced = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(replaced);
  go_on.set_value();
  logging.join();
  replacing.join();
}

namespace foreign {
struct Stop : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace foreign

template <typename Exception>
std::pair<ErrorCode, std::string> translated(const Exception& exception) {
  try {
    try {
      throw exception;
    } catch (...) {
      throw_as_error();
    }
  } catch (const Error& e) {
    return {e.code(), e.what()};
  }
}

TEST(Boundary, WhatOthersThrowIsAnError) {
  EXPECT_EQ(translated(Error(ErrorCode::usage, "As it is.")), std::pair(ErrorCode::usage, std::string("As it is.")));
  EXPECT_EQ(translated(std::bad_alloc()).first, ErrorCode::device);
  const auto file = fs::filesystem_error("open", "a.txt", std::make_error_code(std::errc::permission_denied));
  EXPECT_EQ(translated(file), std::pair(ErrorCode::io, std::string("Cannot use a.txt: Permission denied.")));
  EXPECT_EQ(translated(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))).first, ErrorCode::device);
  EXPECT_EQ(translated(std::out_of_range("at")), std::pair(ErrorCode::internal, std::string("Internal error: at. Please report it.")));
  EXPECT_EQ(translated(std::runtime_error("[enforce fail at alloc.cpp:1] . cannot allocate memory\nframe #0")).first, ErrorCode::device);
  EXPECT_EQ(translated(std::runtime_error("could not create a primitive")).first, ErrorCode::device);
  EXPECT_EQ(translated(std::runtime_error("could not create a primitive descriptor")).first, ErrorCode::internal);
  EXPECT_EQ(translated(nlohmann::json::other_error::create(1, "odd", static_cast<const nlohmann::json*>(nullptr))).first,
            ErrorCode::bad_model);
}

TEST(Boundary, WhatACallerThrowsPasses) {
  EXPECT_THROW(translated(foreign::Stop("mine")), foreign::Stop);
  // Of the standard library's types, too, from a callback; through several public functions, one of which calls another.
  const auto run = [](const auto& callback) {
    try {
      try {
        call_caller(callback);
      } catch (...) {
        throw_as_error();
      }
    } catch (...) {
      throw_as_error();
    }
  };
  EXPECT_THROW(run([] { throw std::runtime_error("mine"); }), std::runtime_error);
  EXPECT_THROW(run([] { throw std::system_error(std::make_error_code(std::errc::timed_out)); }), std::system_error);
  EXPECT_THROW(run([] { throw 7; }), int);
  EXPECT_THROW(run([] { throw std::bad_alloc(); }), Error) << "memory is everybody's";
  EXPECT_EQ(translated(std::runtime_error("ours")).first, ErrorCode::internal) << "after one of the caller's";
  const std::function<void(int)> none;
  EXPECT_FALSE(of_caller(none));
}

TEST(Text, BytesThatAreNoUtf8AreLatin1) {
  EXPECT_EQ(to_utf8("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(to_utf8("caf\xe9"), "caf\xc3\xa9");
}

TEST(Sha256, OfAbc) {
  const std::string path = (scratch_dir() / "abc").string();
  write_file(path, "abc");
  EXPECT_EQ(sha256_file(path), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, WhatCannotBeReadIsToldByItsReason) {
  const fs::path dir = scratch_dir();
  fs::create_symlink("loop", dir / "loop");
  for (const auto& [name, code, reason] :
       {std::tuple("loop", ErrorCode::io, "symbolic links"), {"none", ErrorCode::not_found, "No such file"}})
    try {
      sha256_file((dir / name).string());
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      EXPECT_NE(std::string(e.what()).find(reason), std::string::npos) << e.what();
    }
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
