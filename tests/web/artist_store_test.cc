#include <gmock/gmock.h>

#include "database.h"
#include "domain/error.h"

namespace webwrap::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ArtistStoreTest : ::testing::Test, Database {
  Artist add_artist(const std::string& handle, const std::string& name, Seconds now = 100) {
    Artist artist;
    artist.account = add_account().id;
    artist.handle = handle;
    artist.name = name;
    artist.links = "[]";
    artist.created = now;
    store->write([&](Transaction& t) { t.artists().add(artist, now); });
    return artist;
  }
  /// The code of what is thrown; empty: nothing is.
  std::string code_of(const std::function<void(Transaction&)>& work) {
    try {
      store->write(work);
    } catch (const ServiceError& error) {
      EXPECT_EQ(error.status(), 409);
      return error.code();
    }
    return {};
  }
  std::string rename(Artist& artist, const std::string& handle, const std::string& name, Seconds now) {
    Artist wanted = artist;
    wanted.handle = handle;
    wanted.name = name;
    const std::string code = code_of([&](Transaction& t) { t.artists().update(wanted, now); });
    if (code.empty()) artist = wanted;
    return code;
  }
  /// What adding one more artist is refused for.
  std::string try_to_add(const std::string& handle, const std::string& name, Seconds now) {
    Artist artist;
    artist.account = add_account().id;
    artist.handle = handle;
    artist.name = name;
    return code_of([&](Transaction& t) { t.artists().add(artist, now); });
  }
  /// The name of the artist that an address leads to, by the handle now or an older one.
  std::string at(const std::string& handle, Seconds now) {
    std::string name = "nobody";
    store->read([&](Transaction& t) {
      if (const auto artist = t.artists().find_by_handle(handle)) name = artist->name;
      if (const auto artist = t.artists().find_by_old_handle(handle, now)) name = "moved: " + artist->handle;
    });
    return name;
  }
  Share add_share(const Id& account, Visibility visibility, Seconds published) {
    Song song;
    song.id = new_id();
    song.account = account;
    Share share;
    share.id = new_id();
    share.song = song.id;
    share.account = account;
    share.visibility = visibility;
    share.published = share.public_since = published;
    store->write([&](Transaction& t) {
      t.songs().add(song);
      t.songs().add_share(share);
    });
    return share;
  }
  std::vector<Id> newest() {
    std::vector<Id> ids;
    store->read([&](Transaction& t) {
      for (const Share& share : t.artists().newest_shares(10)) ids.push_back(share.id);
    });
    return ids;
  }
};

TEST_F(ArtistStoreTest, KeepsArtists) {
  Artist artist = add_artist("maria", "Maria");
  artist.bio = "Sings \"ä\"\nsince 1999";
  artist.links = R"([{"title":"Home","url":"https://example.org/"}])";
  artist.picture = "artists/a/1-picture.jpg";
  artist.thumbnail = "artists/a/1-small.jpg";
  artist.files = "{}";
  artist.hidden = true;
  store->write([&](Transaction& t) { t.artists().update(artist, 200); });
  store->read([&](Transaction& t) {
    const Artist found = t.artists().find(artist.account).value();
    EXPECT_EQ(found.account, artist.account);
    EXPECT_EQ(found.handle, "maria");
    EXPECT_EQ(found.name, "Maria");
    EXPECT_EQ(found.bio, artist.bio);
    EXPECT_EQ(found.links, artist.links);
    EXPECT_EQ(found.picture, artist.picture);
    EXPECT_EQ(found.thumbnail, artist.thumbnail);
    EXPECT_EQ(found.files, "{}");
    EXPECT_TRUE(found.hidden);
    EXPECT_EQ(found.created, 100);
    EXPECT_EQ(t.artists().find_by_handle("maria").value().account, artist.account);
    EXPECT_FALSE(t.artists().find_by_handle("Maria"));
    EXPECT_FALSE(t.artists().find("nobody"));
  });
}

TEST_F(ArtistStoreTest, LetsNoTwoArtistsLookAlike) {
  add_artist("maria-k", "The Otters");
  EXPECT_EQ(try_to_add("maria-k", "Someone", 200), "handle_taken");
  EXPECT_EQ(try_to_add("mar1ak", "Someone", 200), "handle_taken");
  EXPECT_EQ(try_to_add("someone", "The  0tters!", 200), "name_taken");
  EXPECT_EQ(try_to_add("someone", "Maria K", 200), "name_taken") << "a name like another's handle";
  EXPECT_EQ(try_to_add("the-otters", "Someone", 200), "handle_taken") << "a handle like another's name";
  EXPECT_EQ(try_to_add("someone", "Someone", 200), "") << "one's own may be alike, and what was refused is not reserved";
}

TEST_F(ArtistStoreTest, LeadsFromAnOldHandleToThePage) {
  Artist maria = add_artist("maria", "Maria");
  ASSERT_EQ(rename(maria, "maria-sings", "Maria", 200), "");
  EXPECT_EQ(at("maria", 201), "moved: maria-sings");
  ASSERT_EQ(rename(maria, "otter", "Otter", 300), "");
  EXPECT_EQ(at("maria", 301), "moved: otter");
  EXPECT_EQ(at("maria-sings", 301), "moved: otter");
  EXPECT_EQ(at("maria", 200 + artist_name_kept), "nobody") << "its time is over";
  ASSERT_EQ(rename(maria, "maria", "Maria", 400), "") << "back again";
  EXPECT_EQ(at("maria", 401), "Maria");
  EXPECT_EQ(at("otter", 401), "moved: maria");
}

TEST_F(ArtistStoreTest, KeepsForATimeWhatIsGivenUp) {
  Artist maria = add_artist("maria", "Maria");
  ASSERT_EQ(rename(maria, "otter", "Otter", 200), "");
  EXPECT_EQ(try_to_add("maria", "Someone", 200 + artist_name_kept - 1), "handle_taken");
  EXPECT_EQ(try_to_add("someone", "María", 200 + artist_name_kept - 1), "name_taken");
  EXPECT_EQ(try_to_add("maria", "Someone", 200 + artist_name_kept), "");
  EXPECT_EQ(at("maria", 200 + artist_name_kept), "Someone");
  EXPECT_EQ(rename(maria, "maria", "Otter", 300 + artist_name_kept), "handle_taken") << "it is another's now";
  EXPECT_EQ(at("otter", 0), "Otter");
}

TEST_F(ArtistStoreTest, ReservesTheNamesOfAPageThatIsGivenUp) {
  const Artist maria = add_artist("maria", "Maria");
  const Share share = add_share(maria.account, Visibility::everyone, 150);
  store->write([&](Transaction& t) { t.artists().erase(maria.account, 200); });
  EXPECT_EQ(at("maria", 201), "nobody");
  EXPECT_EQ(try_to_add("maria", "Someone", 201), "handle_taken");
  store->read([&](Transaction& t) {
    EXPECT_EQ(t.songs().find_share(share.id).value().visibility, Visibility::unlisted) << "who has the link still hears it";
  });
  EXPECT_EQ(code_of([&](Transaction& t) { t.artists().add(maria, 300); }), "") << "the same member may come back";
  EXPECT_EQ(at("maria", 301), "Maria");
}

TEST_F(ArtistStoreTest, GoWithTheirAccountButNobodyTakesTheirNamesAtOnce) {
  Artist maria = add_artist("maria", "Maria");
  ASSERT_EQ(rename(maria, "otter", "Maria", 200), "");
  store->write([&](Transaction& t) { t.accounts().erase(maria.account, 300); });
  EXPECT_EQ(at("otter", 301), "nobody");
  EXPECT_EQ(at("maria", 301), "nobody");
  EXPECT_EQ(try_to_add("otter", "Someone", 301), "handle_taken");
  EXPECT_EQ(try_to_add("someone", "Maria", 301), "name_taken");
  EXPECT_EQ(try_to_add("otter", "Maria", 300 + artist_name_kept), "");
  // What stays leads to no person.
  EXPECT_EQ(tamper("CREATE TABLE proof (n INTEGER CHECK (n = 0))"), "");
  EXPECT_EQ(tamper("INSERT INTO proof SELECT count(*) FROM artist_keys WHERE account = '" + maria.account + "'"), "");
  EXPECT_EQ(tamper("INSERT INTO proof SELECT count(*) FROM artist_handles WHERE account = '" + maria.account + "'"), "");
}

TEST_F(ArtistStoreTest, ShowsWhatEveryoneMaySee) {
  Artist maria = add_artist("maria", "Maria"), otter = add_artist("otter", "Otter");
  const Share old = add_share(maria.account, Visibility::everyone, 200), late = add_share(otter.account, Visibility::everyone, 300);
  add_share(maria.account, Visibility::unlisted, 0);
  Share down = add_share(maria.account, Visibility::everyone, 250);
  down.taken_down = true;
  store->write([&](Transaction& t) { t.songs().update_share(down); });
  EXPECT_THAT(newest(), ElementsAre(late.id, old.id));
  store->read([&](Transaction& t) {
    ASSERT_EQ(t.artists().public_shares(maria.account, 10).size(), 1u);
    EXPECT_EQ(t.artists().public_shares(maria.account, 10)[0].id, old.id);
    EXPECT_EQ(t.artists().newest_shares(1).size(), 1u);
  });
  otter.hidden = true;
  store->write([&](Transaction& t) { t.artists().update(otter, 400); });
  EXPECT_THAT(newest(), ElementsAre(old.id));
  store->write([&](Transaction& t) { t.artists().erase(maria.account, 500); });
  EXPECT_THAT(newest(), IsEmpty());
}

}  // namespace
}  // namespace webwrap::testing
