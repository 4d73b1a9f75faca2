#include "api/accounts.h"

#include "account_testing.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Accounts : MemberTest {
  Credits balance_of(Browser& browser) { return body_of(browser.send(Method::get, "/api/v1/account")).at("balance"); }
  int verify(const std::string& token) { return Browser(service).send(Method::post, "/api/v1/verifications", {{"token", token}}).status; }
  http::Response ask_for_reset(const std::string& email) {
    return Browser(service).send(Method::post, "/api/v1/password-resets", {{"email", email}});
  }
  http::Response reset(const std::string& token, const std::string& password = "eight loud badgers") {
    return Browser(service).send(Method::post, "/api/v1/password-resets/confirm", {{"token", token}, {"password", password}});
  }
};

TEST_F(AccountTest, SignsUp) {
  Browser browser(service);
  const http::Response response =
      browser.send(Method::post, "/api/v1/accounts", {{"email", " Ann.Lee@Example.ORG "}, {"password", good_password}, {"name", "Ann"}});
  ASSERT_EQ(response.status, 201) << response.body;
  const json account = body_of(response);
  EXPECT_EQ(account.at("kind"), "member");
  EXPECT_EQ(account.at("email"), "ann.lee@example.org");
  EXPECT_EQ(account.at("name"), "Ann");
  EXPECT_EQ(account.at("email_verified"), false);
  EXPECT_EQ(account.at("balance"), 0) << "before the address is confirmed";
  EXPECT_EQ(account.at("reserved"), 0);
  EXPECT_EQ(account.at("created"), service.clock.time);
  EXPECT_THAT(response.body, Not(HasSubstr("hash")));
  EXPECT_EQ(body_of(browser.send(Method::get, "/api/v1/account")), account);
  EXPECT_EQ(stored("ann.lee@example.org")->password_hash.find("$argon2id$"), 0u);
  ASSERT_EQ(service.mailer.sent.size(), 1u);
  EXPECT_EQ(service.mailer.sent[0].to, "ann.lee@example.org");
}

TEST_F(AccountTest, RefusesBadSignUps) {
  Browser browser(service);
  const auto refused = [&](const json& body, const std::string& field) {
    expect_problem(browser.send(Method::post, "/api/v1/accounts", body), 422, "invalid", field + ": ");
  };
  const std::string long_name(81, 'n');
  for (const char* email : {"", "ann", "ann@", "@example.org", "ann@example", "a b@example.org", "ann@exa mple.org", "ann@@example.org",
                            "ann@example.org\r\nBcc: all@example.org", "ann@-example.org", "ann@example..org", ".ann@example.org",
                            "ann@192.168.0.1", "änn@example.org", "<ann@example.org>"})
    refused({{"email", email}, {"password", good_password}}, "email");
  refused({{"email", std::string(250, 'a') + "@example.org"}, {"password", good_password}}, "email");
  refused({{"email", 5}, {"password", good_password}}, "email");
  refused({{"password", good_password}}, "email");
  for (const char* password : {"", "short", "kX9#pq2Lv7w", "password", "Password1234", "123456789012", "qwertyuiop12", "aaaaaaaaaaaa",
                               "annabel rules", "voxconv is great"})
    refused({{"email", "annabel@example.org"}, {"password", password}}, "password");
  refused({{"email", "ann@example.org"}, {"password", std::string(129, 'x')}}, "password");
  refused({{"email", "ann@example.org"}, {"password", {1, 2}}}, "password");
  refused({{"email", "ann@example.org"}}, "password");
  refused({{"email", "ann@example.org"}, {"password", good_password}, {"name", long_name}}, "name");
  refused({{"email", "ann@example.org"}, {"password", good_password}, {"name", "a\nb"}}, "name");
  refused({{"email", "ann@example.org"}, {"password", good_password}, {"kind", "member"}}, "kind");
  EXPECT_TRUE(service.mailer.sent.empty());
  EXPECT_EQ(account_status(browser), 401);
}

TEST_F(AccountTest, AGuestBecomesAMemberAndKeepsEverything) {
  ApiUser guest(service, ApiUser::Kind::guest);
  EXPECT_EQ(guest.get("/account").at("kind"), "guest");
  EXPECT_EQ(guest.get("/account").at("balance"), 0);
  EXPECT_EQ(guest.send(Method::post, "/api/v1/guests").status, 200);  // again: the same one
  EXPECT_EQ(guest.get("/account").at("id"), guest.id);
  const Id recording = guest.recording(), song = guest.song();
  const std::string old_cookie = guest.cookies.at("sid");

  const http::Response response = sign_up(guest, "ann@example.org");
  ASSERT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(body_of(response).at("id"), guest.id);
  EXPECT_EQ(body_of(response).at("kind"), "member");
  guest.confirm_email();
  EXPECT_EQ(guest.get("/account").at("balance"), service.config.free_credits);
  guest.get("/recordings/" + recording);
  guest.get("/songs/" + song);

  EXPECT_NE(guest.cookies.at("sid"), old_cookie);  // rotated
  Browser thief(service);
  thief.cookies["sid"] = old_cookie;
  EXPECT_EQ(account_status(thief), 401);
}

TEST_F(Accounts, AreMadeOncePerAddress) {
  Browser other(service);
  expect_problem(sign_up(other, "ANN@example.org", "nine small weasels"), 409, "email_taken");
  EXPECT_EQ(account_status(other), 401);
  EXPECT_EQ(log_in(other, "ann@example.org", "nine small weasels").status, 401);
  // The owner hears of it, once a day.
  ASSERT_EQ(service.mailer.sent.size(), 2u);
  EXPECT_EQ(service.mailer.sent[1].to, "ann@example.org");
  sign_up(other, "ann@example.org", "nine small weasels");
  EXPECT_EQ(service.mailer.sent.size(), 2u);
  // A guest who tries stays a guest.
  ApiUser guest(service, ApiUser::Kind::guest);
  expect_problem(sign_up(guest, "ann@example.org"), 409, "email_taken");
  EXPECT_EQ(guest.get("/account").at("kind"), "guest");
  expect_problem(sign_up(ann, "second@example.org"), 409, "already_signed_up");
}

TEST_F(Accounts, GetFreeCreditsOnceTheirAddressIsConfirmed) {
  EXPECT_EQ(balance_of(ann), 0);
  EXPECT_EQ(verify(link_to("ann@example.org", "/app/verify")), 204);
  EXPECT_EQ(balance_of(ann), service.config.free_credits);
  ask_for_reset("ann@example.org");  // shows the same
  EXPECT_EQ(reset(link_to("ann@example.org", "/app/reset")).status, 204);
  EXPECT_EQ(log_in(ann, "ann@example.org", "eight loud badgers").status, 201);
  EXPECT_EQ(balance_of(ann), service.config.free_credits);
  Browser bob(service);
  EXPECT_EQ(sign_up(bob, "bob@example.org").status, 201);
  ask_for_reset("bob@example.org");
  EXPECT_EQ(reset(link_to("bob@example.org", "/app/reset")).status, 204);
  EXPECT_EQ(log_in(bob, "bob@example.org", "eight loud badgers").status, 201);
  EXPECT_EQ(balance_of(bob), service.config.free_credits);
  // Nor again after deleting the account.
  EXPECT_EQ(bob.send(Method::del, "/api/v1/account", {{"password", "eight loud badgers"}}).status, 204);
  Browser bob_again(service);
  EXPECT_EQ(sign_up(bob_again, "bob@example.org").status, 201);
  EXPECT_EQ(verify(link_to("bob@example.org", "/app/verify")), 204);
  EXPECT_EQ(balance_of(bob_again), 0);
  service.store->write([&](Transaction& transaction) {
    LedgerEntry again = grant_entry(id, 5, "grant:" + id, "again");
    again.time = service.clock.time;
    EXPECT_FALSE(transaction.ledger().post(again));
    EXPECT_TRUE(transaction.ledger().audit().empty());
  });
  EXPECT_EQ(balance_of(ann), service.config.free_credits);
}

TEST_F(AccountTest, LimitsSignUpsAndGuestsOfAnAddress) {
  service.config.signups_per_day = 2;
  Browser browsers[] = {Browser(service), Browser(service), Browser(service), Browser(service)};
  EXPECT_EQ(sign_up(browsers[0], "a@example.org").status, 201);
  EXPECT_EQ(sign_up(browsers[1], "a@example.org").status, 409);  // trying addresses counts
  expect_problem(sign_up(browsers[2], "b@example.org"), 429, "too_many_requests");
  browsers[3].client = "192.0.2.2";
  EXPECT_EQ(sign_up(browsers[3], "b@example.org").status, 201);
  service.clock.time += day;
  EXPECT_EQ(sign_up(browsers[2], "c@example.org").status, 201);

  int made = 0;
  while (made < 100 && Browser(service).send(Method::post, "/api/v1/guests").status == 201) ++made;
  EXPECT_EQ(made, 30);
}

TEST_F(Accounts, CanBeRenamed) {
  EXPECT_EQ(body_of(ann.send(Method::patch, "/api/v1/account", {{"name", " Ännchen 🎤 "}})).at("name"), "Ännchen 🎤");
  EXPECT_EQ(body_of(ann.send(Method::patch, "/api/v1/account", {{"name", ""}})).at("name"), "");
  for (const json& body : {json::object(), json{{"name", 1}}, json{{"name", std::string(81, 'x')}}})
    expect_problem(ann.send(Method::patch, "/api/v1/account", body), 422, "invalid", "name");
  expect_problem(ann.send(Method::patch, "/api/v1/account", {{"name", "x"}, {"email_verified", true}}), 422, "invalid", "email_verified");
  ApiUser guest(service, ApiUser::Kind::guest);
  expect_problem(guest.send(Method::patch, "/api/v1/account", {{"name", "x"}}), 403, "members_only");
}

TEST_F(Accounts, AreVerifiedByASingleUseLink) {
  const std::string first = link_to("ann@example.org", "/app/verify");
  EXPECT_EQ(ann.send(Method::post, "/api/v1/account/verification").status, 202);
  const std::string second = link_to("ann@example.org", "/app/verify");
  EXPECT_NE(first, second);
  for (const std::string& wrong : {first, std::string("x"), hash_secret(second)}) EXPECT_EQ(verify(wrong), 422) << wrong;
  EXPECT_EQ(reset(second).status, 422);  // of another purpose
  EXPECT_FALSE(stored("ann@example.org")->email_verified);
  EXPECT_EQ(verify(second), 204);
  EXPECT_TRUE(stored("ann@example.org")->email_verified);
  EXPECT_EQ(verify(second), 422);
  const std::size_t mails = service.mailer.sent.size();
  EXPECT_EQ(ann.send(Method::post, "/api/v1/account/verification").status, 202);
  EXPECT_EQ(service.mailer.sent.size(), mails);  // nothing to verify any more
  expect_problem(Browser(service).send(Method::post, "/api/v1/verifications", {{"token", ""}}), 422, "invalid", "token");
}

TEST_F(Accounts, VerificationLinksExpireAndAreLimited) {
  service.clock.time += 3 * day;
  EXPECT_EQ(verify(link_to("ann@example.org", "/app/verify")), 422);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ann.send(Method::post, "/api/v1/account/verification").status, 202);
  expect_problem(ann.send(Method::post, "/api/v1/account/verification"), 429, "too_many_requests");
}

TEST_F(Accounts, ResetAnswersAlikeForEverybody) {
  const http::Response known = ask_for_reset("ann@example.org"), unknown = ask_for_reset("nobody@example.org");
  EXPECT_EQ(known.status, 202);
  EXPECT_EQ(unknown.status, 202);
  EXPECT_EQ(known.body, unknown.body);
  EXPECT_EQ(known.headers, unknown.headers);
  EXPECT_EQ(service.mailer.sent.size(), 2u);  // the verification, and one reset
  expect_problem(ask_for_reset("nobody"), 422, "invalid", "email");
}

TEST_F(Accounts, ResetEndsAllSessionsAndTokens) {
  Browser phone(service), script(service);
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 201);
  const std::string bearer = body_of(ann.send(Method::post, "/api/v1/tokens", {{"name", "script"}})).at("token");
  ask_for_reset("ann@example.org");
  const std::string first = link_to("ann@example.org", "/app/reset");
  ask_for_reset("ann@example.org");
  const std::string token = link_to("ann@example.org", "/app/reset");
  expect_problem(reset(first), 422, "invalid_token");  // a newer link has been sent
  expect_problem(reset(token, "short"), 422, "invalid", "password");

  EXPECT_EQ(account_status(phone), 200);

  EXPECT_EQ(reset(token).status, 204);
  EXPECT_EQ(account_status(ann), 401);
  EXPECT_EQ(account_status(phone), 401);
  EXPECT_EQ(script.send(Method::get, "/api/v1/account", nullptr, {{"authorization", "Bearer " + bearer}}).status, 401);
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 401);
  EXPECT_EQ(log_in(phone, "ann@example.org", "eight loud badgers").status, 201);
  EXPECT_TRUE(stored("ann@example.org")->email_verified);
  expect_problem(reset(token, "nine purple lighthouses"), 422, "invalid_token");
}

TEST_F(Accounts, ResetLinksExpireAndMailsAreLimited) {
  ask_for_reset("ann@example.org");
  service.clock.time += hour;
  expect_problem(reset(link_to("ann@example.org", "/app/reset")), 422, "invalid_token");
  const std::size_t before = service.mailer.sent.size();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask_for_reset("ann@example.org").status, 202);
  EXPECT_EQ(service.mailer.sent.size(), before + 3);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask_for_reset("nobody@example.org").status, 202);
  expect_problem(ask_for_reset("nobody@example.org"), 429, "too_many_requests");
}

TEST_F(Accounts, ChangeTheirPassword) {
  Browser phone(service);
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 201);
  const std::string old_cookie = ann.cookies.at("sid");
  const auto change = [&](const json& body) { return ann.send(Method::post, "/api/v1/account/password", body); };
  expect_problem(change({{"current", "wrong one here"}, {"new", "eight loud badgers"}}), 422, "wrong_password", "current");
  expect_problem(change({{"current", good_password}, {"new", "short"}}), 422, "invalid", "new");
  expect_problem(change({{"new", "eight loud badgers"}}), 422, "invalid", "current");
  expect_problem(change({{"current", good_password}}), 422, "invalid", "new");
  ask_for_reset("ann@example.org");
  EXPECT_EQ(change({{"current", good_password}, {"new", "eight loud badgers"}}).status, 204);
  EXPECT_EQ(service.mailer.sent.back().subject, "Your voxconv password was changed");
  EXPECT_EQ(account_status(ann), 200);  // goes on, with a new session
  EXPECT_NE(ann.cookies.at("sid"), old_cookie);
  EXPECT_EQ(account_status(phone), 401);
  expect_problem(reset(link_to("ann@example.org", "/app/reset")), 422, "invalid_token");
  EXPECT_EQ(log_in(phone, "ann@example.org").status, 401);
  EXPECT_EQ(log_in(phone, "ann@example.org", "eight loud badgers").status, 201);
}

TEST_F(Accounts, PasswordsCannotBeGuessedInASession) {
  const auto guess = [&] { return ann.send(Method::del, "/api/v1/account", {{"password", "wrong one here"}}); };
  for (int i = 0; i < 10; ++i) expect_problem(guess(), 422, "wrong_password", "password");
  expect_problem(guess(), 429, "too_many_requests");
  EXPECT_EQ(ann.send(Method::del, "/api/v1/account", {{"password", good_password}}).status, 429);
}

TEST_F(AccountTest, DeletionErasesAllButTheBooks) {
  ApiUser ann(service, ApiUser::Kind::guest), other(service, ApiUser::Kind::member);
  ASSERT_EQ(sign_up(ann, "ann@example.org").status, 201);
  ann.confirm_email();
  const Id recording = ann.recording(), song = ann.song(), others = other.recording();
  const json share = ann.post("/songs/" + song + "/share", {{"allow_download", true}});
  const json job = ann.post("/jobs", {{"recording", recording}, {"voice", "kathleen"}, {"preview", true}});
  const json data = ann.get("/account/export");
  EXPECT_EQ(data.at("recordings").at(0).at("name"), "My song.m4a");
  EXPECT_EQ(data.at("songs").at(0).at("share").at("id"), share.at("id"));
  EXPECT_EQ(data.at("jobs").at(0).at("id"), job.at("id"));

  expect_problem(ann.send(Method::del, "/api/v1/account", json::object()), 422, "invalid", "password");
  EXPECT_EQ(ann.get("/account").at("id"), ann.id);
  EXPECT_EQ(ann.send(Method::del, "/api/v1/account", {{"password", good_password}}).status, 204);
  EXPECT_EQ(ann.cookies.at("sid"), "");
  EXPECT_EQ(account_status(ann), 401);
  EXPECT_FALSE(stored("ann@example.org"));
  EXPECT_EQ(service.blobs->size("recordings/" + recording + "/1-playable.mp3"), -1);
  EXPECT_EQ(service.blobs->size("songs/" + song + "/1-converted.flac"), -1);
  EXPECT_EQ(Browser(service).send(Method::get, "/api/v1/shares/" + share.at("id").get<std::string>()).status, 404);
  other.get("/recordings/" + others);
  service.store->read([&](Transaction& transaction) {
    EXPECT_FALSE(transaction.recordings().find(recording));
    EXPECT_FALSE(transaction.songs().find(song));
    EXPECT_FALSE(transaction.jobs().find(job.at("id")));
    EXPECT_TRUE(transaction.accounts().sessions(ann.id).empty());
    EXPECT_EQ(transaction.ledger().balance(user_account(ann.id)), service.config.free_credits);
    EXPECT_TRUE(transaction.ledger().audit().empty());
  });
  EXPECT_EQ(sign_up(ann, "ann@example.org").status, 201);  // the address is free again
}

TEST_F(Accounts, OrphanedGuestsAreRemoved) {
  ApiUser lost(service, ApiUser::Kind::guest), here(service, ApiUser::Kind::guest);
  const Id recording = lost.recording(), song = lost.song(), kept = here.recording();
  for (int i = 0; i < 2; ++i) {
    service.clock.time += 10 * day;
    EXPECT_EQ(clean_up_accounts(*service.context), i);
    here.get("/account");
  }
  EXPECT_EQ(clean_up_accounts(*service.context), 0);
  EXPECT_EQ(service.blobs->size("recordings/" + recording + "/1-playable.mp3"), -1);
  EXPECT_EQ(service.blobs->size("songs/" + song + "/1-converted.flac"), -1);
  service.store->read([&](Transaction& transaction) {
    EXPECT_FALSE(transaction.accounts().find(lost.id));
    EXPECT_TRUE(transaction.accounts().find(id));  // members stay
    EXPECT_TRUE(transaction.accounts().sessions(id).empty());
  });
  here.get("/recordings/" + kept);
}

TEST_F(Accounts, ExportShowsEverythingButSecrets) {
  EXPECT_EQ(verify(link_to("ann@example.org", "/app/verify")), 204);
  ann.send(Method::post, "/api/v1/tokens", {{"name", "script"}});
  const http::Response response = ann.send(Method::get, "/api/v1/account/export");
  ASSERT_EQ(response.status, 200);
  EXPECT_THAT(*response.find_header("Content-Disposition"), HasSubstr("attachment"));
  const json data = body_of(response);
  EXPECT_EQ(data.at("account").at("email"), "ann@example.org");
  EXPECT_EQ(data.at("sessions").size(), 1u);
  EXPECT_EQ(data.at("devices").size(), 1u);
  EXPECT_EQ(data.at("tokens").at(0).at("name"), "script");
  EXPECT_EQ(data.at("credits").at(0).at("kind"), "grant");
  for (const char* list : {"recordings", "songs", "jobs", "orders"}) EXPECT_TRUE(data.at(list).is_array()) << list;
  for (const std::string& secret : {std::string("hash"), std::string("argon2"), ann.cookies.at("sid"), ann.cookies.at("device")})
    EXPECT_THAT(response.body, Not(HasSubstr(secret)));
  ApiUser guest(service, ApiUser::Kind::guest);
  expect_problem(guest.send(Method::get, "/api/v1/account/export"), 403, "members_only");
  expect_problem(Browser(service).send(Method::get, "/api/v1/account/export"), 401, "not_signed_in");
}

}  // namespace
}  // namespace webwrap::testing
