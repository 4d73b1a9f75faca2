#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/artists.h"
#include "api/auth.h"
#include "api/follows.h"
#include "api/handlers.h"
#include "api/html.h"
#include "api/kept.h"
#include "api/reports.h"
#include "api/share_access.h"
#include "api/shares.h"
#include "domain/id.h"
#include "domain/text.h"

namespace webwrap {
namespace {

using http::Method;
using http::Request;
using http::Response;
using nlohmann::json;

constexpr int max_page_songs = 100;
constexpr int max_pages = 1000;  // more than anyone has songs for
constexpr int max_feed_items = 50;
constexpr int max_sitemap_urls = 50'000;  // of the protocol
constexpr Seconds sitemap_age = 600;

std::string count_words(std::int64_t count, const char* word) { return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s"); }

std::string clock_words(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

struct ArtistPage {
  const Config& config;
  Artist artist;
  std::vector<PublicSong> songs;
  int number = 1;         ///< of the page, from the latest songs on
  bool has_more = false;  ///< older songs than these
  std::int64_t followers = 0, plays = 0;
  std::string follow_form;   ///< HTML
  bool supportable = false;  ///< fans can pay to the artist
  Seconds now = 0;
};

std::string page_query(int number) { return number > 1 ? fmt::format("?page={}", number) : ""; }

std::string link_previews(const ArtistPage& page) {
  const Artist& artist = page.artist;
  const std::string url = artist_url(page.config, artist), address = url + page_query(page.number),
                    picture = picture_url(page.config, artist),
                    image = picture.empty() ? page.config.base_url() + "/assets/og.png" : picture,
                    about = artist.bio.empty() ? fmt::format("Songs by {} on voxconv. {}", artist.name, ai_notice) : artist.bio;
  std::string html = meta_tag("name", "description", about);
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"og:type", "profile"},
                                      {"og:title", artist.name},
                                      {"og:description", about},
                                      {"og:url", address},
                                      {"og:site_name", "voxconv"},
                                      {"og:image", image},
                                      {"profile:username", artist.handle}})
    html += meta_tag("property", name, content);
  html += meta_tag("name", "twitter:card", "summary");
  html += fmt::format(
      "<link rel=\"canonical\" href=\"{4}\">\n"
      "<link rel=\"alternate\" type=\"application/rss+xml\" href=\"{0}/feed.xml\" title=\"{1}\">\n"
      "<link rel=\"alternate\" type=\"application/json+oembed\" href=\"{2}/api/v1/oembed?url={3}&amp;format=json\" title=\"{1}\">\n",
      escape_html(url), escape_html(artist.name), escape_html(page.config.base_url()), escape_html(http::encode_path(url)),
      escape_html(address));
  return html;
}

std::string lines_html(const std::string& text) {
  std::string html;
  for (const char c : text) html += c == '\n' ? std::string("<br>\n") : escape_html(std::string(1, c));
  return html;
}

std::string links_html(const Artist& artist) {
  std::string html;
  for (const json& link : json::parse(artist.links)) {
    const std::string url = link.at("url"), rest = url.substr(url.find("//") + 2);
    // The host stands beside the title, so that none can pose as another address.
    html += fmt::format(
        "<li><a href=\"{}\" rel=\"nofollow ugc noopener noreferrer\" target=\"_blank\">{}</a> <span class=\"small quiet\">{}</span></li>\n",
        escape_html(url), isolated(link.at("title")), escape_html(rest.substr(0, rest.find_first_of("/?#"))));
  }
  return html.empty() ? html : "<ul class=\"artist-links\">\n" + html + "</ul>\n";
}

std::string song_html(const PublicSong& song, Seconds now) {
  // Whether the reader is a subscriber is asked on the song's own page.
  const bool locked = is_for_subscribers(song.share, now);
  const std::string audio =
      locked ? "" : fmt::format("<audio controls preload=\"none\" src=\"/api/v1/shares/{}/audio\"></audio>\n", song.share.id);
  return fmt::format(
      "<li class=\"artist-song\" data-share=\"{0}\" data-title=\"{1}\">\n{6}"
      "<div><a class=\"song-title\" href=\"/s/{0}\">{2}</a>\n"
      "<p class=\"small quiet\">Voice: {3} · {4} · {5}{7}</p></div></li>\n",
      song.share.id, escape_html(song.song.title), isolated(song.song.title), isolated(song.song.voice_title),
      clock_words(song.song.duration_s), count_words(song.plays, "play"), audio, locked ? " · for subscribers" : "");
}

/// Links to the songs before and after these.
std::string more_html(const ArtistPage& page) {
  const auto link = [&](const char* relation, std::size_t number, const char* words) {
    return fmt::format("<a class=\"button\" rel=\"{}\" href=\"/a/{}{}\">{}</a>\n", relation, page.artist.handle, page_query(number), words);
  };
  std::string html;
  if (page.number > 1) html += link("prev", page.number - 1, "Newer songs");
  if (page.has_more) html += link("next", page.number + 1, "Older songs");
  return html.empty() ? html : "<nav class=\"row\" aria-label=\"More songs\">\n" + html + "</nav>\n";
}

std::string artist_html(const ArtistPage& page) {
  const Artist& artist = page.artist;
  const std::string name = escape_html(artist.name), picture = picture_url(page.config, artist);
  std::string html = html_head_start;
  html += fmt::format("<title>{} (@{}) · voxconv</title>\n", name, artist.handle) + link_previews(page) +
          "<script type=\"module\" src=\"/assets/share.js\"></script>\n</head>\n<body>\n<main class=\"artist\">\n<header>\n";
  if (!picture.empty())
    html += fmt::format("<img class=\"artist-picture\" src=\"{}\" alt=\"\" width=\"144\" height=\"144\">\n", escape_html(picture));
  html += fmt::format("<div><h1>{}</h1>\n<p class=\"quiet\">@{} · {} · {}</p></div>\n</header>\n", isolated(artist.name), artist.handle,
                      count_words(page.plays, "play"), count_words(page.followers, "follower"));
  if (!artist.bio.empty()) html += fmt::format("<p class=\"artist-bio\"><bdi>{}</bdi></p>\n", lines_html(artist.bio));
  html += links_html(artist) + page.follow_form;
  if (page.supportable) html += fmt::format("<p><a class=\"button\" href=\"/app/support/{}\">Support</a></p>\n", artist.handle);
  html +=
      "<p class=\"ai-notice\">The vocals of these songs are AI-converted: they were sung by one person and given another voice by "
      "software.</p>\n<h2>Songs</h2>\n";
  if (page.songs.empty()) {
    html += "<p class=\"quiet\">No songs yet. Follow to hear of the first one.</p>\n";
  } else {
    html += "<ul class=\"artist-songs\">\n";
    for (const PublicSong& song : page.songs) html += song_html(song, page.now);
    html += "</ul>\n" + more_html(page);
  }
  html +=
      fmt::format("<p class=\"small\"><a href=\"/a/{}/feed.xml\">RSS feed</a> · <a href=\"/app/discover\">Discover other artists</a></p>\n",
                  artist.handle);
  return html + report_form(fmt::format("/artists/{}/reports", artist.handle), "What is wrong with this page?") + html_brand +
         "</main>\n</body>\n</html>\n";
}

Response missing_artist() {
  return message_page(404, "There is no such artist here",
                      "<p>The page has never been there, or is not there any more.</p>\n<p><a class=\"button\" href=\"/app/discover\">"
                      "Discover songs</a></p>\n");
}

/// To the address as it is now. Not for ever: the old one may become another's in time.
Response moved_to(const std::string& path) {
  Response response;
  response.status = 302;
  response.type = "";
  response.headers = {{"Location", path}, {"Cache-Control", "no-cache"}};
  return response;
}

/// Answers for the artist of an address, by `found(transaction, artist)`; `rest`: what follows the handle in the address.
template <class Found>
Response for_artist(const Context& context, const Request& request, const std::string& rest, Found found) {
  const std::string handle = lower_case(request.params.at("handle"));
  Response response = missing_artist();
  context.store.read([&](Transaction& transaction) {
    const auto artist = find_public_artist(transaction, handle, context.clock.now());
    if (!artist) return;
    response = artist->handle == request.params.at("handle") ? found(transaction, *artist) : moved_to("/a/" + artist->handle + rest);
  });
  return response;
}

/// Of the page that is asked for; 1 where the address does not say, or says no number.
int page_number(const Request& request) {
  const std::string given = query_of(request, "page");
  int number = 1;
  std::from_chars(given.data(), given.data() + given.size(), number);
  return std::clamp(number, 1, max_pages);
}

Response get_page(const Context& context, const Request& request) {
  const auto account = find_account(context, request);
  const int number = page_number(request);
  return for_artist(context, request, page_query(number), [&](Transaction& transaction, const Artist& artist) {
    std::vector<Share> shares = transaction.artists().public_shares(artist.account, max_page_songs + 1, (number - 1) * max_page_songs);
    if (number > 1 && shares.empty()) return moved_to("/a/" + artist.handle);
    ArtistPage page{context.config, artist, {}, number, shares.size() > max_page_songs, 0, 0, {}, false, context.clock.now()};
    if (page.has_more) shares.pop_back();
    page.songs = public_songs(transaction, shares);
    page.followers = transaction.follows().count(artist.account);
    page.plays = transaction.plays().of_public_songs(artist.account);
    page.follow_form = follow_form(transaction, artist, account);
    const auto payout = transaction.earnings().payout_account(artist.account);
    page.supportable = context.connect.configured() && payout && payout->can_earn();
    return html_response(200, artist_html(page));
  });
}

// ---- for programs ----

/// Text in XML: escaped, without the characters that XML cannot hold.
std::string escape_xml(const std::string& text) {
  std::string clean;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 && c != '\n' && c != '\t') continue;
    if (text.compare(at, 3, "\xef\xbf\xbe") == 0 || text.compare(at, 3, "\xef\xbf\xbf") == 0) {  // U+FFFE, U+FFFF
      at += 2;
      continue;
    }
    clean += text[at];
  }
  return escape_html(clean);
}

std::string rfc822_date(Seconds time) { return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(static_cast<std::time_t>(time))); }

/// An answer that is the same for everyone, for a while.
Response public_response(const Request& request, const std::string& type, std::string body) {
  Response response;
  response.type = type;
  const std::string etag = '"' + hash_secret(body).substr(0, 32) + '"';
  response.headers = {{"Cache-Control", "public, max-age=300"}, {"ETag", etag}};
  if (request.header("if-none-match").find(etag) != std::string::npos)
    response.status = 304;
  else
    response.body = std::move(body);
  return response;
}

/// `audio`: empty for a song that is for subscribers: readers of feeds are nobody.
/// With the sound only where the artist lets listeners download it: programs that read feeds keep it.
std::string feed_item(const Context& context, const PublicSong& song, const std::string& audio) {
  const std::string url = share_url(context.config, song.share);
  const std::string enclosure =
      song.share.allow_download && !audio.empty()
          ? fmt::format("<enclosure url=\"{}/api/v1/shares/{}/audio\" length=\"{}\" type=\"audio/mpeg\"/>\n",
                        escape_xml(context.config.base_url()), song.share.id, std::max<std::int64_t>(0, context.blobs.size(audio)))
          : std::string();
  return fmt::format(
      "<item>\n<title>{}</title>\n<link>{}</link>\n<guid isPermaLink=\"true\">{}</guid>\n<pubDate>{}</pubDate>\n"
      "<description>{}</description>\n{}</item>\n",
      escape_xml(song.song.title), escape_xml(url), escape_xml(url), rfc822_date(song.share.published),
      escape_xml(fmt::format("Sung with the voice {}. {}", song.song.voice_title, ai_notice)), enclosure);
}

struct Feed {
  Artist artist;
  std::vector<std::pair<PublicSong, std::string>> songs;  ///< with the blob keys of what is heard
};

std::string feed_xml(const Context& context, const Feed& feed) {
  const std::string url = artist_url(context.config, feed.artist), picture = picture_url(context.config, feed.artist),
                    name = escape_xml(feed.artist.name),
                    about = feed.artist.bio.empty() ? fmt::format("New songs by {} on voxconv", feed.artist.name) : feed.artist.bio;
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>\n"
      "<title>{0}</title>\n<link>{1}</link>\n<description>{2}</description>\n"
      "<atom:link href=\"{1}/feed.xml\" rel=\"self\" type=\"application/rss+xml\"/>\n",
      name, escape_xml(url), escape_xml(about));
  if (!picture.empty())
    xml += fmt::format("<image><url>{}</url><title>{}</title><link>{}</link></image>\n", escape_xml(picture), name, escape_xml(url));
  for (const auto& [song, audio] : feed.songs) xml += feed_item(context, song, audio);
  return xml + "</channel>\n</rss>\n";
}

Response get_feed(const Context& context, const Request& request) {
  std::optional<Feed> feed;
  const Response other = for_artist(context, request, "/feed.xml", [&](Transaction& transaction, const Artist& artist) {
    feed = Feed{artist, {}};
    for (PublicSong& song : public_songs(transaction, transaction.artists().public_shares(artist.account, max_feed_items)))
      if (const std::string audio = shared_audio(transaction, song.share, song.song); !audio.empty())
        feed->songs.emplace_back(std::move(song), is_for_subscribers(song.share, context.clock.now()) ? "" : audio);
    return Response();
  });
  // Outside the transaction: it asks for the files' sizes.
  return feed ? public_response(request, "application/rss+xml; charset=utf-8", feed_xml(context, *feed)) : other;
}

std::string make_sitemap(const Context& context) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
  int urls = 0;
  const auto add = [&](const std::string& url) {
    if (urls++ < max_sitemap_urls) xml += fmt::format("<url><loc>{}</loc></url>\n", escape_xml(url));
  };
  context.store.read([&](Transaction& transaction) {
    add(context.config.base_url() + "/");
    add(context.config.base_url() + "/app/discover");
    for (const Artist& artist : transaction.artists().most_followed(max_sitemap_urls)) add(artist_url(context.config, artist));
    for (const Share& share : transaction.artists().newest_shares(max_sitemap_urls)) add(share_url(context.config, share));
  });
  return xml + "</urlset>\n";
}

Response get_robots(const Context& context, const Request& request) {
  return public_response(request, "text/plain; charset=utf-8",
                         // Sound and players of songs are what link previews show; pages that are not to be listed say so themselves.
                         fmt::format("User-agent: *\nAllow: /api/v1/oembed\nAllow: /api/v1/shares/\nDisallow: /api/\n"
                                     "Disallow: /follow/\nSitemap: {}/sitemap.xml\n",
                                     context.config.base_url()));
}

}  // namespace

void add_artist_pages(http::Router& router, Context& context) {
  router.add(Method::get, "/a/{handle}", [&context](const Request& request) { return get_page(context, request); });
  router.add(Method::get, "/a/{handle}/feed.xml", [&context](const Request& request) { return get_feed(context, request); });
  const auto sitemap = std::make_shared<Kept<std::string>>(sitemap_age);
  router.add(Method::get, "/sitemap.xml", [&context, sitemap](const Request& request) {
    const std::string text = sitemap->get(context.clock.now(), [&] { return make_sitemap(context); });
    return public_response(request, "application/xml; charset=utf-8", text);
  });
  router.add(Method::get, "/robots.txt", [&context](const Request& request) { return get_robots(context, request); });
}

}  // namespace webwrap
