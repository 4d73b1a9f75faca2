#pragma once
#include <gmock/gmock.h>

#include "account_testing.h"
#include "api_user.h"

namespace webwrap::testing {

/// A service with members, some of whom are artists, and listeners who have no account.
struct ArtistTest : ::testing::Test {
  ArtistTest() {
    add_artist_routes(service.router, *service.context);
    add_picture_routes(service.router, *service.context);
  }

  json become_artist(ApiUser& user, const std::string& handle, const std::string& name, int status = 201) {
    const http::Response response =
        user.send(Method::put, "/api/v1/artist", {{"handle", handle}, {"name", name}, {"links", json::array()}});
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(response.body, nullptr, false);
  }
  /// A song of theirs that everyone may hear; the id of its share.
  Id publish(ApiUser& user, const std::string& title = "Song") {
    return user.post("/songs/" + user.song(title) + "/share", {{"visibility", "public"}}).at("id");
  }
  /// A page or feed as a stranger gets it.
  http::Response page(const std::string& path, int status = 200) {
    http::Response response = anyone.send(Method::get, path);
    EXPECT_EQ(response.status, status) << path << ": " << response.body;
    return response;
  }
  json get(const std::string& path, int status = 200) {
    const http::Response response = anyone.send(Method::get, "/api/v1" + path);
    EXPECT_EQ(response.status, status) << path << ": " << response.body;
    return json::parse(response.body, nullptr, false);
  }
  /// A form sent by a page of ours.
  http::Response submit(Browser& browser, const std::string& path, const std::string& fields) {
    return browser.send_raw(Method::post, path, fields, {{"content-type", "application/x-www-form-urlencoded"}});
  }
  void hide(const std::string& handle, bool hidden = true) {
    service.store->write([&](Transaction& t) {
      Artist artist = t.artists().find_by_handle(handle).value();
      artist.hidden = hidden;
      t.artists().update(artist, service.clock.now());
    });
  }

  ApiService service;
  ApiUser maria{service, ApiUser::Kind::member}, otter{service, ApiUser::Kind::member, "192.0.2.2"};
  Browser anyone{service};
};

inline std::string header_of(const http::Response& response, const std::string& name) {
  const std::string* value = response.find_header(name);
  return value ? *value : "";
}

}  // namespace webwrap::testing
