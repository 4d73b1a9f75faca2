#include "core/download.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/atomic_file.h"
#include "core/file_lock.h"
#include "core/model_install.h"
#include "core/part_file.h"
#include "core/sha256.h"
#include "scripted_server.h"
#include "voxconv/error.h"

namespace voxconv {
namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr const char* content = "0123456789";

/// A 200, or with `from` >= 0 a 206, with the content from there on and these further headers.
std::string answer(const std::string& headers, int from = -1, const std::string& body = content) {
  const std::string range = from < 0 ? "" : fmt::format("Content-Range: bytes {}-{}/{}\r\n", from, body.size() - 1, body.size());
  const std::string sent = body.substr(static_cast<std::size_t>(std::max(from, 0)));
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n{}\r\n{}", from < 0 ? "200 OK" : "206 Partial Content", range, sent.size(),
                     headers, sent);
}

/// The same, cut off so that `missing` bytes of it never come.
std::string cut(std::string whole, std::size_t missing) { return whole.substr(0, whole.size() - missing); }

class Downloads : public ::testing::Test {
 protected:
  Downloads() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    request_.target = (folder_ / "file.pt").string();
    request_.stall_s = 5;
  }
  ~Downloads() override { fs::remove_all(folder_); }

  Download fetch(std::vector<std::string> urls) {
    request_.urls = std::move(urls);
    return download(
        request_, [this](std::int64_t done, std::int64_t total) { progress_.emplace_back(done, total); }, CancelToken());
  }

  /// The code and sentence of the error that fetching raises.
  std::pair<ErrorCode, std::string> failure(std::vector<std::string> urls) {
    try {
      fetch(std::move(urls));
    } catch (const Error& e) {
      return {e.code(), e.what()};
    }
    return {ErrorCode::internal, "no error"};
  }

  std::string sha256_of(const std::string& text) {
    Sha256 hash;
    hash.update(text);
    return hash.hex();
  }

  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_ = fs::path(::testing::TempDir()) / ("voxconv_download_" + std::to_string(::getpid()));
  DownloadRequest request_;
  std::vector<std::pair<std::int64_t, std::int64_t>> progress_;
};

TEST_F(Downloads, BringAWholeFile) {
  ScriptedServer server({answer("")});
  const Download result = fetch({server.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);
  EXPECT_EQ(result.sha256, sha256_of(content));
  EXPECT_EQ(result.bytes, 10);
  EXPECT_EQ(files(), std::vector<std::string>{"file.pt"});
  EXPECT_EQ(progress_.back(), (std::pair<std::int64_t, std::int64_t>(10, 10)));
  EXPECT_THAT(server.requests().at(0), Not(HasSubstr("Range")));
}

TEST_F(Downloads, GoOnWithTheSameFileOnly) {
  ScriptedServer server({cut(answer("ETag: \"a\"\r\n"), 4), answer("ETag: \"a\"\r\n", 6)});
  fetch({server.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);
  EXPECT_THAT(server.requests().at(1), HasSubstr("Range: bytes=6-\r\nIf-Range: \"a\"\r\n"));

  ScriptedServer changed({cut(answer("ETag: \"a\"\r\n"), 4), answer("ETag: \"b\"\r\n", -1, "abcdefgh")});
  fetch({changed.url("/a")});
  EXPECT_EQ(read_file(request_.target), "abcdefgh");
}

TEST_F(Downloads, UseADateWhereTheTagIsWeak) {
  ScriptedServer server({cut(answer("ETag: W/\"a\"\r\nLast-Modified: Tue, 15 Nov 1994 12:45:26 GMT\r\n"), 4), answer("", 6)});
  fetch({server.url("/a")});
  EXPECT_THAT(server.requests().at(1), HasSubstr("If-Range: Tue, 15 Nov 1994 12:45:26 GMT\r\n"));
}

TEST_F(Downloads, BeginAnewWhereNothingTellsVersionsApart) {
  ScriptedServer server({cut(answer(""), 4), answer("")});
  fetch({server.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);
  EXPECT_THAT(server.requests().at(1), Not(HasSubstr("Range")));
}

TEST_F(Downloads, GoOnElsewhereIfTheChecksumIsKnown) {
  request_.sha256 = sha256_of(content);
  ScriptedServer dying({cut(answer("ETag: \"a\"\r\n"), 4), "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"});
  ScriptedServer mirror({answer("ETag: \"m\"\r\n", 6)});
  const Download result = fetch({dying.url("/a"), mirror.url("/b")});
  EXPECT_EQ(result.url, mirror.url("/b"));
  EXPECT_THAT(mirror.requests().at(0), HasSubstr("Range: bytes=6-\r\n"));
  EXPECT_THAT(mirror.requests().at(0), Not(HasSubstr("If-Range")));
}

TEST_F(Downloads, KeepAPartUntilAnotherServerHasTheFile) {
  const std::string busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
  ScriptedServer dying({cut(answer("ETag: \"a\"\r\n"), 4), busy, cut(answer("ETag: \"a\"\r\n", 6), 2), busy});
  ScriptedServer none({"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_THAT(failure({dying.url("/a"), "http://127.0.0.1:1/b", none.url("/c")}).second, HasSubstr(" 6 bytes of it are kept."));
  EXPECT_THAT(none.requests().at(0), Not(HasSubstr("Range")));
  failure({dying.url("/a")});
  EXPECT_THAT(dying.requests().at(2), HasSubstr("Range: bytes=6-\r\nIf-Range: \"a\"\r\n"));
  EXPECT_EQ(read_file(request_.target + ".part"), "01234567");

  ScriptedServer other({answer("", -1, "abcdefghij")});
  fetch({other.url("/a")});
  EXPECT_EQ(read_file(request_.target), "abcdefghij");
}

TEST_F(Downloads, ForgetADamagedPart) {
  request_.sha256 = sha256_of(content);
  request_.bytes = 10;
  write_file(request_.target + ".part", "01x");
  ScriptedServer server({answer("", 3), answer("")});
  fetch({server.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);

  write_file(request_.target + ".part", "too long by far");
  ScriptedServer again({answer("")});
  fetch({again.url("/a")});
  EXPECT_THAT(again.requests().at(0), Not(HasSubstr("Range")));
}

TEST_F(Downloads, NeedNoServerForAPartThatIsWhole) {
  request_.sha256 = sha256_of(content);
  request_.bytes = 10;
  write_file(request_.target + ".part", content);
  fetch({"http://127.0.0.1:1/a"});
  EXPECT_EQ(read_file(request_.target), content);
}

TEST_F(Downloads, BeginAnewAfter416) {
  request_.sha256 = sha256_of(content);
  write_file(request_.target + ".part", "0123456789 and more");
  ScriptedServer server({"HTTP/1.1 416 No\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n", answer("")});
  fetch({server.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);
}

TEST_F(Downloads, RefuseWhatIsNotTheFile) {
  request_.bytes = 10;
  request_.sha256 = sha256_of("something else");
  ScriptedServer other({answer("")});
  auto [code, text] = failure({other.url("/a")});
  EXPECT_EQ(code, ErrorCode::bad_model);
  EXPECT_THAT(text, HasSubstr("sha256 " + sha256_of(content) + " where " + request_.sha256 + " is expected"));
  EXPECT_TRUE(files().empty());

  request_.sha256.clear();
  ScriptedServer longer({answer("", -1, "0123456789+")});
  std::tie(code, text) = failure({longer.url("/a")});
  EXPECT_EQ(code, ErrorCode::bad_model);
  EXPECT_THAT(text, HasSubstr("has 11 bytes where 10 are expected"));

  ScriptedServer unending({"HTTP/1.0 200 OK\r\n\r\n" + std::string(100000, 'x')});
  std::tie(code, text) = failure({unending.url("/a")});
  EXPECT_EQ(code, ErrorCode::bad_model);
  EXPECT_THAT(text, HasSubstr("sends more than the 10 bytes"));
  EXPECT_TRUE(files().empty());

  request_.check = [](const std::string&) { throw Error(ErrorCode::bad_model, "It is a page."); };
  ScriptedServer page({answer("")});
  EXPECT_EQ(failure({page.url("/a")}).second, "It is a page.");
  EXPECT_TRUE(files().empty());
}

TEST_F(Downloads, NeverAppendWhatBelongsElsewhere) {
  request_.sha256 = sha256_of(content);
  write_file(request_.target + ".part", "012");
  ScriptedServer server({answer("", 5)});
  const auto [code, text] = failure({server.url("/a")});
  EXPECT_EQ(code, ErrorCode::bad_model);
  EXPECT_THAT(text, HasSubstr("sends the bytes from 5 when asked for those from 3"));

  request_.sha256.clear();  // then nothing but the whole file will do
  write_file(request_.target + ".part", "012");
  ScriptedServer eager({answer("", 3)});
  EXPECT_THAT(failure({eager.url("/a")}).second, HasSubstr("sends the bytes from 3 when asked for those from 0"));
}

TEST_F(Downloads, SayWhatEachServerDid) {
  ScriptedServer none({"HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nsorry"});
  ScriptedServer garbage({"hello\r\n\r\n"});
  ScriptedServer endless_page({"HTTP/1.0 500 No\r\n\r\n" + std::string(3 << 20, 'x')});
  const auto [code, text] =
      failure({none.url("/a"), garbage.url("/b"), endless_page.url("/c"), "http://127.0.0.1:1/d", "http://127.0.0.1:1/e"});
  EXPECT_EQ(code, ErrorCode::network);
  EXPECT_THAT(text, HasSubstr("Cannot download file.pt: " + none.url("/a") + " answered 404; "));
  EXPECT_THAT(text, HasSubstr(garbage.url("/b") + " cannot be reached ("));
  EXPECT_THAT(text, HasSubstr(endless_page.url("/c") + " answered 500"));
  EXPECT_THAT(text, HasSubstr("http://127.0.0.1:1/d cannot be reached ("));
  EXPECT_THAT(text, Not(HasSubstr("127.0.0.1:1/e"))) << "a server that cannot be reached is asked once";
  EXPECT_TRUE(files().empty());
}

TEST_F(Downloads, FollowRedirectsAsFarAsIsSafe) {
  ScriptedServer target({answer("")});
  ScriptedServer first({fmt::format("HTTP/1.1 302 There\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url("/x"))});
  fetch({first.url("/a")});
  EXPECT_EQ(read_file(request_.target), content);
  ScriptedServer away({"HTTP/1.1 302 There\r\nLocation: http://192.0.2.1/x\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_THAT(failure({away.url("/a")}).second, HasSubstr("leads to http://192.0.2.1/x, which is neither https nor on this machine"));
  ScriptedServer file({"HTTP/1.1 302 There\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_THAT(failure({file.url("/a")}).second, HasSubstr("file:///etc/passwd, which is neither"));
}

TEST_F(Downloads, StopAsAsked) {
  ScriptedServer server({cut(answer("ETag: \"a\"\r\n"), 4)});
  request_.urls = {server.url("/a")};
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(download(
                   request_, [](std::int64_t, std::int64_t) {}, cancel),
               Error);
  EXPECT_TRUE(server.requests().empty());
}

TEST(DownloadUrls, AreSafeOrOfThisMachine) {
  for (const char* good : {"https://example.org/a", "http://localhost:8000/a", "http://127.0.0.1/a", "http://[::1]:1/a"})
    EXPECT_TRUE(may_download_from(good)) << good;
  for (const char* bad : {"http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "http://127.0.0.1.example.org/",
                          "http://localhost.example.org/", "http://127.0.0.1@example.org/", "", "nonsense", "/etc/passwd"})
    EXPECT_FALSE(may_download_from(bad)) << bad;
}

TEST_F(Downloads, LayoutsAreToldApart) {
  const auto problem = [&](const std::string& bytes, const std::string& name) {
    const std::string path = (folder_ / "some").string();
    write_file(path, bytes);
    return layout_problem(path, name);
  };
  EXPECT_EQ(problem(std::string("PK\x03\x04....", 8), "a.pt"), "");
  EXPECT_EQ(problem("\x80\x02}q.", "a.bin"), "");
  EXPECT_EQ(problem(std::string("\6\0\0\0\14\0WhisperSpec\0\3\0\0\0", 22), "model.bin"), "");
  EXPECT_EQ(problem("{\"a\": 1}", "config.json"), "");
  EXPECT_EQ(problem(std::string("\x10\0\0\0\0\0\0\0{\"a\":0}", 15), "a.safetensors"), "");
  EXPECT_THAT(problem("", "a.pt"), HasSubstr("is not a torch checkpoint; it is empty."));
  EXPECT_THAT(problem("\n<!DOCTYPE html>", "a.pt"), HasSubstr("it is a page of HTML"));
  EXPECT_THAT(problem("version https://git-lfs.github.com/spec/v1\n", "a.bin"), HasSubstr("it is a Git LFS pointer"));
  EXPECT_THAT(problem("[1]", "config.json"), HasSubstr("is not a JSON object"));
  EXPECT_THAT(problem("PK\x03\x04........", "a.safetensors"), HasSubstr("is not a safetensors file"));
}

TEST_F(Downloads, LocksKeepOthersOut) {
  const std::string path = (folder_ / "lock").string();
  CancelToken stop;
  int waits = 0;
  {
    const FileLock lock(
        path, [] {}, CancelToken());
    EXPECT_THROW(FileLock(
                     path, [&] { ++waits, stop.cancel(); }, stop),
                 Error);
    EXPECT_EQ(waits, 1);
  }
  EXPECT_TRUE(files().empty());
  write_file(path, "");  // as a killed process leaves it
  const FileLock lock(
      path, [&] { ++waits; }, CancelToken());
  EXPECT_EQ(waits, 1);
}

}  // namespace
}  // namespace voxconv
