// Blobs in a folder, and the settings.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "blob/blob_store.h"
#include "blob/disk.h"
#include "blob/file_descriptor.h"
#include "config/config.h"
#include "domain/error.h"
#include "domain/id.h"

namespace webwrap {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Folder : public ::testing::Test {
 protected:
  Folder() : dir_(fs::temp_directory_path() / ("webwrap-blob-" + new_id())) { fs::create_directories(dir_); }
  ~Folder() override { fs::remove_all(dir_); }
  fs::path dir_;
};

using Blobs = Folder;
using Settings = Folder;

TEST_F(Blobs, KeepWhatIsPut) {
  const auto blobs = open_local_blob_store(dir_ / "blobs");
  EXPECT_EQ(blobs->size("songs/a/x.mp3"), -1);
  blobs->put("songs/a/x.mp3", "0123456789");
  EXPECT_EQ(blobs->size("songs/a/x.mp3"), 10);
  EXPECT_EQ(blobs->read("songs/a/x.mp3", 2, 3), "234");
  EXPECT_EQ(blobs->read("songs/a/x.mp3", 8, 100), "89");
  EXPECT_EQ(blobs->read("songs/a/x.mp3", 20, 1), "");
  std::ofstream(dir_ / "made") << "made elsewhere";
  blobs->put_file("songs/a/y", dir_ / "made");
  EXPECT_FALSE(fs::exists(dir_ / "made"));
  EXPECT_EQ(blobs->read("songs/a/y", 0, 100), "made elsewhere");
  EXPECT_EQ(fs::path(blobs->local_path("songs/a/y")).filename(), "y");
  blobs->remove("songs/a/y");
  blobs->remove("songs/a/y");
  EXPECT_EQ(blobs->size("songs/a/y"), -1);
  blobs->put("songs/ab/z", "another");
  blobs->remove_all("songs/a/");
  EXPECT_EQ(blobs->size("songs/a/x.mp3"), -1);
  EXPECT_EQ(blobs->size("songs/ab/z"), 7);
  EXPECT_TRUE(fs::is_empty(dir_ / "blobs/tmp"));
}

TEST_F(Blobs, RefusePathTraversal) {
  const auto blobs = open_local_blob_store(dir_ / "blobs");
  for (const char* key : {"", "/etc/passwd", "../x", "a/../x", "a/..", "a//b", "a/", ".hidden", "a/.b", "a\\b", "a b", "a%2fb", "ä"}) {
    EXPECT_THROW(blobs->put(key, "x"), std::logic_error) << key;
    EXPECT_THROW(blobs->local_path(key), std::logic_error) << key;
    EXPECT_THROW(blobs->size(key), std::logic_error) << key;
  }
  EXPECT_THROW(blobs->remove_all(""), std::logic_error);
  EXPECT_THROW(blobs->put("a" + std::string("\0b", 2), "x"), std::logic_error);
}

using DiskTest = Folder;

TEST_F(DiskTest, KeepsSomeOfItFree) {
  std::int64_t free = 1000;
  const Disk disk(dir_, 800, [&] { return free; });
  EXPECT_TRUE(disk.has_room(200));
  EXPECT_FALSE(disk.has_room(201));
  EXPECT_NO_THROW(disk.require(200));
  try {
    disk.require(201);
    ADD_FAILURE() << "there is no such room";
  } catch (const ServiceError& error) {
    EXPECT_EQ(error.status(), 507);
  }
  free = 799;
  EXPECT_TRUE(disk.is_full());
  EXPECT_FALSE(disk.is_critical());
  free = 399;
  EXPECT_TRUE(disk.is_critical());
  EXPECT_FALSE(Disk(dir_, 0, [&] { return free; }).is_full()) << "nothing is to be kept";
  EXPECT_GT(Disk(dir_, 1).free(), 0);
}

TEST_F(DiskTest, HasAReserveToGiveAway) {
  std::int64_t free = 800;
  const Disk disk(dir_, 800, [&] { return free; });
  EXPECT_FALSE(disk.ensure_reserve()) << "it would take what must stay free";
  EXPECT_FALSE(disk.release_reserve());
  free = 1000;
  EXPECT_TRUE(disk.ensure_reserve());
  EXPECT_EQ(fs::file_size(dir_ / "reserve"), 100u);
  free = 0;
  EXPECT_TRUE(disk.ensure_reserve()) << "it is there";
  EXPECT_TRUE(disk.release_reserve());
  EXPECT_FALSE(fs::exists(dir_ / "reserve"));
}

TEST_F(Blobs, AppendOnlyAtTheEnd) {
  const auto blobs = open_local_blob_store(dir_ / "blobs");
  EXPECT_EQ(blobs->append("r/1/source", 0, "abc"), 3);
  EXPECT_EQ(blobs->append("r/1/source", 3, "de"), 5);
  for (const std::int64_t wrong : {0, 3, 6}) EXPECT_THROW(blobs->append("r/1/source", wrong, "x"), ServiceError);
  EXPECT_EQ(blobs->read("r/1/source", 0, 10), "abcde");
}

TEST_F(Blobs, LetOneOfManyAppendersWin) {
  std::vector<std::thread> threads;
  std::atomic<int> won = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto blobs = open_local_blob_store(dir_ / "blobs");
      try {
        blobs->append("r/1/source", 0, "abc");
        ++won;
      } catch (const ServiceError& error) {
        EXPECT_EQ(error.status(), 409);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(open_local_blob_store(dir_ / "blobs")->size("r/1/source"), 3);
}

std::string refusal_of(const std::string& path) {
  try {
    load_config(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

/// A variable of the environment for the length of a test.
struct Variable {
  Variable(const char* name_, const char* value) : name(name_) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name); }
  const char* name;
};

std::ptrdiff_t open_files() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

TEST_F(Blobs, LockFilesHaveOneHolder) {
  const std::string path = dir_ / "x.lock";
  const auto before = open_files();
  EXPECT_FALSE(hold_lock_file(path));
  EXPECT_EQ(errno, ENOENT);
  {
    const FileDescriptor held = hold_lock_file(path, O_CREAT);
    EXPECT_TRUE(held);
    EXPECT_FALSE(hold_lock_file(path));
    EXPECT_EQ(errno, EWOULDBLOCK);
    fs::remove(path);
    EXPECT_TRUE(hold_lock_file(path, O_CREAT | O_EXCL)) << "this is another file";
  }
  EXPECT_TRUE(hold_lock_file(path));
  FileDescriptor first = open_file(path, O_RDONLY), second = open_file(path, O_RDONLY);
  EXPECT_NE(::fcntl(first.get(), F_GETFD) & FD_CLOEXEC, 0);
  second = std::move(first);
  first = FileDescriptor();
  second = FileDescriptor();
  EXPECT_EQ(open_files(), before);
}

TEST_F(Settings, ComeFromTheFileThenTheEnvironment) {
  std::ofstream(dir_ / "c.json") << R"({
    // A comment.
    "port": 9000, "public_url": "https://sing.example/", "trust_proxy": true, "preview_s": 12.5, "quota_bytes": 3000000000,
    "packs": [{"id": "one", "title": "1 credit", "credits": 1, "amount": 99}], "stripe_webhook_secrets": ["a"]})";
  const Variable port("WEBWRAP_PORT", "9001"), secrets("WEBWRAP_STRIPE_WEBHOOK_SECRETS", "whsec_new,whsec_old"),
      name("WEBWRAP_CONTACT", "12");
  const Config config = load_config(dir_ / "c.json");
  EXPECT_EQ(config.port, 9001);
  EXPECT_EQ(config.base_url(), "https://sing.example");
  EXPECT_TRUE(config.trust_proxy);
  EXPECT_EQ(config.preview_s, 12.5);
  EXPECT_EQ(config.quota_bytes, 3'000'000'000);
  ASSERT_EQ(config.packs.size(), 1u);
  EXPECT_EQ(config.packs[0].amount, 99);
  EXPECT_THAT(config.stripe_webhook_secrets, ::testing::ElementsAre("whsec_new", "whsec_old"));
  EXPECT_EQ(config.contact, "12");
  EXPECT_EQ(config.max_active_jobs, 3);
}

/// Origins are compared with it, and browsers leave the scheme's own port out of those.
TEST_F(Settings, PublicUrlIsAnOrigin) {
  const auto base_url = [](const std::string& public_url) {
    Config config;
    config.public_url = public_url;
    return config.base_url();
  };
  EXPECT_EQ(base_url("http://sing.lan:80/"), "http://sing.lan");
  EXPECT_EQ(base_url("https://sing.example:443"), "https://sing.example");
  EXPECT_EQ(base_url("http://sing.lan:443"), "http://sing.lan:443");
  EXPECT_EQ(base_url("http://sing.lan:8080"), "http://sing.lan:8080");
}

TEST_F(Settings, AreRefusedByNameWhereTheyAreWrong) {
  const std::string path = dir_ / "c.json";
  const auto refusal = [&](const std::string& text) {
    std::ofstream(path) << text;
    return refusal_of(path);
  };
  EXPECT_THAT(refusal(R"({"prot": 1})"), AllOf(HasSubstr(path), HasSubstr("prot")));
  EXPECT_THAT(refusal(R"({"port": "1"})"), AllOf(HasSubstr("port"), HasSubstr("whole number")));
  EXPECT_THAT(refusal(R"({"port": 1.5})"), HasSubstr("port"));
  EXPECT_THAT(refusal(R"({"port": 70000})"), HasSubstr("port"));
  EXPECT_THAT(refusal(R"({"workers": -1})"), HasSubstr("workers"));
  EXPECT_THAT(refusal(R"({"trust_proxy": 1})"), HasSubstr("trust_proxy"));
  EXPECT_THAT(refusal(R"({"quota_bytes": 99999999999999999999})"), HasSubstr("quota_bytes"));
  EXPECT_THAT(refusal(R"({"packs": [{"id": "a", "title": "b", "credits": 0, "amount": 1}]})"), HasSubstr("packs"));
  EXPECT_THAT(refusal(R"({"packs": [{"price": 1}]})"), HasSubstr("price"));
  EXPECT_THAT(refusal(R"({"accel_prefix": "files"})"), HasSubstr("accel_prefix"));
  EXPECT_THAT(refusal(R"({"public_url": "sing.example"})"), HasSubstr("public_url"));
  EXPECT_THAT(refusal(R"({"public_url": "https://example.org/sing/"})"), HasSubstr("has a path"));
  EXPECT_THAT(refusal(R"({"public_url": "https://"})"), HasSubstr("names no host"));
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(refusal("{"), HasSubstr(path));
  EXPECT_THAT(refusal_of(dir_ / "none.json"), HasSubstr("none.json"));
  const Variable odd("WEBWRAP_PROT", "1");
  EXPECT_THAT(refusal_of(""), HasSubstr("WEBWRAP_PROT"));
}

}  // namespace
}  // namespace webwrap
