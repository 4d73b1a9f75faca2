#include <sodium.h>

#include "account_testing.h"
#include "api/accounts.h"
#include "api/passwords.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Sessions : MemberTest {
  json list(Browser& browser) { return body_of(browser.send(Method::get, "/api/v1/sessions")); }
};

TEST_F(Sessions, LogInAndOut) {
  Browser phone(service);
  const http::Response response = log_in(phone, " ANN@example.org");
  ASSERT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(body_of(response).at("id"), id);
  const std::string cookie = phone.cookies.at("sid");
  EXPECT_EQ(phone.send(Method::del, "/api/v1/sessions/current").status, 204);
  EXPECT_EQ(phone.cookies.at("sid"), "");
  phone.cookies["sid"] = cookie;  // kept by a thief
  EXPECT_EQ(account_status(phone), 401);
  EXPECT_EQ(account_status(ann), 200);
  EXPECT_EQ(Browser(service).send(Method::del, "/api/v1/sessions/current").status, 204);  // nothing to end
}

TEST_F(Sessions, AreNewAtEachLogIn) {
  const std::string old_cookie = ann.cookies.at("sid");
  EXPECT_EQ(log_in(ann, "ann@example.org").status, 201);
  EXPECT_NE(ann.cookies.at("sid"), old_cookie);
  Browser thief(service);
  thief.cookies["sid"] = old_cookie;
  EXPECT_EQ(account_status(thief), 401);
  Browser fixed(service);  // a cookie that somebody else has planted is not taken over
  fixed.cookies["sid"] = "planted";
  EXPECT_EQ(log_in(fixed, "ann@example.org").status, 201);
  EXPECT_NE(fixed.cookies.at("sid"), "planted");
}

TEST_F(Sessions, TellNothingOfWhoHasAnAccount) {
  Browser browser(service);
  const http::Response wrong = log_in(browser, "ann@example.org", "wrong one here"), unknown = log_in(browser, "bob@example.org");
  expect_problem(wrong, 401, "wrong_credentials");
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(wrong.body, unknown.body);
  EXPECT_EQ(wrong.headers, unknown.headers);
  // An unknown address costs a check against a dummy hash, which no password matches.
  EXPECT_FALSE(check_password("", ""));
  EXPECT_FALSE(check_password("", good_password));
}

TEST_F(Sessions, RefuseBadBodies) {
  Browser browser(service);
  const auto post = [&](const json& body) { return browser.send(Method::post, "/api/v1/sessions", body); };
  expect_problem(post({{"password", "x"}}), 422, "invalid", "email");
  expect_problem(post({{"email", "ann"}, {"password", "x"}}), 422, "invalid", "email");
  expect_problem(post({{"email", "ann@example.org"}}), 422, "invalid", "password");
  expect_problem(post({{"email", "ann@example.org"}, {"password", true}}), 422, "invalid", "password");
  expect_problem(post({{"email", "ann@example.org"}, {"password", std::string(129, 'x')}}), 422, "invalid", "password");
  expect_problem(post({{"email", "ann@example.org"}, {"password", good_password}, {"admin", true}}), 422, "invalid", "admin");
  expect_problem(browser.send_raw(Method::post, "/api/v1/sessions", "email=ann", {{"content-type", "application/x-www-form-urlencoded"}}),
                 415, "unsupported_media_type");
  EXPECT_EQ(log_in(browser, "ann@example.org", "").status, 401);
}

TEST_F(Sessions, LimitGuessing) {
  Browser guesser(service);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in(guesser, "ann@example.org", "wrong one here").status, 401);
  expect_problem(log_in(guesser, "ann@example.org"), 429, "too_many_requests");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in(guesser, "nobody@example.org", "wrong one here").status, 401);
  expect_problem(log_in(guesser, "nobody@example.org"), 429, "too_many_requests");  // alike without an account
  Browser owner(service);
  owner.client = "192.0.2.2";  // is not shut out by the guesser
  EXPECT_EQ(log_in(owner, "ann@example.org").status, 201);
  service.clock.time += 15 * 60;
  EXPECT_EQ(log_in(guesser, "ann@example.org").status, 201);
}

TEST_F(Sessions, LimitGuessingByEmailAndByAddress) {
  const auto used_up = [&](const std::string& what, const std::string& who, int limit, Seconds window) {
    service.store->write([&](Transaction& transaction) {
      while (transaction.accounts().within_limit(what, who, limit, window, service.clock.time)) continue;
    });
  };
  Browser browser(service);
  used_up("login_email", hash_secret("ann@example.org"), 50, 3600);  // from many addresses
  expect_problem(log_in(browser, "ann@example.org"), 429, "too_many_requests");
  browser.client = "2001:db8::1";
  used_up("login_address", "2001:db8::/64", 60, 900);
  expect_problem(log_in(browser, "bob@example.org"), 429, "too_many_requests");
}

/// Strangers' guesses lock out strangers only.
TEST_F(Sessions, LetTheOwnerInFromAKnownBrowserOrAfterAReset) {
  const auto new_browser = [&] {
    Browser browser(service);
    browser.client = "203.0.113.7";
    return browser;
  };
  EXPECT_EQ(ann.send(Method::del, "/api/v1/sessions/current").status, 204);
  const auto use_up_limit = [&] {  // by guesses from many addresses
    service.store->write([&](Transaction& transaction) {
      while (transaction.accounts().within_limit("login_email", hash_secret("ann@example.org"), 50, 3600, service.clock.time)) continue;
    });
  };
  use_up_limit();
  Browser elsewhere = new_browser();
  elsewhere.cookies["device"] = "planted";
  expect_problem(log_in(elsewhere, "ann@example.org"), 429, "too_many_requests", "new password");
  EXPECT_EQ(log_in(ann, "ann@example.org").status, 201) << "where the owner signed up";

  elsewhere.send(Method::post, "/api/v1/password-resets", {{"email", "ann@example.org"}});
  const std::string token = link_to("ann@example.org", "/app/reset"), fresh = "eight loud badgers";
  EXPECT_EQ(elsewhere.send(Method::post, "/api/v1/password-resets/confirm", {{"token", token}, {"password", fresh}}).status, 204);
  EXPECT_EQ(log_in(elsewhere, "ann@example.org", fresh).status, 201) << "where the password was chosen";
  Browser third = new_browser();
  EXPECT_EQ(log_in(third, "ann@example.org", fresh).status, 201) << "where the link was not opened";
  use_up_limit();
  expect_problem(log_in(ann, "ann@example.org", fresh), 429, "too_many_requests");  // no longer known since the reset

  // Another member's browser is no way round the limit, and a known one can guess as little as any.
  ApiUser bob(service, ApiUser::Kind::member, "203.0.113.8");
  expect_problem(log_in(bob, "ann@example.org", "wrong one here"), 429, "too_many_requests");
  service.store->write([&](Transaction& transaction) {
    const std::string device = hash_secret(elsewhere.cookies.at("device")) + " " + id;
    int left = 0;
    while (transaction.accounts().within_limit("login_device", device, 10, 15 * 60, service.clock.time)) ++left;
    EXPECT_EQ(left, 9);
  });
  expect_problem(log_in(elsewhere, "ann@example.org", fresh), 429, "too_many_requests");
}

TEST_F(Sessions, KnowTheLastBrowsersOfAnAccountAndSeveralAccountsOfABrowser) {
  Browser shared(service);
  EXPECT_EQ(log_in(shared, "ann@example.org").status, 201);
  const std::string device = shared.cookies.at("device");
  const http::Response again = log_in(shared, "ann@example.org");
  EXPECT_EQ(shared.cookies.at("device"), device);
  shared.send(Method::del, "/api/v1/sessions/current");
  EXPECT_EQ(sign_up(shared, "bob@example.org").status, 201);
  EXPECT_EQ(shared.cookies.at("device"), device);
  service.store->read([&](Transaction& transaction) {
    EXPECT_TRUE(transaction.accounts().has_device(hash_secret(device), id));
    EXPECT_TRUE(transaction.accounts().has_device(hash_secret(device), stored("bob@example.org")->id));
  });
  service.store->write([&](Transaction& transaction) {
    for (int i = 0; i < 25; ++i) transaction.accounts().add_device({fmt::format("{}", i), id, service.clock.time});
    EXPECT_EQ(transaction.accounts().devices(id).size(), 20u);
    EXPECT_FALSE(transaction.accounts().has_device(hash_secret(device), id));
    EXPECT_TRUE(transaction.accounts().has_device("24", id));
  });
}

TEST_F(Sessions, AreListedAndEndedEverywhere) {
  Browser phone(service);
  service.clock.time += 100;
  phone.send(Method::post, "/api/v1/sessions", {{"email", "ann@example.org"}, {"password", good_password}},
             {{"user-agent", std::string(1000, 'x') + "\xff"}});
  const json sessions = list(phone);
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].at("current"), true);
  EXPECT_EQ(sessions[0].at("user_agent").get<std::string>().size(), 300u);
  EXPECT_EQ(sessions[0].at("created"), service.clock.time);
  EXPECT_EQ(sessions[1].at("current"), false);
  EXPECT_THAT(sessions.dump(), Not(HasSubstr("hash")));

  ApiUser other(service, ApiUser::Kind::member);
  EXPECT_EQ(ann.send(Method::del, "/api/v1/sessions").status, 204);
  EXPECT_EQ(account_status(ann), 401);
  EXPECT_EQ(account_status(phone), 401);
  EXPECT_EQ(account_status(other), 200);
  expect_problem(phone.send(Method::get, "/api/v1/sessions"), 401, "not_signed_in");
}

TEST_F(Sessions, HashesOfOlderLimitsAreMadeAnew) {
  Account account = *stored("ann@example.org");
  char weak[crypto_pwhash_STRBYTES];
  ASSERT_EQ(
      crypto_pwhash_str(weak, good_password, std::string(good_password).size(), crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN), 0);
  account.password_hash = weak;
  service.store->write([&](Transaction& transaction) { transaction.accounts().update(account); });
  Browser phone(service);
  EXPECT_EQ(log_in(phone, "ann@example.org", "wrong one here").status, 401);
  EXPECT_EQ(stored("ann@example.org")->password_hash, weak);
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 201);
  EXPECT_FALSE(is_outdated(stored("ann@example.org")->password_hash));
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 201);
}

TEST_F(Sessions, MergeTheGuestIntoTheMember) {
  ApiUser guest(service, ApiUser::Kind::guest);
  const Id recording = guest.recording(), song = guest.song();
  EXPECT_EQ(log_in(guest, "ann@example.org").status, 201);
  EXPECT_EQ(guest.get("/account").at("id"), id);
  guest.get("/recordings/" + recording);
  guest.get("/songs/" + song);
  service.store->read([&](Transaction& transaction) { EXPECT_FALSE(transaction.accounts().find(guest.id)); });
}

TEST_F(Sessions, MergeTheGuestsRunningJobs) {
  ApiUser guest(service, ApiUser::Kind::guest);
  const json job_request = {{"recording", guest.recording()}, {"voice", "kathleen"}, {"preview", true}};
  const std::string running = guest.post("/jobs", job_request).at("id"), queued = guest.post("/jobs", job_request).at("id");
  service.store->write([&](Transaction& transaction) { transaction.jobs().claim("w", service.clock.up(), 60, 3, service.clock.now()); });
  EXPECT_EQ(log_in(guest, "ann@example.org").status, 201);
  EXPECT_EQ(guest.get("/account").at("id"), id);
  EXPECT_EQ(guest.get("/jobs/" + running).at("state"), "running");
  EXPECT_EQ(guest.get("/jobs/" + queued).at("state"), "queued");
  guest.get("/recordings/" + job_request.at("recording").get<std::string>());
}

/// Between who asked to log in and the check of the password, which takes its time.
TEST_F(Sessions, LeaveWhatHasBecomeAnAccountMeanwhile) {
  ApiUser guest(service, ApiUser::Kind::guest);
  const Id recording = guest.recording();
  Account before, member = *stored("ann@example.org");
  service.store->read([&](Transaction& transaction) { before = *transaction.accounts().find(guest.id); });
  ASSERT_EQ(sign_up(guest, "bob@example.org").status, 201);
  service.store->write([&](Transaction& transaction) { merge_guest(transaction, before, member, service.clock.now()); });
  EXPECT_EQ(guest.get("/account").at("email"), "bob@example.org");
  guest.get("/recordings/" + recording);
}

TEST_F(Sessions, ApiTokensAreMadeShownOnceAndDeleted) {
  const http::Response made = ann.send(Method::post, "/api/v1/tokens", {{"name", " my script "}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string secret = body_of(made).at("token"), path = "/api/v1/tokens/" + body_of(made).at("id").get<std::string>();
  EXPECT_EQ(body_of(made).at("name"), "my script");
  EXPECT_THAT(ann.send(Method::get, "/api/v1/tokens").body, Not(HasSubstr(secret)));
  Browser script(service);
  const std::map<std::string, std::string> bearer = {{"authorization", "Bearer " + secret}};
  EXPECT_EQ(body_of(script.send(Method::get, "/api/v1/account", nullptr, bearer)).at("id"), id);
  // A token that got lost can neither make others nor lock its owner out.
  expect_problem(script.send(Method::post, "/api/v1/tokens", {{"name", "x"}}, bearer), 403, "session_needed");
  expect_problem(script.send(Method::del, path, nullptr, bearer), 403, "session_needed");
  expect_problem(script.send(Method::del, "/api/v1/account", {{"password", good_password}}, bearer), 403, "session_needed");
  expect_problem(script.send(Method::post, "/api/v1/account/password", {{"current", good_password}, {"new", "eight loud badgers"}}, bearer),
                 403, "session_needed");

  ApiUser other(service, ApiUser::Kind::member), guest(service, ApiUser::Kind::guest);
  expect_problem(other.send(Method::del, path), 404, "no_such_token");
  expect_problem(guest.send(Method::post, "/api/v1/tokens", {{"name", "x"}}), 403, "members_only");
  EXPECT_EQ(ann.send(Method::del, path).status, 204);
  expect_problem(ann.send(Method::del, path), 404, "no_such_token");
  expect_problem(script.send(Method::get, "/api/v1/account", nullptr, bearer), 401, "not_signed_in");
  for (const json& body : {json::object(), json{{"name", " "}}, json{{"name", std::string(61, 'x')}}, json{{"name", json::array()}}})
    expect_problem(ann.send(Method::post, "/api/v1/tokens", body), 422, "invalid", "name");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ann.send(Method::post, "/api/v1/tokens", {{"name", "t"}}).status, 201);
  expect_problem(ann.send(Method::post, "/api/v1/tokens", {{"name", "t"}}), 409, "too_many_tokens");
}

}  // namespace
}  // namespace webwrap::testing
