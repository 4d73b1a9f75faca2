#include "api/accounts.h"
#include "artist_testing.h"
#include "commands/commands.h"

namespace webwrap::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Artists : ArtistTest {};

TEST_F(Artists, BecomeAndChangeAPage) {
  EXPECT_EQ(maria.send(Method::get, "/api/v1/artist").status, 204);
  const json made = become_artist(maria, "Maria-K", "  Maria   K ");
  EXPECT_EQ(made.at("handle"), "maria-k");
  EXPECT_EQ(made.at("name"), "Maria K");
  EXPECT_EQ(made.at("url"), service.config.base_url() + "/a/maria-k");
  EXPECT_TRUE(made.at("picture").is_null());
  const json links = {{{"title", "Home"}, {"url", "https://example.org/~maria?a=1#b"}}};
  const http::Response changed =
      maria.send(Method::put, "/api/v1/artist", {{"handle", "maria-k"}, {"name", "Maria K"}, {"bio", "One\nTwo"}, {"links", links}});
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(maria.get("/artist").at("bio"), "One\nTwo");
  EXPECT_EQ(get("/artists/maria-k").at("links"), links);
  EXPECT_FALSE(get("/artists/maria-k").contains("hidden"));
  EXPECT_FALSE(get("/artists/maria-k").contains("account"));
}

TEST_F(Artists, AreMembersWithAConfirmedAddress) {
  ApiUser guest{service, ApiUser::Kind::guest, "192.0.2.9"};
  EXPECT_EQ(become_artist(guest, "guest-one", "Guest", 403).at("code"), "members_only");
  Browser fresh(service);
  fresh.send(Method::post, "/api/v1/accounts", {{"email", "fresh@example.org"}, {"password", good_password}});
  const http::Response refused = fresh.send(Method::put, "/api/v1/artist", {{"handle", "fresh"}, {"name", "Fresh"}});
  EXPECT_EQ(body_of(refused).at("code"), "email_not_verified");
}

TEST_F(Artists, AreRefusedWhatPosesAsSomeoneElse) {
  become_artist(maria, "maria", "Maria");
  EXPECT_EQ(become_artist(otter, "rnaria", "Otter", 409).at("code"), "handle_taken");
  EXPECT_EQ(become_artist(otter, "otter", "MAR1A", 409).at("code"), "name_taken");
  EXPECT_THAT(become_artist(otter, "otter", "Mаria", 422).at("detail").get<std::string>(), StartsWith("name: "));
  EXPECT_THAT(become_artist(otter, "v0xconv", "Otter", 422).at("detail").get<std::string>(), StartsWith("handle: "));
  become_artist(otter, "otter", "Otter");
}

TEST_F(Artists, KeepLinksThatAreAddressesOnly) {
  const auto status = [&](const std::string& url, const std::string& title = "Title") {
    return maria
        .send(Method::put, "/api/v1/artist", {{"handle", "maria"}, {"name", "Maria"}, {"links", {{{"title", title}, {"url", url}}}}})
        .status;
  };
  EXPECT_EQ(status("https://example.org"), 201);
  EXPECT_EQ(status("HTTP://Example.org:8080/a?b#c"), 200);
  for (const char* bad :
       {"javascript:alert(1)", "data:text/html,x", "//example.org", "https://", "https:///x", "ftp://example.org", "https://a b.org",
        "https://example.org/\"onclick=x", "https://voxconv.org@evil.example", "https://example.org\\@evil.example", "https://localhost",
        "https://exämple.org", "https://.org", "https://[::1]/", "https://example.org/<b>"})
    EXPECT_EQ(status(bad), 422) << bad;
  EXPECT_EQ(status("https://example.org", ""), 422);
  EXPECT_EQ(status("https://example.org", std::string(41, 'x')), 422);
  EXPECT_EQ(status("https://example.org/" + std::string(300, 'x')), 422);
  json many = json::array();
  for (int i = 0; i < 9; ++i) many.push_back({{"title", "a"}, {"url", "https://example.org"}});
  EXPECT_EQ(maria.send(Method::put, "/api/v1/artist", {{"handle", "maria"}, {"name", "Maria"}, {"links", many}}).status, 422);
  for (const json& odd : {json("x"), json(1), json{{"title", "a"}}, json{{"title", "a"}, {"url", "https://example.org"}, {"rel", "me"}}})
    EXPECT_EQ(maria.send(Method::put, "/api/v1/artist", {{"handle", "maria"}, {"name", "Maria"}, {"links", {odd}}}).status, 422) << odd;
}

TEST_F(Artists, ChangeTheirNamesAFewTimesOnly) {
  become_artist(maria, "maria", "Maria");
  for (int i = 0; i < 4; ++i) become_artist(maria, "maria" + std::string(1, 'b' + i), "Maria", 200);
  EXPECT_EQ(become_artist(maria, "another", "Maria", 429).at("code"), "too_many_requests");
  EXPECT_EQ(maria.send(Method::put, "/api/v1/artist", {{"handle", "mariae"}, {"name", "Maria"}, {"bio", "New"}}).status, 200)
      << "the rest may change";
}

TEST_F(Artists, MoveWithTheirHandle) {
  become_artist(maria, "maria", "Maria");
  become_artist(maria, "otterly", "Maria", 200);
  const http::Response moved = page("/a/maria", 302);
  EXPECT_EQ(header_of(moved, "Location"), "/a/otterly");
  EXPECT_THAT(header_of(moved, "Cache-Control"), HasSubstr("no-cache")) << "the old handle may be another's in time";
  EXPECT_EQ(header_of(page("/a/maria/feed.xml", 302), "Location"), "/a/otterly/feed.xml");
  EXPECT_EQ(header_of(page("/a/Otterly", 302), "Location"), "/a/otterly");
  EXPECT_EQ(get("/artists/maria").at("handle"), "otterly");
  page("/a/nobody", 404);
  page("/a/..%2f", 404);
}

TEST_F(Artists, PublishSongs) {
  const Id song = maria.song("First");
  EXPECT_EQ(maria.post("/songs/" + song + "/share", {{"visibility", "public"}}, 409).at("code"), "no_artist");
  EXPECT_TRUE(maria.get("/songs/" + song).at("share").is_null()) << "nothing of it stays";
  become_artist(maria, "maria", "Maria");
  const json share = maria.post("/songs/" + song + "/share", json::object());
  EXPECT_EQ(share.at("visibility"), "unlisted");
  const std::string id = share.at("id"), path = "/api/v1/shares/" + id;
  EXPECT_THAT(get("/artists/maria").at("songs"), IsEmpty());
  EXPECT_THAT(page("/s/" + id).body, AllOf(HasSubstr("noindex"), Not(HasSubstr("/a/maria")))) << "a link says nothing of who sings";
  EXPECT_TRUE(get("/shares/" + id).at("artist").is_null());

  EXPECT_EQ(otter.send(Method::patch, path, {{"visibility", "public"}}).status, 404);
  EXPECT_EQ(maria.send(Method::patch, path, {{"visibility", "everyone"}}).status, 422);
  EXPECT_EQ(body_of(maria.send(Method::patch, path, {{"visibility", "public"}})).at("visibility"), "public");
  EXPECT_EQ(get("/artists/maria").at("songs").at(0).at("title"), "First");
  EXPECT_THAT(page("/s/" + id).body,
              AllOf(HasSubstr("by <a href=\"/a/maria\"><bdi>Maria</bdi></a>"), Not(HasSubstr("noindex")),
                    HasSubstr("<meta property=\"music:musician\" content=\"" + service.config.base_url() + "/a/maria\">")));
  EXPECT_EQ(get("/shares/" + id).at("artist").at("handle"), "maria");
  EXPECT_EQ(body_of(maria.send(Method::patch, path, {{"visibility", "unlisted"}})).at("visibility"), "unlisted");
  EXPECT_THAT(get("/artists/maria").at("songs"), IsEmpty());
}

TEST_F(Artists, DoNotComeUpAsNewAgainAndAgain) {
  become_artist(maria, "maria", "Maria");
  const Id first = publish(maria, "First");
  service.clock.time += 100;
  const Id second = publish(maria, "Second");
  service.clock.time += 100;
  maria.send(Method::patch, "/api/v1/shares/" + first, {{"visibility", "unlisted"}});
  maria.send(Method::patch, "/api/v1/shares/" + first, {{"visibility", "public"}});
  EXPECT_EQ(get("/discover").at("songs").at(0).at("id"), second);
  // Nor by another share of the same song.
  const std::int64_t published = get("/discover").at("songs").at(1).at("published");
  Id song;
  service.store->read([&](Transaction& t) { song = t.songs().find_share(first)->song; });
  EXPECT_EQ(maria.send(Method::del, "/api/v1/shares/" + first).status, 204);
  const Id anew = maria.post("/songs/" + song + "/share", {{"visibility", "public"}}).at("id");
  service.clock.time += 60;
  EXPECT_EQ(get("/discover").at("songs").at(0).at("id"), second);
  EXPECT_EQ(get("/discover").at("songs").at(1).at("id"), anew);
  EXPECT_EQ(get("/discover").at("songs").at(1).at("published"), published);
  for (int i = 0; i < 16; ++i) publish(maria);
  EXPECT_EQ(maria.post("/songs/" + maria.song() + "/share", {{"visibility", "public"}}, 429).at("code"), "too_many_requests");
}

/// Everything that people wrote, in everything that is made of it.
TEST_F(Artists, PagesAndFeedsAreEscaped) {
  const std::string evil = "</title><script>alert('x')</script>&\"]]>";
  const http::Response made = maria.send(Method::put, "/api/v1/artist",
                                         {{"handle", "maria"},
                                          {"name", "<b>Maria</b> & 'co\""},
                                          {"bio", evil + "\n\xef\xbf\xbe\xe2\x80\xae"},
                                          {"links", {{{"title", evil.substr(0, 40)}, {"url", "https://example.org/'x"}}}}});
  ASSERT_EQ(made.status, 201) << made.body;
  const Id id = publish(maria, evil);
  for (const std::string& path : {std::string("/a/maria"), std::string("/a/maria/feed.xml"), "/s/" + id, "/embed/" + id}) {
    const std::string body = page(path).body;
    EXPECT_THAT(body, Not(HasSubstr("<script>"))) << path;
    EXPECT_THAT(body, Not(HasSubstr("alert('x')"))) << path;
    EXPECT_THAT(body, Not(HasSubstr("<b>"))) << path;
    EXPECT_THAT(body, Not(HasSubstr("]]>"))) << path;
    EXPECT_THAT(body, HasSubstr("&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)")) << path;
  }
  EXPECT_THAT(page("/a/maria").body, HasSubstr("href=\"https://example.org/&#39;x\" rel=\"nofollow ugc noopener noreferrer\""));
  EXPECT_THAT(page("/a/maria").body, HasSubstr("<bdi>&lt;b&gt;Maria&lt;/b&gt; &amp; &#39;co&quot;</bdi>"));
  EXPECT_THAT(page("/a/maria/feed.xml").body, Not(HasSubstr("\xef\xbf\xbe"))) << "no character that XML forbids";
}

TEST_F(Artists, HaveAPageWithoutScripts) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria, "First");
  const http::Response response = page("/a/maria");
  EXPECT_THAT(response.body, HasSubstr("<audio controls preload=\"none\" src=\"/api/v1/shares/" + id + "/audio\">"));
  EXPECT_THAT(response.body, HasSubstr("<form class=\"follow\" method=\"post\" action=\"/a/maria/follow\">"));
  EXPECT_THAT(response.body, HasSubstr("<meta property=\"og:type\" content=\"profile\">"));
  EXPECT_THAT(response.body, HasSubstr("type=\"application/rss+xml\" href=\"" + service.config.base_url() + "/a/maria/feed.xml\""));
  EXPECT_THAT(response.body, HasSubstr("AI-converted"));
  EXPECT_THAT(response.body, Not(HasSubstr(" style=")));
  EXPECT_THAT(header_of(response, "Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
}

TEST_F(Artists, HaveAFeed) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria, "First");
  EXPECT_THAT(page("/a/maria/feed.xml").body, AllOf(HasSubstr("<item>"), Not(HasSubstr("<enclosure"))))
      << "programs keep enclosures: not without her leave";
  maria.send(Method::patch, "/api/v1/shares/" + id, {{"allow_download", true}});
  const http::Response feed = page("/a/maria/feed.xml");
  EXPECT_EQ(feed.type, "application/rss+xml; charset=utf-8");
  const std::string base = service.config.base_url();
  EXPECT_THAT(feed.body, HasSubstr("<guid isPermaLink=\"true\">" + base + "/s/" + id + "</guid>"));
  EXPECT_THAT(feed.body, HasSubstr("<pubDate>Fri, 15 Jan 2027 08:00:00 +0000</pubDate>"));
  const std::size_t length = service.blobs->size("songs/" + maria.get("/songs").at(0).at("id").get<std::string>() + "/1-converted.mp3");
  EXPECT_THAT(feed.body,
              HasSubstr(fmt::format("<enclosure url=\"{}/api/v1/shares/{}/audio\" length=\"{}\" type=\"audio/mpeg\"/>", base, id, length)));
  const http::Response again = anyone.send(Method::get, "/a/maria/feed.xml", nullptr, {{"if-none-match", header_of(feed, "ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_THAT(again.body, IsEmpty());
}

TEST_F(Artists, AreShownByOtherSites) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria, "First");
  const std::string base = service.config.base_url();
  const json page_embed = get("/oembed?url=" + base + "/a/maria");
  EXPECT_EQ(page_embed.at("type"), "link");
  EXPECT_EQ(page_embed.at("title"), "Maria");
  const json song_embed = get("/oembed?url=" + base + "/s/" + id);
  EXPECT_EQ(song_embed.at("type"), "rich");
  EXPECT_EQ(song_embed.at("author_name"), "Maria");
  EXPECT_EQ(get("/oembed?url=" + base + "/a/nobody", 404).at("code"), "no_such_artist");
}

TEST_F(Artists, AndTheirSongsAreFoundBySearchEngines) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria), secret = maria.post("/songs/" + maria.song() + "/share", json::object()).at("id");
  become_artist(otter, "otter", "Otter");
  const Id hidden = publish(otter);
  hide("otter");
  const http::Response map = page("/sitemap.xml");
  EXPECT_EQ(map.type, "application/xml; charset=utf-8");
  EXPECT_THAT(map.body, AllOf(HasSubstr("/a/maria</loc>"), HasSubstr("/s/" + id + "</loc>")));
  EXPECT_THAT(map.body, AllOf(Not(HasSubstr(secret)), Not(HasSubstr(hidden)), Not(HasSubstr("otter"))));
  EXPECT_THAT(page("/robots.txt").body,
              AllOf(HasSubstr("Allow: /api/v1/oembed\nAllow: /api/v1/shares/\nDisallow: /api/\n"), Not(HasSubstr("/embed/"))));
  EXPECT_THAT(page("/robots.txt").body, HasSubstr("Sitemap: " + service.config.base_url() + "/sitemap.xml\n"));
}

TEST_F(Artists, WhoAreHiddenAreGone) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria), unlisted = maria.post("/songs/" + maria.song() + "/share", json::object()).at("id");
  hide("maria");
  page("/a/maria", 404);
  page("/a/maria/feed.xml", 404);
  page("/s/" + id, 404);
  page("/embed/" + unlisted, 404);
  get("/artists/maria", 404);
  get("/shares/" + id, 404);
  get("/shares/" + unlisted + "/audio", 404);
  EXPECT_THAT(get("/discover").at("songs"), IsEmpty());
  EXPECT_THAT(get("/discover").at("artists"), IsEmpty());
  EXPECT_EQ(maria.get("/artist").at("hidden"), true);
  EXPECT_EQ(maria.post("/songs/" + maria.song() + "/share", {{"visibility", "public"}}, 403).at("code"), "artist_hidden");
  become_artist(maria, "maria", "Maria!", 200);
  EXPECT_EQ(maria.get("/artist").at("hidden"), true) << "a change does not undo it";
  EXPECT_EQ(body_of(maria.send(Method::del, "/api/v1/artist")).at("code"), "artist_hidden") << "a new page would not be hidden";
  EXPECT_EQ(maria.get("/artist").at("hidden"), true);
  hide("maria", false);
  page("/s/" + id);
}

TEST_F(Artists, GiveUpTheirPage) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria);
  service.blobs->put("artists/" + maria.id + "/1-x.jpg", "x");
  EXPECT_EQ(maria.send(Method::del, "/api/v1/artist").status, 204);
  page("/a/maria", 404);
  EXPECT_EQ(service.blobs->size("artists/" + maria.id + "/1-x.jpg"), -1);
  EXPECT_THAT(page("/s/" + id).body, HasSubstr("noindex")) << "who has the link still hears the song";
  EXPECT_EQ(become_artist(otter, "maria", "Otter", 409).at("code"), "handle_taken");
  become_artist(maria, "maria", "Maria");
}

TEST_F(Artists, TakeTheirPicturesWithThem) {
  become_artist(maria, "maria", "Maria");
  service.blobs->put("artists/" + maria.id + "/1-x.jpg", "x");
  service.store->write([&](Transaction& t) {
    Artist artist = t.artists().find(maria.id).value();
    artist.picture = "artists/" + maria.id + "/1-x.jpg";
    artist.thumbnail = artist.picture;
    t.artists().update(artist, 1);
  });
  const json shown = get("/artists/maria");
  const std::string url = shown.at("picture");
  EXPECT_THAT(url, StartsWith(service.config.base_url() + "/a/maria/picture.jpg?v="));
  EXPECT_EQ(page("/a/maria/picture.jpg").file->key, "artists/" + maria.id + "/1-x.jpg");
  EXPECT_EQ(page("/a/maria/small.jpg").type, "image/jpeg");
  EXPECT_THAT(page("/a/maria").body, HasSubstr("<meta property=\"og:image\" content=\"" + url + "\">"));
  EXPECT_EQ(maria.send(Method::del, "/api/v1/artist/picture").status, 204);
  EXPECT_EQ(service.blobs->size("artists/" + maria.id + "/1-x.jpg"), -1);
  page("/a/maria/picture.jpg", 404);
}

TEST_F(Artists, GoWithTheirAccount) {
  become_artist(maria, "maria", "Maria");
  const Id id = publish(maria);
  service.blobs->put("artists/" + maria.id + "/1-x.jpg", "x");
  std::optional<Account> account;
  service.store->read([&](Transaction& t) { account = t.accounts().find(maria.id); });
  remove_account(*service.context, *account);
  page("/a/maria", 404);
  page("/s/" + id, 404);
  EXPECT_EQ(service.blobs->size("artists/" + maria.id + "/1-x.jpg"), -1);
  EXPECT_EQ(become_artist(otter, "maria", "Otter", 409).at("code"), "handle_taken");
}

TEST_F(Artists, AreToldThatNoSongIsOnTheirPage) {
  EXPECT_EQ(become_artist(maria, "maria", "Maria").at("has_songs"), false);
  const Id id = publish(maria);
  EXPECT_EQ(maria.get("/artist").at("has_songs"), true);
  maria.send(Method::patch, "/api/v1/shares/" + id, {{"visibility", "unlisted"}});
  EXPECT_EQ(maria.get("/artist").at("has_songs"), false);
}

TEST_F(Artists, PagesGoOnWithOlderSongs) {
  become_artist(maria, "maria", "Maria");
  const Id oldest = publish(maria);
  for (int i = 1; i < 100; ++i) {
    if (i % 20 == 0) service.clock.time += day;
    publish(maria);
  }
  EXPECT_THAT(page("/a/maria").body, AllOf(HasSubstr(oldest), Not(HasSubstr("?page=")), Not(HasSubstr("Newer songs"))));
  EXPECT_EQ(header_of(page("/a/maria?page=2", 302), "Location"), "/a/maria") << "nothing is there yet";
  service.clock.time += day;
  const Id newest = publish(maria);
  EXPECT_THAT(page("/a/maria").body, AllOf(HasSubstr(newest), Not(HasSubstr(oldest)), HasSubstr("href=\"/a/maria?page=2\">Older songs")));
  EXPECT_THAT(page("/a/maria?page=2").body,
              AllOf(HasSubstr(oldest), Not(HasSubstr(newest)), HasSubstr("href=\"/a/maria\">Newer songs"), Not(HasSubstr("Older songs"))));
  EXPECT_THAT(page("/a/maria?page=2").body, HasSubstr("/a/maria?page=2\">\n")) << "a page of its own for search engines";
  for (const char* first : {"0", "-1", "x", ""}) EXPECT_THAT(page(std::string("/a/maria?page=") + first).body, HasSubstr(newest)) << first;
  EXPECT_EQ(header_of(page("/a/maria?page=99999999", 302), "Location"), "/a/maria");
  become_artist(maria, "otterly", "Maria", 200);
  EXPECT_EQ(header_of(page("/a/maria?page=2", 302), "Location"), "/a/otterly?page=2");
}

TEST_F(Artists, TakeReports) {
  become_artist(maria, "maria", "Maria");
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/artists/maria/reports", {{"reason", "This is me, not her."}}).status, 202);
  EXPECT_EQ(anyone.send(Method::post, "/api/v1/artists/nobody/reports", {{"reason", "This is me."}}).status, 404);
  service.store->read([&](Transaction& t) {
    ASSERT_EQ(t.songs().open_reports(10).size(), 1u);
    EXPECT_EQ(t.songs().open_reports(10)[0].artist, maria.id);
  });
}

TEST_F(Artists, StandInTheExport) {
  become_artist(maria, "maria", "Maria");
  publish(maria);
  const json data = maria.get("/account/export");
  EXPECT_EQ(data.at("artist").at("handle"), "maria");
  EXPECT_EQ(data.at("songs").at(0).at("share").at("visibility"), "public");
  EXPECT_TRUE(otter.get("/account/export").at("artist").is_null());
}

// ---- discover ----

TEST_F(Artists, AreDiscovered) {
  become_artist(maria, "maria", "Maria");
  become_artist(otter, "otter", "Otter");
  const Id old = publish(maria, "Old");
  service.clock.time += 10;
  const Id late = publish(otter, "Late");
  json found = get("/discover");
  EXPECT_EQ(found.at("songs").size(), 2u);
  EXPECT_EQ(found.at("songs").at(0).at("id"), late);
  EXPECT_EQ(found.at("songs").at(0).at("artist").at("name"), "Otter");
  EXPECT_EQ(found.at("artists").size(), 2u);
  EXPECT_THAT(get("/discover?list=played").at("songs"), IsEmpty());
  service.store->write([&](Transaction& t) {
    t.plays().count(t.songs().find_share(old)->song, {"someone", "here"}, service.clock.now() / day, 10, 8);
  });
  EXPECT_THAT(get("/discover?list=played").at("songs"), IsEmpty()) << "kept for a minute: everybody may ask";
  service.clock.time += 60;
  EXPECT_EQ(get("/discover?list=played").at("songs").at(0).at("id"), old);
  get("/discover?list=other", 422);
  get("/discover?list=followed", 401);
  EXPECT_THAT(maria.get("/discover?list=followed").at("songs"), IsEmpty());
  maria.post("/artists/otter/follow", json::object(), 202);
  found = maria.get("/discover?list=followed");
  EXPECT_EQ(found.at("songs").at(0).at("id"), late) << "at once";
  ASSERT_EQ(found.at("artists").size(), 1u) << "those that she follows only";
  EXPECT_EQ(found.at("artists").at(0).at("handle"), "otter");
  service.clock.time += 31 * day;
  EXPECT_THAT(get("/discover?list=played").at("songs"), IsEmpty()) << "lately";
}

TEST_F(Artists, DoNotFillTheListAlone) {
  become_artist(maria, "maria", "Maria");
  become_artist(otter, "otter", "Otter");
  publish(otter);
  for (int i = 0; i < 10; ++i) publish(maria);
  EXPECT_EQ(get("/discover").at("songs").size(), 5u);
}

}  // namespace
}  // namespace webwrap::testing
