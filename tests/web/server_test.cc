// The server against real sockets: what Pistache 0.0.5 alone gets wrong must be right here.
#include "http/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include "domain/error.h"
#include "domain/id.h"
#include "tcp_client.h"

namespace webwrap::http {
namespace {

using std::chrono::milliseconds;
using testing::body_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TcpClient;

class ServerTest : public ::testing::Test {
 protected:
  ServerTest()
      : dir_(std::filesystem::temp_directory_path() / ("webwrap-server-" + new_id())), blobs_(open_local_blob_store(dir_ / "blobs")) {
    options_.port = 0;
    options_.io_threads = 2;
    options_.handler_threads = 4;
    options_.connections_per_address = 1000;
    options_.spool_dir = dir_ / "spool";
    router_.add(Method::get, "/hello", [](const Request& request) {
      Response response;
      response.type = "text/plain";
      const auto name = request.query.find("name");
      response.body = "hello " + (name == request.query.end() ? "you" : name->second);
      return response;
    });
    router_.add(
        Method::post, "/size",
        [](const Request& request) {
          Response response;
          const std::size_t size = request.body_file.empty() ? request.body.size() : std::filesystem::file_size(request.body_file);
          response.body = std::to_string(size) + (request.body_file.empty() ? " in memory" : " in a file");
          return response;
        },
        8 << 20);
    router_.add(Method::get, "/cookie", [](const Request& request) {
      Response response;
      const auto sid = request.cookies.find("sid");
      response.body = sid == request.cookies.end() ? "none" : sid->second;
      response.headers.emplace_back("Set-Cookie", "sid=1; Path=/");
      response.headers.emplace_back("X-Injected", "a\r\nX-Evil: 1");
      return response;
    });
    router_.add(Method::get, "/client", [](const Request& request) {
      Response response;
      response.body = request.client;
      return response;
    });
    router_.add(Method::get, "/file/{name}", [](const Request& request) {
      Response response;
      response.type = "audio/mpeg";
      response.file = FileBody{"songs/" + request.params.at("name"), request.query.contains("save") ? "Für \"dich\".mp3" : ""};
      return response;
    });
    router_.add(Method::get, "/wait", [this](const Request&) {
      ++waiting_;
      gate_.get_future().wait();
      Response response;
      response.body = "done waiting";
      return response;
    });
    router_.add(Method::get, "/broken", [](const Request&) -> Response { throw std::runtime_error("the secret reason"); });
  }
  ~ServerTest() override {
    server_.reset();
    std::filesystem::remove_all(dir_);
  }

  int start() {
    server_ = std::make_unique<Server>(router_, *blobs_, options_);
    server_->start();
    return server_->port();
  }

  std::filesystem::path dir_;
  std::unique_ptr<BlobStore> blobs_;
  Router router_;
  ServerOptions options_;
  std::promise<void> gate_;
  std::atomic<int> waiting_ = 0;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersWithSecurityHeadersAndKeepsTheConnection) {
  TcpClient client(start());
  for (int i = 0; i < 3; ++i) {
    const std::string answer = client.ask("GET /hello?name=J%C3%BCrgen+K HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(body_of(answer), "hello Jürgen K");
    EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'self'"));
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  }
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAndWithoutTheBody) {
  TcpClient client(start());
  EXPECT_THAT(client.ask("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", true), HasSubstr("Content-Length: 9\r\n"));
  EXPECT_EQ(body_of(client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "hello you");  // nothing of a body came before
}

TEST_F(ServerTest, AnswersHeadWithoutABodyWhateverGoesWrong) {
  TcpClient client(start());
  for (const auto& [status, request] :
       {std::pair("403", "/hello HTTP/1.1\r\nX-Upload-File: /etc/passwd\r\n\r\n"), std::pair("404", "/file/none HTTP/1.1\r\n\r\n"),
        std::pair("500", "/file/.hidden HTTP/1.1\r\n\r\n")}) {  // no key of a blob
    const std::string answer = client.ask(std::string("HEAD ") + request, true);
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status));
    EXPECT_THAT(answer, HasSubstr("Content-Length: "));
    EXPECT_THAT(client.ask("GET /hello HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200")) << "a body came with the answer " << status;
  }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  TcpClient client(start());
  std::string all;
  for (int i = 0; i < 20; ++i) all += fmt::format("GET /hello?name={} HTTP/1.1\r\nHost: x\r\n\r\n", i);
  client.send(all);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(client.answer()), fmt::format("hello {}", i));
}

TEST_F(ServerTest, ReadsRequestsThatComeByteByByte) {
  TcpClient client(start());
  for (const char c : std::string_view("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde")) client.send({&c, 1});
  EXPECT_EQ(body_of(client.answer()), "5 in memory");
}

TEST_F(ServerTest, AcceptsUnusualCookiesDatesAndHeaders) {
  TcpClient client(start());
  for (const std::string cookie : {"", ";;;", "=", "a", "sid", "a=b=c; ;x", "\"", "sid=\"q", "a b c;==;"}) {
    const std::string answer = client.ask(
        "GET /cookie HTTP/1.1\r\nHost: x\r\nDate: yesterday\r\nAccept: ???\r\nContent-Type: /\r\nCookie: " + cookie + "\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << cookie;
  }
  EXPECT_EQ(body_of(client.ask("GET /cookie HTTP/1.1\r\nHost: x\r\nCookie: x; ; sid=abc=; y=1\r\n\r\n")), "abc=");
}

TEST_F(ServerTest, LetsNoHandlerInjectHeaders) {
  TcpClient client(start());
  const std::string answer = client.ask("GET /cookie HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Set-Cookie: sid=1; Path=/\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Injected: aX-Evil: 1\r\n"));
}

TEST_F(ServerTest, RefusesWhatIsNotHttp) {
  const int port = start();
  const auto status_of = [&](const std::string& request) { return TcpClient(port).ask(request).substr(9, 3); };
  EXPECT_EQ(status_of("\x16\x03\x01\x02garbage\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /hello HTTP/3\r\n\r\n"), "505");
  EXPECT_EQ(status_of("BREW /hello HTTP/1.1\r\n\r\n"), "501");
  EXPECT_EQ(status_of("GET /../etc/passwd HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /%2e%2e/x HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /a%00b HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nno colon\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"), "431");
  EXPECT_EQ(status_of("GET /" + std::string(20'000, 'a')), "431");
  EXPECT_EQ(status_of("GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n"), "404");
  EXPECT_EQ(status_of("DELETE /hello HTTP/1.1\r\nConnection: close\r\n\r\n"), "405");
}

TEST_F(ServerTest, ChecksContentLength) {
  const int port = start();
  const auto status_of = [&](const std::string& lines) {
    return TcpClient(port).ask("POST /size HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n").substr(9, 3);
  };
  EXPECT_EQ(status_of("Content-Length: 20000000000\r\n"), "413");
  EXPECT_EQ(status_of("Content-Length: 99999999999999999999999\r\n"), "400");
  EXPECT_EQ(status_of("Content-Length: -1\r\n"), "400");
  EXPECT_EQ(status_of("Content-Length: 5x\r\n"), "400");
  EXPECT_EQ(status_of("Content-Length: 5\r\nContent-Length: 6\r\n"), "400");
  EXPECT_EQ(status_of("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400");
  EXPECT_EQ(status_of("Transfer-Encoding: chunked\r\n"), "411");
}

TEST_F(ServerTest, PutsLargeBodiesIntoAFile) {
  TcpClient client(start());
  const std::string body(3'000'000, 'x');
  EXPECT_THAT(client.ask(fmt::format("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.size())),
              StartsWith("HTTP/1.1 100 Continue"));
  EXPECT_EQ(body_of(client.ask(body)), "3000000 in a file");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "spool"));
  EXPECT_EQ(body_of(client.ask("POST /size HTTP/1.1\r\nContent-Length: 2\r\n\r\nab")), "2 in memory");
}

/// No file of this process may grow beyond `bytes` while in scope: as if the disk were full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*signal_)(int);
};

TEST_F(ServerTest, SaysThatTheDiskIsFull) {
  TcpClient client(start());
  const FileSizeLimit limit(1 << 20);
  const std::string body(3'000'000, 'x');
  const std::string answer = client.ask(fmt::format("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 507 Insufficient Storage\r\n"));
  EXPECT_THAT(answer, HasSubstr("disk_full"));
}

TEST_F(ServerTest, TellsNothingOfItsErrors) {
  TcpClient client(start());
  const std::string answer = client.ask("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(answer, Not(HasSubstr("secret reason")));
  EXPECT_THAT(answer, HasSubstr("application/problem+json"));
}

TEST_F(ServerTest, ServesPartsOfFiles) {
  blobs_->put("songs/a", "0123456789");
  TcpClient client(start());
  const auto ask = [&](const std::string& lines, const std::string& target = "/file/a") {
    return client.ask("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n");
  };
  const std::string whole = ask("");
  EXPECT_THAT(whole, StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(body_of(whole), "0123456789");
  const std::size_t at = whole.find("ETag: ");
  ASSERT_NE(at, whole.npos);
  const std::string etag = whole.substr(at + 6, whole.find("\r\n", at) - at - 6);

  const std::string part = ask("Range: bytes=2-4\r\n");
  EXPECT_THAT(part, StartsWith("HTTP/1.1 206"));
  EXPECT_THAT(part, HasSubstr("Content-Range: bytes 2-4/10\r\n"));
  EXPECT_EQ(body_of(part), "234");
  EXPECT_EQ(body_of(ask("Range: bytes=7-\r\n")), "789");
  EXPECT_EQ(body_of(ask("Range: bytes=-2\r\n")), "89");
  EXPECT_EQ(body_of(ask("Range: bytes=8-100\r\n")), "89");
  EXPECT_EQ(body_of(ask("Range: bytes=-100\r\n")), "0123456789");
  EXPECT_THAT(ask("Range: bytes=10-\r\n"), StartsWith("HTTP/1.1 416"));
  EXPECT_EQ(body_of(ask("Range: bytes=1-2,4-5\r\n")), "0123456789");
  EXPECT_EQ(body_of(ask("Range: bytes=4-2\r\n")), "0123456789");
  EXPECT_EQ(body_of(ask("Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n")), "234");
  EXPECT_EQ(body_of(ask("Range: bytes=2-4\r\nIf-Range: \"other\"\r\n")), "0123456789");
  EXPECT_THAT(ask("If-None-Match: " + etag + "\r\n"), StartsWith("HTTP/1.1 304"));
  EXPECT_THAT(ask("", "/file/a?save=1"),
              HasSubstr("Content-Disposition: attachment; filename=\"F__r _dich_.mp3\"; filename*=UTF-8''F%C3%BCr%20%22dich%22.mp3"));
  EXPECT_THAT(ask("", "/file/none"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(client.ask("HEAD /file/a HTTP/1.1\r\nHost: x\r\n\r\n", true), HasSubstr("Content-Length: 10\r\n"));
  EXPECT_EQ(body_of(ask("")), "0123456789");
}

TEST_F(ServerTest, LeavesFilesToTheProxyWhereThereIsOne) {
  blobs_->put("songs/a", "0123456789");
  options_.accel_prefix = "/_files/";
  TcpClient client(start());
  const std::string answer = client.ask("GET /file/a HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("X-Accel-Redirect: /_files/songs/a\r\n"));
  EXPECT_EQ(body_of(answer), "");
}

TEST_F(ServerTest, TakesUploadFilesFromTheProxyOnly) {
  std::ofstream(dir_ / "upload") << "offloaded";
  options_.proxy_secret = "between us";
  TcpClient client(start());
  const auto ask = [&](const std::string& lines) {
    return client.ask(
        fmt::format("POST /size HTTP/1.1\r\nContent-Length: 0\r\nX-Upload-File: {}\r\n{}\r\n", (dir_ / "upload").string(), lines));
  };
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(ask("X-Proxy-Secret: wrong\r\n"), StartsWith("HTTP/1.1 403"));
  EXPECT_EQ(body_of(ask("X-Proxy-Secret: between us\r\n")), "9 in a file");
}

TEST_F(ServerTest, UsesForwardedAddressesOfATrustedProxyOnly) {
  const std::string request = "GET /client HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n\r\n";
  EXPECT_EQ(body_of(TcpClient(start()).ask(request)), "127.0.0.1");
  options_.trust_proxy = true;
  EXPECT_EQ(body_of(TcpClient(start()).ask(request)), "198.51.100.7");
}

TEST_F(ServerTest, SlowReadersDoNotBlockOthers) {
  options_.io_threads = 1;
  options_.handler_threads = 1;
  blobs_->put("songs/large", std::string(30 << 20, 'x'));
  const int port = start();
  std::vector<std::unique_ptr<TcpClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<TcpClient>(port, 4096));
    slow.back()->send("GET /file/large HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  TcpClient quick(port);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(body_of(quick.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")), "hello you");
  EXPECT_EQ(body_of(slow[7]->answer()).size(), 30u << 20);  // and gets everything in the end
}

TEST_F(ServerTest, EndsConnectionsThatStall) {
  options_.head_time = options_.idle_time = options_.stall_time = milliseconds(300);
  const int port = start();
  TcpClient silent(port), half_head(port), half_body(port), idle(port);
  half_head.send("GET /hello HTTP/1.1\r\nHost");
  half_body.send("POST /size HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_THAT(half_head.answer(), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(half_body.answer(), StartsWith("HTTP/1.1 408"));
  EXPECT_TRUE(half_head.closed());
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(idle.closed());
}

TEST_F(ServerTest, ServesManyConnectionsAtOnce) {
  const int port = start();
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<TcpClient>(port));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->send(fmt::format("GET /hello?name={} HTTP/1.1\r\nHost: x\r\n\r\n", i));
    for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(body_of(clients[i]->answer()), fmt::format("hello {}", i));
  }
}

TEST_F(ServerTest, RefusesConnectionsPastTheirNumber) {
  options_.max_connections = 5;
  const int port = start();
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<TcpClient>(port));
    EXPECT_EQ(body_of(clients.back()->ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
  }
  EXPECT_TRUE(TcpClient(port).closed());
  EXPECT_EQ(body_of(clients[0]->ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
}

TEST_F(ServerTest, AnswersBusyWhereTheQueueIsFull) {
  options_.handler_threads = 1;
  options_.max_queue = 1;
  const int port = start();
  TcpClient working(port), queued(port), refused(port);
  working.send("GET /wait HTTP/1.1\r\n\r\n");
  while (waiting_ == 0) std::this_thread::sleep_for(milliseconds(1));
  queued.send("GET /hello HTTP/1.1\r\n\r\n");
  std::string answer;
  // Until the queued request has reached the queue, the third may find a place there: then it is answered later.
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    std::this_thread::sleep_for(milliseconds(20));
    answer = refused.ask("GET /hello HTTP/1.1\r\n\r\n");
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: "));
  EXPECT_THAT(refused.ask("HEAD /hello HTTP/1.1\r\n\r\n", true), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused.ask("GET /hello HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 503")) << "a body came with the answer to HEAD";
  gate_.set_value();
  EXPECT_EQ(body_of(working.answer()), "done waiting");
  EXPECT_EQ(body_of(queued.answer()), "hello you");
}

TEST_F(ServerTest, DrainsBeforeItStops) {
  const int port = start();
  TcpClient working(port), late(port);
  EXPECT_EQ(body_of(late.ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
  working.send("GET /wait HTTP/1.1\r\n\r\n");
  while (waiting_ == 0) std::this_thread::sleep_for(milliseconds(1));
  auto stopped = std::async(std::launch::async, [&] { return server_->stop(std::chrono::seconds(10)); });
  std::string answer;
  while ((answer = late.ask("GET /hello HTTP/1.1\r\n\r\n")).starts_with("HTTP/1.1 200")) {
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  gate_.set_value();
  EXPECT_EQ(body_of(working.answer()), "done waiting");
  EXPECT_TRUE(stopped.get());
}

/// A part of an upload that is on its way is not cut off.
TEST_F(ServerTest, TakesBodiesThatAreOnTheirWayWhenItEnds) {
  const int port = start();
  TcpClient uploading(port), leaving(port);
  const std::string half(250'000, 'x');
  uploading.send("POST /size HTTP/1.1\r\nContent-Length: 500000\r\n\r\n" + half);
  leaving.send("POST /size HTTP/1.1\r\nContent-Length: 500000\r\n\r\n" + half);
  TcpClient other(port);
  while (body_of(other.ask("GET /hello HTTP/1.1\r\n\r\n")) != "hello you") continue;  // what was sent before has arrived by now
  std::this_thread::sleep_for(milliseconds(50));
  auto stopped = std::async(std::launch::async, [&] { return server_->stop(std::chrono::seconds(10)); });
  while (other.ask("GET /hello HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200")) continue;
  EXPECT_EQ(stopped.wait_for(milliseconds(50)), std::future_status::timeout) << "it waits for the bodies";
  leaving.end_sending();  // not for those of who has gone
  uploading.send(half);
  EXPECT_EQ(body_of(uploading.answer()), "500000 in a file");
  EXPECT_TRUE(stopped.get());
}

TEST_F(ServerTest, LetsNoAddressTakeAllConnections) {
  options_.connections_per_address = 3;
  options_.max_connections = 100;
  const int port = start();
  std::vector<std::unique_ptr<TcpClient>> silent;
  for (int i = 0; i < 3; ++i) {
    silent.push_back(std::make_unique<TcpClient>(port));
    EXPECT_EQ(body_of(silent.back()->ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
  }
  TcpClient one_more(port);
  one_more.send("GET /hello HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(one_more.closed());
  silent.pop_back();  // its place is free once the server has noticed
  std::string answer;
  for (int i = 0; i < 200 && answer.empty(); ++i) {
    TcpClient again(port);
    answer = again.ask("GET /hello HTTP/1.1\r\n\r\n");
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(body_of(answer), "hello you");
}

TEST_F(ServerTest, CountsNoAddressesBehindAProxy) {
  options_.connections_per_address = 1;
  options_.trust_proxy = true;
  const int port = start();
  TcpClient one(port), two(port);
  EXPECT_EQ(body_of(one.ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
  EXPECT_EQ(body_of(two.ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
}

TEST_F(ServerTest, RefusesBodiesForWhichThereIsNoRoom) {
  options_.has_room = [](std::int64_t bytes) { return bytes < 400'000; };
  TcpClient client(start());
  EXPECT_EQ(body_of(client.ask("POST /size HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'))), "300000 in a file");
  EXPECT_THAT(client.ask("POST /size HTTP/1.1\r\nContent-Length: 500000\r\n\r\n"), StartsWith("HTTP/1.1 507"));
}

TEST_F(ServerTest, CountsWhatIsOnItsWayToTheSpool) {
  options_.has_room = [](std::int64_t bytes) { return bytes < 400'000; };
  const int port = start();
  TcpClient first(port);
  EXPECT_THAT(first.ask("POST /size HTTP/1.1\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  EXPECT_THAT(TcpClient(port).ask("POST /size HTTP/1.1\r\nContent-Length: 300000\r\n\r\n"), StartsWith("HTTP/1.1 507"))
      << "two bodies at once, with room for one";
  EXPECT_EQ(body_of(first.ask(std::string(300'000, 'x'))), "300000 in a file");
  EXPECT_EQ(body_of(TcpClient(port).ask("POST /size HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'))),
            "300000 in a file");
}

TEST_F(ServerTest, AnswersClientsThatHaveEndedSending) {
  TcpClient client(start());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  client.end_sending();
  EXPECT_EQ(body_of(client.answer()), "hello you");
}

TEST_F(ServerTest, SurvivesClientsThatDisconnectAtAnyTime) {
  blobs_->put("songs/large", std::string(4 << 20, 'x'));
  const int port = start();
  for (int i = 0; i < 200; ++i) {
    TcpClient client(port);
    if (i % 4 == 1) client.send("GET /hello HT");
    if (i % 4 == 2) client.send("GET /file/large HTTP/1.1\r\n\r\n");
    if (i % 4 == 3) client.send("POST /size HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nabc");
  }
  EXPECT_EQ(body_of(TcpClient(port).ask("GET /hello HTTP/1.1\r\n\r\n")), "hello you");
}

}  // namespace
}  // namespace webwrap::http
