#include "api/auth.h"

#include "account_testing.h"
#include "domain/error.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Seconds minute = 60;

struct Auth : MemberTest {
  http::Response rename(std::map<std::string, std::string> headers) {
    return ann.send(Method::patch, "/api/v1/account", {{"name", "Ann"}}, std::move(headers));
  }
};

TEST_F(Auth, SetsAStrictCookie) {
  service.config.public_url = "https://sing.example.org";
  Browser browser(service);
  const http::Response response = browser.send(Method::post, "/api/v1/guests");
  const std::string* cookie = response.find_header("Set-Cookie");
  ASSERT_NE(cookie, nullptr);
  EXPECT_EQ(cookie->find("__Host-sid="), 0u);
  for (const char* part : {"; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Max-Age=2592000"})
    EXPECT_THAT(*cookie, HasSubstr(part));
  EXPECT_THAT(*cookie, Not(HasSubstr("Domain")));
  EXPECT_GE(browser.cookies.at("__Host-sid").size(), 43u);  // 256 bits
}

TEST_F(Auth, LeavesOutSecureWithoutHttps) {
  ASSERT_EQ(ann.cookies.count("sid"), 1u);
  const http::Response response = Browser(service).send(Method::post, "/api/v1/guests");
  EXPECT_THAT(*response.find_header("Set-Cookie"), Not(HasSubstr("Secure")));
}

TEST_F(Auth, StoresOnlyTheHash) {
  const std::vector<Session> sessions = sessions_of(id);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].token_hash, hash_secret(ann.cookies.at("sid")));
}

TEST_F(Auth, RefusesOtherCookies) {
  for (const std::string& value : {std::string(), std::string("x"), hash_secret(ann.cookies.at("sid")), std::string(5000, 'a')}) {
    Browser browser(service);
    browser.cookies["sid"] = value;
    expect_problem(browser.send(Method::get, "/api/v1/account"), 401, "not_signed_in");
  }
}

TEST_F(Auth, TakesChangesFromOurOwnPagesOnly) {
  EXPECT_EQ(rename({{"sec-fetch-site", "same-origin"}}).status, 200);
  EXPECT_EQ(rename({{"sec-fetch-site", "none"}}).status, 200);
  EXPECT_EQ(rename({{"sec-fetch-site", ""}, {"origin", service.config.base_url()}}).status, 200);
  const std::string ours = service.config.base_url();
  for (const std::map<std::string, std::string>& headers :
       std::vector<std::map<std::string, std::string>>{{{"sec-fetch-site", "cross-site"}},
                                                       {{"sec-fetch-site", "same-site"}},
                                                       {{"sec-fetch-site", "cross-site"}, {"origin", ours}},
                                                       {{"sec-fetch-site", ""}},
                                                       {{"sec-fetch-site", ""}, {"origin", "null"}},
                                                       {{"sec-fetch-site", ""}, {"origin", ours + ".evil.example"}},
                                                       {{"sec-fetch-site", ""}, {"origin", "https://evil.example"}, {"referer", ours}}})
    expect_problem(rename(headers), 403, "cross_site");
  // Every way to change something with the cookie.
  for (const auto& [method, path] : std::vector<std::pair<Method, std::string>>{{Method::post, "/guests"},
                                                                                {Method::del, "/account"},
                                                                                {Method::post, "/account/password"},
                                                                                {Method::post, "/account/verification"},
                                                                                {Method::del, "/sessions"},
                                                                                {Method::del, "/sessions/current"},
                                                                                {Method::post, "/tokens"},
                                                                                {Method::del, "/tokens/x"}})
    expect_problem(ann.send(method, "/api/v1" + path, json::object(), {{"sec-fetch-site", "cross-site"}}), 403, "cross_site");
  EXPECT_EQ(account_status(ann), 200);
  EXPECT_EQ(ann.send(Method::get, "/api/v1/account", nullptr, {{"sec-fetch-site", "cross-site"}}).status, 200);
}

/// SameSite withholds the cookie from other sites, so whether there is one must not matter: else they could log visitors in and out.
TEST(AllRoutes, ChangeNothingForOtherSitesWithoutCookiesEither) {
  Service service;
  add_all_routes(service.router, *service.context);
  int tried = 0;
  for (const auto& [method, pattern] : service.router.routes()) {
    const bool safe = method == Method::get || method == Method::head || method == Method::options;
    if (safe || pattern == "/api/v1/stripe/webhook") continue;
    if (pattern.starts_with("/follow/"))
      continue;  // who has the secret in the address was sent it; mail programs end follows so (RFC 8058)
    const bool is_page = !pattern.starts_with("/api/");  // a form without script, whose answer people read
    std::string path = pattern;
    if (const std::size_t id = path.find("{id}"); id != path.npos) path.replace(id, 4, "x");
    for (const std::map<std::string, std::string>& from :
         std::vector<std::map<std::string, std::string>>{{{"sec-fetch-site", "cross-site"}},
                                                         {{"sec-fetch-site", "same-site"}},
                                                         {{"sec-fetch-site", ""}, {"origin", "https://evil.example"}},
                                                         {{"sec-fetch-site", ""}, {"origin", "null"}}}) {
      const http::Response response = Browser(service).send(method, path, json::object(), from);
      EXPECT_EQ(response.status, 403) << path;
      EXPECT_THAT(response.body, HasSubstr(is_page ? "does not come from a page of this service" : "cross_site")) << path;
      EXPECT_EQ(response.find_header("Set-Cookie"), nullptr) << path;
    }
    ++tried;
  }
  EXPECT_GT(tried, 20);
}

TEST_F(Auth, LetsScriptsWithoutACookieInAsBefore) {
  Browser script(service);
  EXPECT_EQ(script.send(Method::post, "/api/v1/guests", nullptr, {{"sec-fetch-site", ""}}).status, 201);
  expect_problem(script.send(Method::post, "/api/v1/guests", nullptr, {{"sec-fetch-site", ""}}), 403, "cross_site");  // by its cookie now
}

/// Without public_url a service at home is reached by its address and by its names, over plain http, where browsers send Origin only.
TEST_F(Auth, TakesChangesByTheNamesOfAHomeNetwork) {
  const auto rename_at = [&](const std::string& origin, const std::string& host) {
    return rename({{"sec-fetch-site", ""}, {"origin", origin}, {"host", host}});
  };
  for (const char* host : {"192.168.1.20:8080", "[fd00::20]:8080", "pi:8080", "PI.local:8080", "pi.home.arpa", "localhost:8080"})
    EXPECT_EQ(rename_at(std::string("http://") + host, host).status, 200) << host;
  expect_problem(rename_at("http://evil.example", "192.168.1.20:8080"), 403, "cross_site");
  expect_problem(rename_at("http://192.168.1.20:9090", "192.168.1.20:8080"), 403, "cross_site");
  // A public name may have been pointed here by anybody.
  expect_problem(rename_at("http://evil.example:8080", "evil.example:8080"), 403, "wrong_address", "public_url");
  service.config.public_url = "http://sing.example.org";
  EXPECT_EQ(rename_at("http://sing.example.org", "sing.example.org").status, 200);
  expect_problem(rename_at("http://192.168.1.20:8080", "192.168.1.20:8080"), 403, "wrong_address", "set up for http://sing.example.org");
}

TEST_F(Auth, TakesApiTokensFromAnywhere) {
  const json token = body_of(ann.send(Method::post, "/api/v1/tokens", {{"name", "script"}}));
  Browser script(service);
  const std::string bearer = token.at("token");
  const auto rename_by = [&](const std::string& authorization) {
    return script.send(Method::patch, "/api/v1/account", {{"name", "S"}}, {{"authorization", authorization}, {"sec-fetch-site", ""}});
  };
  EXPECT_EQ(rename_by("Bearer " + bearer).status, 200);
  EXPECT_EQ(rename_by("bearer " + bearer).status, 200);
  for (const std::string& wrong :
       {"Bearer " + bearer + "x", std::string("Bearer "), "Basic " + bearer, bearer, "Bearer " + hash_secret(bearer)})
    expect_problem(rename_by(wrong), 401, "not_signed_in");
  // A bad token does not fall back to the cookie.
  expect_problem(ann.send(Method::get, "/api/v1/account", nullptr, {{"authorization", "Bearer x"}}), 401, "not_signed_in");
  EXPECT_GT(body_of(ann.send(Method::get, "/api/v1/tokens")).at(0).at("last_used"), 0);
}

TEST_F(Auth, EndsAnIdleSession) {
  service.clock.time += 14 * day - 1;
  EXPECT_EQ(account_status(ann), 200);
  service.clock.time += 14 * day - 1;
  EXPECT_EQ(account_status(ann), 200);
  service.clock.time += 14 * day;
  EXPECT_EQ(account_status(ann), 401);
}

TEST_F(Auth, EndsAnOldSessionHoweverBusy) {
  for (int i = 0; i < 29; ++i) {
    service.clock.time += day;
    ASSERT_EQ(account_status(ann), 200) << "day " << i;
  }
  service.clock.time += day;
  EXPECT_EQ(account_status(ann), 401);
  EXPECT_EQ(log_in(ann, "ann@example.org").status, 201);
  EXPECT_EQ(sessions_of(id).size(), 1u);  // the old one was cleared away
}

TEST_F(Auth, WritesAtMostOnceAMinute) {
  const Seconds start = sessions_of(id)[0].last_seen;
  service.clock.time += minute - 1;
  EXPECT_EQ(account_status(ann), 200);
  EXPECT_EQ(sessions_of(id)[0].last_seen, start);
  service.clock.time += 1;
  EXPECT_EQ(account_status(ann), 200);
  EXPECT_EQ(sessions_of(id)[0].last_seen, start + minute);
}

TEST_F(Auth, LimitsByAddress) {
  const auto address = [](const std::string& client) {
    http::Request request;
    request.client = client;
    return address_of(request);
  };
  EXPECT_EQ(address("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(address("2001:db8:1:2:ffff::"), address("2001:db8:1:2::1"));
  EXPECT_NE(address("2001:db8:1:3::1"), address("2001:db8:1:2::1"));

  for (int i = 0; i < 3; ++i) limit_rate(*service.context, "test", "someone", 3, 60);
  try {
    limit_rate(*service.context, "test", "someone", 3, 60);
    FAIL() << "nothing was thrown";
  } catch (const ServiceError& error) {
    EXPECT_EQ(error.status(), 429);
    EXPECT_EQ(error.code(), "too_many_requests");
  }
  limit_rate(*service.context, "test", "someone else", 3, 60);
  service.clock.time += 60;
  limit_rate(*service.context, "test", "someone", 3, 60);
}

}  // namespace
}  // namespace webwrap::testing
