#include "api/follows.h"

#include <algorithm>

#include "artist_testing.h"

namespace webwrap::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Follows : ArtistTest {
  Follows() {
    become_artist(maria, "maria", "Maria");
    service.mailer.sent.clear();
  }
  http::Response follow(const std::string& email) { return submit(anyone, "/a/maria/follow", "email=" + email); }
  /// The path of the link in the last mail, after `start`.
  std::string link(const std::string& start) {
    const std::string& text = service.mailer.sent.back().text;
    const std::size_t at = text.find(service.config.base_url() + start);
    if (at == text.npos) return ADD_FAILURE() << text, "";
    const std::size_t from = at + service.config.base_url().size();
    return text.substr(from, text.find('\n', from) - from);
  }
  std::int64_t followers() { return get("/artists/maria").at("followers"); }
  void confirm(const std::string& email) {
    follow(email);
    EXPECT_EQ(submit(anyone, link("/follow/confirm/"), "").status, 200);
  }
  /// Sends what is to be sent until nothing is left.
  int send_all() {
    int sent = 0;
    for (int now = 1; now > 0; sent += now) now = send_mailings(*service.context);
    return sent;
  }
  std::vector<std::string> recipients() {
    std::vector<std::string> all;
    for (const Mail& mail : service.mailer.sent) all.push_back(mail.to);
    std::sort(all.begin(), all.end());
    return all;
  }
};

TEST_F(Follows, BeginWithALinkInAMailAndAPressedButton) {
  EXPECT_EQ(follow("Ann%40Example.org").status, 200);
  ASSERT_EQ(service.mailer.sent.size(), 1u);
  EXPECT_EQ(service.mailer.sent[0].to, "ann@example.org");
  EXPECT_THAT(service.mailer.sent[0].subject, Not(HasSubstr("maria")));
  EXPECT_THAT(service.mailer.sent[0].text, HasSubstr("@maria"));
  EXPECT_TRUE(service.mailer.sent[0].can_wait) << "behind sign-ups";
  EXPECT_EQ(followers(), 0);
  const std::string path = link("/follow/confirm/");
  EXPECT_THAT(page(path).body, HasSubstr("<form method=\"post\">"));
  EXPECT_EQ(followers(), 0) << "programs that look at the links in mails confirm nothing";
  EXPECT_EQ(submit(anyone, path, "").status, 200);
  EXPECT_EQ(followers(), 1);
  EXPECT_EQ(submit(anyone, path, "").status, 404) << "once";
  page(path, 404);
}

TEST_F(Follows, EndByOneClickAlsoFromMailPrograms) {
  confirm("ann@example.org");
  publish(maria);
  service.clock.time += service.config.announce_delay_s;
  send_all();
  const Mail mail = service.mailer.sent.back();
  const std::string path = link("/follow/stop/");
  EXPECT_EQ(mail.unsubscribe, service.config.base_url() + path);
  EXPECT_THAT(page(path).body, HasSubstr("<form method=\"post\">"));
  EXPECT_EQ(followers(), 1) << "looking ends nothing";
  // As RFC 8058 says: from the mail provider's machine, without cookies or Origin.
  http::Request request;
  request.method = Method::post;
  request.path = path;
  request.body = "List-Unsubscribe=One-Click";
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.client = "203.0.113.5";
  EXPECT_EQ(service.router.handle(request).status, 200);
  EXPECT_EQ(followers(), 0);
  EXPECT_EQ(page(path).status, 200) << "again: no error for who is not sure";
}

/// Whatever an address follows or not: who asks sees the same.
TEST_F(Follows, TellNobodyWhomAnAddressFollows) {
  confirm("ann@example.org");
  const std::string known = follow("ann@example.org").body, unknown = follow("new@example.org").body;
  EXPECT_EQ(known, unknown);
  const auto json_follow = [&](const std::string& email) {
    return anyone.send(Method::post, "/api/v1/artists/maria/follow", {{"email", email}}).body;
  };
  EXPECT_EQ(json_follow("ann@example.org"), json_follow("other@example.org"));
  for (const std::string& body : {get("/artists/maria").dump(), page("/a/maria").body, maria.get("/artist").dump(),
                                  maria.get("/artist/stats").dump(), maria.get("/account/export").dump()})
    EXPECT_THAT(body, Not(HasSubstr("ann@"))) << "the artist sees a number";
}

TEST_F(Follows, FloodNoMailbox) {
  for (int i = 0; i < 10; ++i) follow("ann@example.org");
  EXPECT_EQ(service.mailer.sent.size(), 3u) << "silently: an answer would tell of the address";
  for (int i = 0; i < 10; ++i) follow(fmt::format("user{}@example.org", i));
  EXPECT_EQ(follow("one-more@example.org").status, 429);
  EXPECT_EQ(service.mailer.sent.size(), 13u);
}

TEST_F(Follows, FloodNoMailboxByTags) {
  for (int i = 0; i < 10; ++i) follow(fmt::format("ann%2B{}@example.org", i));
  EXPECT_EQ(service.mailer.sent.size(), 3u);
  follow("%2Bann@example.org");
  EXPECT_EQ(service.mailer.sent.size(), 4u) << "a name, no tag";
}

/// Who has many addresses does not use up the mails of all.
TEST_F(Follows, AreAskedForWithinLimitsOfASiteAndOfAll) {
  int users = 0;
  const auto asked = [&](int site, int networks) {
    int taken = 0;
    for (int i = 0; i < networks; ++i) {
      anyone.client = fmt::format("2001:db8:{:x}:{:x}::1", site, i);
      taken += follow(fmt::format("user{}@example.org", ++users)).status == 200;
    }
    return taken;
  };
  EXPECT_EQ(asked(1, 65), 60);
  int all = 60;
  for (int site = 2; site < 12; ++site) all += asked(site, 59);
  EXPECT_EQ(all, 600);
}

/// Anybody can have a mail sent to any address: there must be nothing in it that they wrote.
TEST_F(Follows, AskWithoutTheArtistsWords) {
  ASSERT_EQ(become_artist(maria, "maria", "Free money at evil.example", 200).at("handle"), "maria");
  follow("victim@example.org");
  EXPECT_THAT(service.mailer.sent.back().text, Not(HasSubstr("evil")));
  EXPECT_THAT(service.mailer.sent.back().subject, Not(HasSubstr("evil")));
}

TEST_F(Follows, RefuseWhatIsNoAddress) {
  for (const char* bad : {"", "x", "a%40b", "a%40example.org%0d%0aBcc%3a+b%40example.org", "a%40example.org%2Cb%40example.org"})
    EXPECT_EQ(follow(bad).status, 422) << bad;
  EXPECT_THAT(service.mailer.sent, IsEmpty());
  EXPECT_EQ(submit(anyone, "/a/nobody/follow", "email=a%40example.org").status, 404);
  const http::Response foreign =
      anyone.send_raw(Method::post, "/a/maria/follow", "email=a%40example.org", {{"sec-fetch-site", "cross-site"}});
  EXPECT_EQ(foreign.status, 403) << "another site's form";
  EXPECT_THAT(foreign.type, StartsWith("text/html")) << "people see it";
}

TEST_F(Follows, AreForgottenWhenNobodyConfirmsThem) {
  follow("ann@example.org");
  const std::string path = link("/follow/confirm/");
  service.clock.time += 3 * day;
  page(path, 404);
  clean_up_follows(*service.context);
  service.store->read([&](Transaction& t) { EXPECT_FALSE(t.follows().find(maria.id, "ann@example.org")); });
}

TEST_F(Follows, OfMembersNeedNoMail) {
  EXPECT_THAT(otter.send(Method::get, "/a/maria").body, HasSubstr("action=\"/a/maria/follow\"><button"));
  EXPECT_EQ(submit(otter, "/a/maria/follow", "").status, 200);
  EXPECT_EQ(followers(), 1);
  EXPECT_EQ(otter.get("/follows").at(0).at("handle"), "maria");
  EXPECT_THAT(otter.send(Method::get, "/a/maria").body, HasSubstr("Stop following"));
  EXPECT_THAT(maria.get("/follows"), IsEmpty());
  EXPECT_EQ(submit(otter, "/a/maria/unfollow", "").status, 200);
  EXPECT_EQ(followers(), 0);
  EXPECT_EQ(otter.post("/artists/maria/follow", json::object(), 202).at("confirmed"), true);
  EXPECT_EQ(otter.send(Method::del, "/api/v1/artists/maria/follow").status, 204);
  EXPECT_EQ(followers(), 0);
  EXPECT_THAT(service.mailer.sent, IsEmpty());
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/artists/maria/follow", json::object()).status, 401);
  // Another's address is asked by mail, also by a member.
  EXPECT_EQ(otter.post("/artists/maria/follow", {{"email", "ann@example.org"}}, 202).at("confirmed"), false);
  EXPECT_EQ(service.mailer.sent.size(), 1u);
}

TEST_F(Follows, GoWithTheAccount) {
  submit(otter, "/a/maria/follow", "");
  confirm("ann@example.org");
  service.store->write([&](Transaction& t) { t.accounts().erase(otter.id, 1); });
  EXPECT_EQ(followers(), 1);
  service.store->write([&](Transaction& t) { t.accounts().erase(maria.id, 1); });
  service.store->read([&](Transaction& t) { EXPECT_FALSE(t.follows().find(maria.id, "ann@example.org")); });
}

TEST_F(Follows, OfAnAddressThatIsNotConfirmedStay) {
  confirm("ann@example.org");
  Browser other(service);
  other.send(Method::post, "/api/v1/accounts", {{"email", "ann@example.org"}, {"password", good_password}});
  EXPECT_EQ(other.send(Method::get, "/api/v1/follows").status, 403) << "who signs up with an address does not see whom it follows";
  EXPECT_THAT(body_of(other.send(Method::get, "/api/v1/account/export")).at("follows"), IsEmpty());
  service.store->write([&](Transaction& t) { t.accounts().erase(t.accounts().find_by_email("ann@example.org")->id, 1); });
  EXPECT_EQ(followers(), 1);
}

// ---- mailings ----

TEST_F(Follows, HearOfANewSongOnce) {
  confirm("ann@example.org");
  submit(otter, "/a/maria/follow", "");
  follow("waiting@example.org");
  service.mailer.sent.clear();
  const Id share = publish(maria, "First <b>");
  EXPECT_EQ(send_all(), 0) << "it can be taken back for a while";
  service.clock.time += service.config.announce_delay_s;
  EXPECT_EQ(send_all(), 2);
  EXPECT_THAT(recipients(), Not(Contains("waiting@example.org")));
  const Mail mail = service.mailer.sent[0];
  EXPECT_EQ(mail.subject, "Maria: First <b>");
  EXPECT_THAT(mail.text, AllOf(HasSubstr("First <b>\n" + service.config.base_url() + "/s/" + share), HasSubstr("you follow @maria")));
  EXPECT_THAT(mail.text, Not(HasSubstr("example.org"))) << "nobody's address";
  EXPECT_EQ(send_all(), 0);
  EXPECT_TRUE(mail.can_wait);
  // Taken back and published anew, as another share, too.
  maria.send(Method::del, "/api/v1/shares/" + share);
  maria.post("/songs/" + maria.get("/songs").at(0).at("id").get<std::string>() + "/share", {{"visibility", "public"}});
  service.clock.time += 2 * day;
  EXPECT_EQ(send_all(), 0);
}

TEST_F(Follows, HearOnceADayOfAllThatCameOut) {
  confirm("ann@example.org");
  publish(maria, "First");
  service.clock.time += service.config.announce_delay_s;
  send_all();
  service.mailer.sent.clear();
  publish(maria, "Second");
  service.clock.time += 60;
  publish(maria, "Third");
  service.clock.time += service.config.announce_delay_s;
  EXPECT_EQ(send_all(), 0) << "there was a mail today";
  service.clock.time += day;
  EXPECT_EQ(send_all(), 1);
  EXPECT_EQ(service.mailer.sent[0].subject, "Maria: 2 new songs");
  EXPECT_LT(service.mailer.sent[0].text.find("Second"), service.mailer.sent[0].text.find("Third"));
}

/// Published, taken back, and published in error much later: there is time to take it back then, too, and who follows is told in the end.
TEST_F(Follows, HearOfWhatIsPublishedAnew) {
  confirm("ann@example.org");
  const Id share = publish(maria, "First");
  maria.send(Method::patch, "/api/v1/shares/" + share, {{"visibility", "unlisted"}});
  service.store->write([&](Transaction& t) {
    Song song = t.songs().find(t.songs().find_share(share)->song).value();
    song.published -= 40 * day;
    t.songs().update(song);
  });
  service.mailer.sent.clear();
  EXPECT_EQ(maria.send(Method::patch, "/api/v1/shares/" + share, {{"visibility", "public"}}).status, 200);
  EXPECT_EQ(send_all(), 0) << "not at once";
  service.clock.time += service.config.announce_delay_s;
  EXPECT_EQ(send_all(), 1);
}

TEST_F(Follows, DoNotHearOfWhatIsGone) {
  confirm("ann@example.org");
  const Id unlisted = publish(maria, "Unlisted"), down = publish(maria, "Down"), kept = publish(maria, "Kept");
  maria.send(Method::patch, "/api/v1/shares/" + unlisted, {{"visibility", "unlisted"}});
  service.store->write([&](Transaction& t) {
    Share share = t.songs().find_share(down).value();
    share.taken_down = true;
    t.songs().update_share(share);
  });
  service.clock.time += service.config.announce_delay_s;
  service.mailer.sent.clear();
  EXPECT_EQ(send_all(), 1);
  EXPECT_EQ(service.mailer.sent[0].subject, "Maria: Kept");
  const Id late = publish(maria, "Late");
  service.clock.time += 2 * day;
  hide("maria");
  EXPECT_EQ(send_all(), 0);
}

TEST_F(Follows, AreManyAndTheOutboxIsSmall) {
  struct SmallOutbox : Mailer {
    void send(const Mail& mail) override {
      if (left == 0) throw std::runtime_error("full");
      --left;
      taken.push_back(mail.to);
    }
    std::size_t left = 0;
    std::vector<std::string> taken;
  } outbox;
  Context context{service.config, *service.store, *service.blobs, outbox, *service.payments, service.clock, service.disk, *service.connect};
  service.store->write([&](Transaction& t) {
    for (int i = 0; i < 170; ++i) t.follows().add({new_id(), maria.id, fmt::format("user{}@example.org", i), "", 0, 1});
  });
  publish(maria);
  service.clock.time += service.config.announce_delay_s;
  EXPECT_EQ(send_mailings(context), 0);
  for (int i = 0; i < 40; ++i) {
    outbox.left = static_cast<std::size_t>(7 * i % 61);
    send_mailings(context);
  }
  std::sort(outbox.taken.begin(), outbox.taken.end());
  EXPECT_EQ(outbox.taken.size(), 170u);
  EXPECT_EQ(std::unique(outbox.taken.begin(), outbox.taken.end()), outbox.taken.end()) << "each once";
  service.store->read([&](Transaction& t) { EXPECT_THAT(t.follows().open_mailings(10), IsEmpty()); });
}

}  // namespace
}  // namespace webwrap::testing
