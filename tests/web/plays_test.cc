#include "api/plays.h"

#include <sqlite3.h>

#include "artist_testing.h"
#include "commands/commands.h"

namespace webwrap::testing {
namespace {

using ::testing::IsEmpty;

struct Plays : ArtistTest {
  Plays() {
    become_artist(maria, "maria", "Maria");
    share = publish(maria);  // of a song of 61.5 s
  }
  /// Plays it for so many seconds.
  void play(Browser& browser, Seconds seconds, const std::string& agent = "Mozilla/5.0") {
    const http::Response started = browser.send(Method::post, "/api/v1/shares/" + share + "/plays", nullptr, {{"user-agent", agent}});
    ASSERT_EQ(started.status, 201) << started.body;
    EXPECT_EQ(body_of(started).at("after_s"), 30);
    service.clock.time += seconds;
    last = body_of(started).at("id");
    EXPECT_EQ(browser.send(Method::post, "/api/v1/plays", {{"id", last}}).status, 204) << "whatever comes of it";
  }
  std::int64_t count() { return get("/shares/" + share).at("plays"); }

  Id share;
  std::string last;
};

TEST_F(Plays, CountAfterAWhile) {
  play(anyone, 30);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(get("/artists/maria").at("plays"), 1);
  EXPECT_EQ(get("/artists/maria").at("songs").at(0).at("plays"), 1);
  EXPECT_THAT(page("/a/maria").body, ::testing::HasSubstr("1 play"));
}

TEST_F(Plays, DoNotCountReloads) {
  for (int i = 0; i < 5; ++i) play(anyone, 40);
  EXPECT_EQ(count(), 1);
  service.clock.time += day;
  play(anyone, 40);
  EXPECT_EQ(count(), 2) << "another day";
}

TEST_F(Plays, DoNotCountWhoDoesNotListen) {
  play(anyone, 29);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/plays", {{"id", last}}).status, 204);
  service.clock.time += 60;
  anyone.send(Method::post, "/api/v1/plays", {{"id", last}});
  EXPECT_EQ(count(), 0) << "a start ends once";
  anyone.send(Method::post, "/api/v1/plays", {{"id", "invented"}});
  EXPECT_EQ(count(), 0);
  play(anyone, 7 * hour);
  EXPECT_EQ(count(), 0) << "nobody takes so long";
}

TEST_F(Plays, DoNotCountTheArtistNorRobots) {
  play(maria, 40);
  play(anyone, 40, "Googlebot/2.1");
  play(anyone, 40, "");
  play(anyone, 40, "python-requests/2");
  EXPECT_EQ(count(), 0);
  play(otter, 40);
  EXPECT_EQ(count(), 1);
}

TEST_F(Plays, CountAddressesNotRequests) {
  Browser same_network(service), other(service);
  anyone.client = "2001:db8::1";
  same_network.client = "2001:db8::2";
  other.client = "2001:db8:0:1::1";
  play(anyone, 40);
  play(same_network, 40);
  EXPECT_EQ(count(), 1);
  play(other, 40);
  EXPECT_EQ(count(), 2);
  // A start that another address ends.
  const http::Response started = anyone.send(Method::post, "/api/v1/shares/" + share + "/plays", nullptr, {{"user-agent", "Mozilla"}});
  service.clock.time += 40;
  Browser third(service);
  third.client = "198.51.100.9";
  third.send(Method::post, "/api/v1/plays", {{"id", body_of(started).at("id")}});
  EXPECT_EQ(count(), 2);
}

TEST_F(Plays, OfOneAddressAreFewADay) {
  int status = 201;
  for (int i = 0; i < 210; ++i) {
    const http::Response started = anyone.send(Method::post, "/api/v1/shares/" + share + "/plays", nullptr, {{"user-agent", "Mozilla"}});
    status = started.status;
  }
  EXPECT_EQ(status, 429);
  service.store->write([&](Transaction& t) {
    const std::int64_t today = service.clock.now() / day;
    int counted = 0;
    for (int i = 0; i < 20; ++i) {
      Song song;
      song.id = new_id();
      song.account = otter.id;
      t.songs().add(song);
      counted += t.plays().count(song.id, {"listener", "site"}, today, 15, 8);
    }
    EXPECT_EQ(counted, 15);
  });
}

/// A line with IPv6 has 256 networks and more.
TEST_F(Plays, OfOneSiteAreFewForASong) {
  for (int i = 0; i < 20; ++i) {
    Browser one(service);
    one.client = fmt::format("2001:db8:7:{:x}::1", i);
    play(one, 40);
  }
  EXPECT_EQ(count(), 8);
  Browser elsewhere(service);
  elsewhere.client = "2001:db8:8::1";
  play(elsewhere, 40);
  EXPECT_EQ(count(), 9);
}

/// Also when nobody plays any more.
TEST_F(Plays, ForgetWhoListened) {
  const auto rows = [&](const std::string& table) {
    sqlite3* connection = nullptr;
    EXPECT_EQ(sqlite3_open(database_path(service.config).c_str(), &connection), SQLITE_OK);
    int count = -1;
    const auto read = [](void* target, int, char** values, char**) { return *static_cast<int*>(target) = std::atoi(values[0]), 0; };
    EXPECT_EQ(sqlite3_exec(connection, ("SELECT count(*) FROM " + table).c_str(), read, &count, nullptr), SQLITE_OK);
    sqlite3_close(connection);
    return count;
  };
  play(anyone, 40);
  anyone.send(Method::post, "/api/v1/shares/" + share + "/plays", nullptr, {{"user-agent", "Mozilla/5.0"}});
  clean_up_plays(*service.context);
  EXPECT_EQ(rows("play_listeners"), 1) << "needed until the day ends";
  EXPECT_EQ(rows("play_salts"), 1);
  EXPECT_EQ(rows("play_starts"), 1);
  service.clock.time += day;
  clean_up_plays(*service.context);
  for (const char* table : {"play_listeners", "play_salts", "play_starts"}) EXPECT_EQ(rows(table), 0) << table;
  EXPECT_EQ(count(), 1);
}

TEST_F(Plays, AreShownToTheArtist) {
  play(anyone, 40);
  service.clock.time += day;
  play(anyone, 40);
  play(otter, 40);
  const json stats = maria.get("/artist/stats");
  EXPECT_EQ(stats.at("plays"), 3);
  EXPECT_EQ(stats.at("followers"), 0);
  ASSERT_EQ(stats.at("days").size(), 30u);
  EXPECT_EQ(stats.at("days").at(29).at("day"), "2027-01-16");
  EXPECT_EQ(stats.at("days").at(29).at("plays"), 2);
  EXPECT_EQ(stats.at("days").at(28).at("plays"), 1);
  EXPECT_EQ(stats.at("days").at(0).at("plays"), 0);
  EXPECT_EQ(stats.at("songs").at(0).at("plays"), 3);
  EXPECT_EQ(otter.get("/artist/stats", 404).at("code"), "no_artist");
}

TEST_F(Plays, OfSongsByLinkAreSeenByTheirOwnerOnly) {
  maria.send(Method::patch, "/api/v1/shares/" + share, {{"visibility", "unlisted"}});
  play(anyone, 40);
  EXPECT_TRUE(get("/shares/" + share).at("plays").is_null());
  EXPECT_EQ(get("/artists/maria").at("plays"), 0);
  EXPECT_THAT(page("/a/maria").body, ::testing::HasSubstr("0 plays"));
  EXPECT_EQ(maria.get("/artist/stats").at("songs").at(0).at("plays"), 1);
}

TEST_F(Plays, NeedASong) {
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/shares/nothing/plays").status, 404);
  hide("maria");
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/shares/" + share + "/plays").status, 404);
}

}  // namespace
}  // namespace webwrap::testing
