#pragma once
#include <gmock/gmock.h>

#include "api_user.h"

namespace webwrap::testing {

constexpr const char* good_password = "seven quiet otters";

/// The service with somebody who has an account whose address and password are known.
struct AccountTest : ::testing::Test {
  static http::Response sign_up(Browser& browser, const std::string& email, const std::string& password = good_password) {
    return browser.send(Method::post, "/api/v1/accounts", {{"email", email}, {"password", password}});
  }
  static http::Response log_in(Browser& browser, const std::string& email, const std::string& password = good_password) {
    return browser.send(Method::post, "/api/v1/sessions", {{"email", email}, {"password", password}});
  }
  static int account_status(Browser& browser) { return browser.send(Method::get, "/api/v1/account").status; }

  /// The secret of the link in the newest mail that was sent to `to`.
  std::string link_to(const std::string& to, const std::string& page) {
    for (auto mail = service.mailer.sent.rbegin(); mail != service.mailer.sent.rend(); ++mail) {
      const std::string start = service.config.base_url() + page + "?token=";
      const std::size_t at = mail->text.find(start);
      if (mail->to != to || at == mail->text.npos) continue;
      return mail->text.substr(at + start.size(), mail->text.find('\n', at) - at - start.size());
    }
    ADD_FAILURE() << "no mail to " << to << " with a link to " << page;
    return "";
  }

  std::optional<Account> stored(const std::string& email) {
    std::optional<Account> account;
    service.store->read([&](Transaction& transaction) { account = transaction.accounts().find_by_email(email); });
    return account;
  }
  std::vector<Session> sessions_of(const Id& account) {
    std::vector<Session> sessions;
    service.store->read([&](Transaction& transaction) { sessions = transaction.accounts().sessions(account); });
    return sessions;
  }

  static void expect_problem(const http::Response& response, int status, const std::string& code, const std::string& word = "") {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.type, "application/problem+json");
    const json body = json::parse(response.body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << response.body;
    EXPECT_EQ(body.value("code", ""), code);
    EXPECT_THAT(body.value("detail", ""), ::testing::HasSubstr(word));
  }

  ApiService service;
};

/// The same, with ann@example.org signed in.
struct MemberTest : AccountTest {
  MemberTest() {
    const http::Response response = sign_up(ann, "ann@example.org");
    EXPECT_EQ(response.status, 201) << response.body;
    id = body_of(response).at("id");
  }
  Browser ann{service};
  Id id;
};

}  // namespace webwrap::testing
