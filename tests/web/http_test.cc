// The router, and what is read from requests.
#include <gmock/gmock.h>
#include <zlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "domain/error.h"
#include "domain/printable.h"
#include "http/message.h"
#include "http/response.h"
#include "http/router.h"

namespace webwrap::http {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

Response ask(const Router& router, Method method, const std::string& path, const std::string& body = "") {
  Request request;
  request.method = method;
  request.path = path;
  request.body = body;
  return router.handle(request);
}

Handler saying(const std::string& text) {
  return [text](const Request& request) {
    Response response;
    response.body = text;
    for (const auto& [name, value] : request.params) response.body += " " + name + "=" + value;
    return response;
  };
}

std::string unzipped(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  std::string text(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  ::inflateEnd(&stream);
  return text;
}

TEST(Compression, IsForTextThatIsTheSameForEverybody) {
  const std::string text = std::string(3000, 'a') + "end";
  const auto answer = [&](const std::string& accepted, const std::string& type, const std::string& caching, const std::string& body) {
    Request request;
    request.headers["accept-encoding"] = accepted;
    Response response;
    response.type = type;
    response.body = body;
    response.headers = {{"ETag", "\"1\""}, {"Cache-Control", caching}};
    compress(request, response);
    return response;
  };
  const Response small = answer("br, gzip;q=0.8, *;q=0.1", "text/css; charset=utf-8", "no-cache", text);
  EXPECT_LT(small.body.size(), 200u);
  EXPECT_EQ(unzipped(small.body), text);
  EXPECT_EQ(*small.find_header("Content-Encoding"), "gzip");
  EXPECT_EQ(*small.find_header("Vary"), "Accept-Encoding");
  EXPECT_EQ(*small.find_header("ETag"), "W/\"1\"");
  const auto stays = [&](const Response& response) {
    return !response.find_header("Content-Encoding") && *response.find_header("ETag") == "\"1\"";
  };
  EXPECT_TRUE(stays(answer("", "text/css", "no-cache", text)));
  EXPECT_TRUE(stays(answer("gzip;q=0, br", "text/css", "no-cache", text)));
  EXPECT_TRUE(stays(answer("gzip", "audio/mpeg", "no-cache", text)));
  EXPECT_TRUE(stays(answer("gzip", "application/json", "no-store", text))) << "private";
  EXPECT_TRUE(stays(answer("gzip", "text/css", "no-cache", "short")));
}

TEST(Printable, RemovesTerminalEscapes) {
  EXPECT_EQ(printable("F\xc3\xbcr dich \xf0\x9f\x8e\xa4"), "F\xc3\xbcr dich \xf0\x9f\x8e\xa4");
  EXPECT_EQ(printable("a\x1b[2Jb\x07\rc\x7f"), "a?[2Jb??c?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m")
      << "CSI of C1";
  EXPECT_EQ(printable("one\ntwo", "  "), "one\n  two");
  EXPECT_EQ(printable("x\xe2\x80\xaey\xe2\x81\xa6"), "x?y?") << "turns the text";
  EXPECT_EQ(printable("\xff\xc3(\xed\xa0\x80\xc0\x9b\xf0\x9f"), std::string(2, '?') + '(' + std::string(7, '?')) << "no UTF-8";
}

TEST(Router, ShowsAPageToPeopleWhereThereIsNothing) {
  Router router;
  router.add(Method::post, "/form", saying("taken"));
  router.add_missing_page(saying("page"));
  const auto answer = [&](Method method, const std::string& path, const std::string& accepted) {
    Request request;
    request.method = method;
    request.path = path;
    request.headers["accept"] = accepted;
    return router.handle(request);
  };
  const Response page = answer(Method::get, "/nope", "text/html,application/xhtml+xml,*/*;q=0.8");
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(page.body, "page");
  for (const Response& response : {answer(Method::get, "/nope", "*/*"), answer(Method::get, "/nope", "application/json"),
                                   answer(Method::get, "/api/v1/nope", "text/html"), answer(Method::del, "/nope", "text/html")}) {
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.type, "application/problem+json");
  }
  EXPECT_EQ(answer(Method::get, "/form", "text/html").status, 405);
}

TEST(Router, TellsOfAFullDisk) {
  Router router;
  router.add(Method::get, "/make", [](const Request&) -> Response {
    throw std::filesystem::filesystem_error("cannot make", std::make_error_code(std::errc::no_space_on_device));
  });
  router.add(Method::get, "/find", [](const Request&) -> Response {
    throw std::filesystem::filesystem_error("cannot find", std::make_error_code(std::errc::no_such_file_or_directory));
  });
  EXPECT_EQ(ask(router, Method::get, "/make").status, 507);
  EXPECT_EQ(ask(router, Method::get, "/find").status, 500);
}

TEST(Router, PrefersTheMostSpecificPattern) {
  Router router;
  router.add(Method::get, "/{rest*}", saying("rest"));
  router.add(Method::get, "/jobs/{id}", saying("job"));
  router.add(Method::get, "/jobs/current", saying("current"));
  router.add(Method::get, "/jobs/{id}/audio", saying("audio"));
  router.add(Method::get, "/", saying("root"));
  EXPECT_EQ(ask(router, Method::get, "/jobs/7").body, "job id=7");
  EXPECT_EQ(ask(router, Method::get, "/jobs/current").body, "current");
  EXPECT_EQ(ask(router, Method::get, "/jobs/7/audio").body, "audio id=7");
  EXPECT_EQ(ask(router, Method::get, "/jobs/7/else").body, "rest rest=jobs/7/else");
  EXPECT_EQ(ask(router, Method::get, "/jobs/").body, "rest rest=jobs/");
  EXPECT_EQ(ask(router, Method::get, "/").body, "root");
}

TEST(Router, TellsUnknownPathsFromUnknownMethods) {
  Router router;
  router.add(Method::get, "/jobs", saying("list"));
  router.add(Method::post, "/jobs", saying("new"));
  const Response unknown = ask(router, Method::get, "/job");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(json::parse(unknown.body).at("code"), "not_found");
  EXPECT_EQ(unknown.type, "application/problem+json");
  const Response wrong = ask(router, Method::del, "/jobs");
  EXPECT_EQ(wrong.status, 405);
  ASSERT_TRUE(wrong.find_header("allow"));
  EXPECT_EQ(*wrong.find_header("allow"), "GET, HEAD, POST");
}

TEST(Router, AnswersHeadLikeGetWithoutBody) {
  Router router;
  router.add(Method::get, "/a", saying("four"));
  router.add(Method::head, "/b", [](const Request&) {
    Response response;
    response.headers.emplace_back("Upload-Offset", "7");
    return response;
  });
  const Response head = ask(router, Method::head, "/a");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(*head.find_header("Content-Length"), "4");
  EXPECT_EQ(*ask(router, Method::head, "/b").find_header("Upload-Offset"), "7");
}

TEST(Router, LimitsBodiesByRoute) {
  Router router;
  router.add(Method::post, "/small", saying("ok"), 4);
  router.add(Method::post, "/large", saying("ok"), 100);
  EXPECT_EQ(ask(router, Method::post, "/small", "1234").status, 200);
  EXPECT_EQ(ask(router, Method::post, "/small", "12345").status, 413);
  EXPECT_EQ(ask(router, Method::post, "/large", "12345").status, 200);
  EXPECT_EQ(router.max_body(Method::post, "/small"), 4u);
  EXPECT_EQ(router.max_body(Method::get, "/small"), std::nullopt);
}

TEST(Router, TurnsErrorsIntoProblems) {
  Router router;
  router.add(Method::get, "/refused", [](const Request&) -> Response { throw ServiceError(402, "not_enough_credits", "You need 3."); });
  router.add(Method::get, "/broken", [](const Request&) -> Response { throw std::runtime_error("password is hunter2"); });
  const Response refused = ask(router, Method::get, "/refused");
  EXPECT_EQ(json::parse(refused.body),
            json({{"status", 402}, {"code", "not_enough_credits"}, {"title", "Payment Required"}, {"detail", "You need 3."}}));
  const Response broken = ask(router, Method::get, "/broken");
  EXPECT_EQ(broken.status, 500);
  EXPECT_THAT(broken.body, Not(HasSubstr("hunter2")));
}

TEST(Router, TellsItsObserverThePatternNotThePath) {
  Router router;
  router.add(Method::get, "/jobs/{id}", saying("job"));
  std::vector<std::string> seen;
  router.observe([&](Method method, const std::string& pattern, int status, double seconds) {
    EXPECT_GE(seconds, 0);
    seen.push_back(std::string(name_of(method)) + pattern + std::to_string(status));
  });
  ask(router, Method::get, "/jobs/7");
  ask(router, Method::get, "/what/ever");
  EXPECT_THAT(seen, ElementsAre("GET/jobs/{id}200", "GET404"));
}

TEST(Router, AddsSecurityHeadersThatHandlersMayReplace) {
  Router router;
  router.add(Method::get, "/api/v1/a", saying("a"));
  router.add(Method::get, "/api/v1/text", [](const Request&) {
    Response response;
    response.type = "text/plain";
    response.body = "t";
    return response;
  });
  router.add(Method::get, "/api/v1/export", [](const Request&) {
    Response response;
    response.body = "{}";
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"export.json\"");
    return response;
  });
  router.add(Method::get, "/embed", [](const Request&) {
    Response response;
    response.headers.emplace_back("Content-Security-Policy", content_security_policy("*"));
    return response;
  });
  const Response answer = ask(router, Method::get, "/api/v1/a");
  EXPECT_THAT(*answer.find_header("Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
  EXPECT_EQ(*answer.find_header("Cache-Control"), "no-store");
  EXPECT_EQ(*answer.find_header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(*answer.find_header("Content-Disposition"), "attachment; filename=\"api.json\"");
  EXPECT_EQ(*ask(router, Method::get, "/api/v1/none").find_header("Content-Disposition"), "attachment; filename=\"api.json\"");
  EXPECT_FALSE(ask(router, Method::get, "/api/v1/text").find_header("Content-Disposition"));
  EXPECT_EQ(*ask(router, Method::get, "/api/v1/export").find_header("Content-Disposition"), "attachment; filename=\"export.json\"");
  const Response embed = ask(router, Method::get, "/embed");
  EXPECT_THAT(*embed.find_header("Content-Security-Policy"), HasSubstr("frame-ancestors *"));
  EXPECT_FALSE(embed.find_header("Cache-Control"));
  EXPECT_FALSE(embed.find_header("Content-Disposition"));
}

TEST(Decoding, DecodesPercentEncodingOrRefuses) {
  EXPECT_EQ(decode_percent("a%20b+c%C3%A4"), "a b+cä");
  EXPECT_EQ(decode_percent("a+b%2B", true), "a b+");
  for (const char* broken : {"%", "%4", "%4g", "%g4", "a%", "%00", "a%0Ab", "\x01"})
    EXPECT_EQ(decode_percent(broken), std::nullopt) << broken;
  EXPECT_EQ(decode_percent("line%0Aline", true), "line\nline");
}

TEST(Decoding, RefusesDotSegments) {
  EXPECT_EQ(decode_path("/a/b%20c"), "/a/b c");
  EXPECT_EQ(decode_path("/a/..b/.c"), "/a/..b/.c");
  for (const char* bad : {"", "a", "/..", "/a/../b", "/a/%2e%2E/b", "/./a", "/a/.", "/a%2F..%2fb", "/%"})
    EXPECT_EQ(decode_path(bad), std::nullopt) << bad;
}

TEST(Decoding, ReadsQueries) {
  EXPECT_THAT(*parse_query("a=1&b=&c&a=2&=x&e=f%3Dg+h&&"),
              ElementsAre(Pair("", "x"), Pair("a", "1"), Pair("b", ""), Pair("c", ""), Pair("e", "f=g h")));
  EXPECT_TRUE(parse_query("")->empty());
  EXPECT_EQ(parse_query("a=1&d=%zz"), std::nullopt);
  EXPECT_EQ(parse_query("a=%1f"), std::nullopt) << "a control character";
}

TEST(Decoding, ReadsCookies) {
  EXPECT_THAT(parse_cookies("sid=a=b; __Host-sid=\"q\" ;; x ; =y;z="),
              ElementsAre(Pair("__Host-sid", "q"), Pair("sid", "a=b"), Pair("z", "")));
  EXPECT_THAT(parse_cookies("sid=first; sid=second"), ElementsAre(Pair("sid", "first")));
}

TEST(Decoding, EncodesPathsSoThatTheyDecode) {
  const std::string odd = "a b/%?#ä\"";
  EXPECT_EQ(encode_path(odd), "a%20b/%25%3F%23%C3%A4%22");
  EXPECT_EQ(decode_percent(encode_path(odd)), odd);
}

Head head_of(const std::string& text) {
  auto parsed = parse_head(text);
  if (const Response* refused = std::get_if<Response>(&parsed)) ADD_FAILURE() << refused->body;
  return std::get<Head>(parsed);
}

int refusal_of(const std::string& text) {
  const auto parsed = parse_head(text);
  const Response* refused = std::get_if<Response>(&parsed);
  return refused ? refused->status : 0;
}

TEST(Head, ReadsWhatClientsSend) {
  const Head head = head_of(
      "PATCH http://host/api/v1/x%20y?q=1 HTTP/1.1\r\nHost: host\r\nX-Two:  a \r\nx-two: b\r\nContent-Length: 12\r\nCookie: a=1\r\nCookie: "
      "b=2\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(head.request.method, Method::patch);
  EXPECT_EQ(head.request.path, "/api/v1/x y");
  EXPECT_EQ(head.request.query.at("q"), "1");
  EXPECT_EQ(head.request.header("x-two"), "a, b");
  EXPECT_THAT(head.request.cookies, ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(head.length, 12u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expects_continue);
}

TEST(Head, KnowsWhenToKeepTheConnection) {
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(head_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(head_of("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").keep_alive);
}

TEST(Head, TakesTheTargetAsItIsWritten) {
  EXPECT_EQ(head_of("GET http://h/a?b=/c HTTP/1.1\r\n\r\n").request.path, "/a");
  EXPECT_EQ(head_of("GET http://h HTTP/1.1\r\n\r\n").request.path, "/");
  EXPECT_EQ(refusal_of("GET http://h?x=/metrics HTTP/1.1\r\n\r\n"), 400) << "the path is no part of the query";
  EXPECT_EQ(refusal_of("GET /a?b=\n HTTP/1.1\r\n\r\n"), 400) << "a line end that another server would see";
  EXPECT_FALSE(head_of("GET / HTTP/1.1\r\nConnection: close, keep-alive\r\n\r\n").keep_alive);
}

TEST(Head, RefusesAmbiguousRequests) {
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n folded: x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), 0);
}

TEST(FileRange, ChoosesTheWholeFileWhereTheRangeIsNone) {
  Request request;
  Response response;
  const FilePart part = choose_part(request, 0, "\"e\"", response);
  EXPECT_EQ(part.length, 0);
  EXPECT_EQ(response.status, 200);
  request.headers["range"] = "bytes=0-";
  Response empty;
  choose_part(request, 0, "\"e\"", empty);
  EXPECT_EQ(empty.status, 416);
}

}  // namespace
}  // namespace webwrap::http
