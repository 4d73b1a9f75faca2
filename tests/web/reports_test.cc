#include "artist_testing.h"
#include "commands/commands.h"

namespace webwrap::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Moderation : ArtistTest {
  Moderation() {
    become_artist(maria, "maria", "Maria");
    share = publish(maria, "Stolen\x1b[2J");
  }
  Id report(const std::string& about, const std::string& reason) {
    const http::Response response =
        anyone.send(Method::post, "/api/v1" + about + "/reports", {{"reason", reason}, {"email", "me@example.org"}});
    EXPECT_EQ(response.status, 202) << response.body;
    return body_of(response).at("id");
  }
  std::string list(bool all = false) {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(reports(service.config, all), 0);
    return ::testing::internal::GetCapturedStdout();
  }
  std::string decide(const Id& id, const std::string& decision, const std::string& note = "") {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(decide_report(service.config, id, decision, "ann", note), 0);
    return ::testing::internal::GetCapturedStdout();
  }

  Id share;
};

TEST_F(Moderation, ListsWhatWaits) {
  EXPECT_EQ(list(), "No report waits for a decision.\n");
  const Id first = report("/shares/" + share, "It is mine.\nReally."), second = report("/artists/maria", "That is not her.");
  const std::string text = list();
  EXPECT_LT(text.find(first), text.find(second)) << "the oldest first";
  EXPECT_THAT(text, HasSubstr("/s/" + share + " \"Stolen?[2J\" (public, by @maria)\n  from me@example.org\n  It is mine.\n  Really.\n"));
  EXPECT_THAT(text, HasSubstr("/a/maria \"Maria\" (shown)\n"));
}

TEST_F(Moderation, TakesDownWithAllReportsAboutTheSame) {
  const Id first = report("/shares/" + share, "It is mine."), second = report("/shares/" + share, "It is hers."),
           other = report("/artists/maria", "That is not her.");
  EXPECT_THAT(decide(second, "takedown", "She sent the original."), HasSubstr("with 1 more about the same"));
  get("/shares/" + share, 404);
  EXPECT_THAT(list(), AllOf(HasSubstr(other), Not(HasSubstr(first))));
  EXPECT_THAT(list(true), HasSubstr("taken down by ann on "));
  EXPECT_THAT(list(true), HasSubstr(": She sent the original."));
  EXPECT_EQ(maria.send(Method::patch, "/api/v1/shares/" + share, {{"visibility", "public"}}).status, 403);
}

/// "Stop sharing" and "Make a link" make another share of the same song.
TEST_F(Moderation, ReachesASongThatIsSharedAnew) {
  const Id first = report("/shares/" + share, "It is mine.");
  const Id song = maria.get("/songs").at(0).at("id");
  maria.send(Method::del, "/api/v1/shares/" + share);
  EXPECT_THAT(list(), HasSubstr("/s/" + share + " \"Stolen?[2J\" (not shared any more, by @maria)\n"));
  const Id anew = maria.post("/songs/" + song + "/share", {{"visibility", "public"}}).at("id");
  const Id second = report("/shares/" + anew, "Still mine.");
  EXPECT_THAT(list(), HasSubstr(first));
  EXPECT_THAT(list(), Not(HasSubstr(share))) << "the address where it is now";
  EXPECT_THAT(decide(first, "takedown"), HasSubstr("with 1 more about the same"));
  get("/shares/" + anew, 404);
  EXPECT_EQ(maria.post("/songs/" + song + "/share", json::object(), 403).at("code"), "taken_down");
  EXPECT_THAT(list(), Not(HasSubstr(second)));
}

TEST_F(Moderation, TakesDownWhatIsNotSharedNow) {
  const Id waiting = report("/shares/" + share, "It is mine.");
  const Id song = maria.get("/songs").at(0).at("id");
  maria.send(Method::del, "/api/v1/shares/" + share);
  decide(waiting, "takedown");
  EXPECT_EQ(maria.post("/songs/" + song + "/share", json::object(), 403).at("code"), "taken_down");
}

TEST_F(Moderation, HidesTheArtistOfASongThatIsGone) {
  const Id waiting = report("/shares/" + share, "It is mine.");
  maria.send(Method::del, "/api/v1/songs/" + maria.get("/songs").at(0).at("id").get<std::string>());
  EXPECT_THAT(list(), HasSubstr("/s/" + share + " (deleted, by @maria)\n"));
  EXPECT_THROW(decide_report(service.config, waiting, "takedown", "ann", ""), std::runtime_error);
  decide(waiting, "hide");
  page("/a/maria", 404);
}

TEST_F(Moderation, KeepsOrHides) {
  const Id song = report("/shares/" + share, "It is mine.");
  decide(song, "keep");
  get("/shares/" + share);
  FanSubscription paid;
  paid.id = "paid";
  paid.artist = maria.id;
  paid.amount = 500;
  paid.state = FanSubscription::State::active;
  service.store->write([&](Transaction& transaction) { transaction.earnings().save(paid); });
  decide(song, "hide");
  service.store->read([&](Transaction& transaction) { paid = transaction.earnings().subscription(paid.id).value(); });
  EXPECT_TRUE(paid.end_wanted) << "nobody pays on for what is hidden";
  page("/a/maria", 404);
  get("/shares/" + share, 404);
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(hide_artist(service.config, service.config.base_url() + "/a/maria", false), 0);
  ::testing::internal::GetCapturedStdout();
  page("/a/maria");
}

TEST_F(Moderation, RefusesWhatMakesNoSense) {
  const Id about_artist = report("/artists/maria", "That is not her.");
  EXPECT_THROW(decide_report(service.config, "nothing", "keep", "ann", ""), std::runtime_error);
  EXPECT_THROW(decide_report(service.config, about_artist, "takedown", "ann", ""), std::runtime_error);
  EXPECT_THAT(list(), HasSubstr(about_artist)) << "it still waits";
  EXPECT_THROW(hide_artist(service.config, "nobody", true), std::runtime_error);
  maria.send(Method::del, "/api/v1/artist");
  EXPECT_THROW(decide_report(service.config, about_artist, "hide", "ann", ""), std::runtime_error);
  EXPECT_THAT(list(), HasSubstr("an artist's page that is gone"));
  decide(about_artist, "keep");
}

}  // namespace
}  // namespace webwrap::testing
