#include "service.h"

namespace webwrap::testing {
namespace {

class Pages : public ::testing::Test {
 protected:
  Pages() { add_page_routes(service.router, *service.context); }
  Service service;
  Browser browser{service};

  static std::string header(const http::Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
};

TEST_F(Pages, AreTheAppForEveryAddressOfIt) {
  for (const char* path : {"/", "/app", "/app/new", "/app/songs/abc", "/app/a/b/c"}) {
    const http::Response page = browser.send(Method::get, path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.type, "text/html; charset=utf-8");
    EXPECT_NE(page.body.find("/assets/js/main.js"), std::string::npos);
  }
  EXPECT_EQ(browser.send(Method::get, "/apple").status, 404);
}

/// The app tells people that there is nothing; programs get JSON.
TEST_F(Pages, ArePagesAlsoWhereThereIsNothing) {
  const http::Response page = browser.send(Method::get, "/nope", nullptr, {{"accept", "text/html"}, {"if-none-match", "*"}});
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("/assets/js/main.js"), std::string::npos);
  EXPECT_EQ(browser.send(Method::get, "/nope", nullptr, {{"accept", "application/json"}}).type, "application/problem+json");
}

TEST_F(Pages, GiveFilesTheirTypes) {
  const std::map<std::string, std::string> expected = {{"css/app.css", "text/css; charset=utf-8"},
                                                       {"js/main.js", "text/javascript; charset=utf-8"},
                                                       {"js/views/studio.js", "text/javascript; charset=utf-8"},
                                                       {"favicon.svg", "image/svg+xml"},
                                                       {"og.png", "image/png"},
                                                       {"sample/song.mp3", "audio/mpeg"},
                                                       {"sample/cover.mp3", "audio/mpeg"},
                                                       {"sample/LICENSE.txt", "text/plain; charset=utf-8"},
                                                       {"vendor/bricolage-grotesque-latin.woff2", "font/woff2"}};
  for (const auto& [name, type] : expected) {
    const http::Response file = browser.send(Method::get, "/assets/" + name);
    EXPECT_EQ(file.status, 200) << name;
    EXPECT_EQ(file.type, type) << name;
    EXPECT_FALSE(file.body.empty()) << name;
  }
}

TEST_F(Pages, AnswerUnchangedFilesWithoutABody) {
  const std::string etag = header(browser.send(Method::get, "/assets/css/app.css"), "ETag");
  ASSERT_FALSE(etag.empty());
  const http::Response again = browser.send(Method::get, "/assets/css/app.css", nullptr, {{"if-none-match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(browser.send(Method::get, "/assets/css/app.css", nullptr, {{"if-none-match", "\"other\""}}).status, 200);
}

TEST_F(Pages, RefusePathTraversal) {
  for (const char* path : {"/assets/../api/pages.cc", "/assets/js/../../api/pages.cc", "/assets//etc/passwd", "/assets/%2e%2e/api/pages.cc",
                           "/assets/js", "/assets/", "/assets/vendor/README.md", "/assets/css/app.css/"})
    EXPECT_EQ(browser.send(Method::get, path).status, 404) << path;
}

// The content security policy forbids inline code and styles: a file that has them would not work.
TEST_F(Pages, HoldNothingInline) {
  const std::string page = browser.send(Method::get, "/").body;
  for (const char* forbidden : {"<style", " style=", "<script>", " onclick=", "javascript:"})
    EXPECT_EQ(page.find(forbidden), std::string::npos) << forbidden;
}

/// What a phone loads of the app's own scripts and styles, compressed as they are sent.
TEST_F(Pages, StaySmall) {
  std::size_t bytes = 0;
  const std::filesystem::path dir = std::string(WEBWRAP_SOURCE_DIR) + "/ui";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    const std::string extension = entry.path().extension().string(), path = entry.path().lexically_relative(dir).generic_string();
    if (path.starts_with("vendor/") || (extension != ".js" && extension != ".css")) continue;
    const http::Response response = browser.send(Method::get, "/assets/" + path, nullptr, {{"accept-encoding", "gzip"}});
    EXPECT_EQ(response.status, 200) << path;
    bytes += response.body.size();
  }
  EXPECT_GT(bytes, 10'000u);
  EXPECT_LE(bytes, 120'000u);
}

}  // namespace
}  // namespace webwrap::testing
