#include <fmt/chrono.h>
#include <fmt/format.h>

#include "api/artists.h"
#include "api/html.h"
#include "api/reports.h"
#include "api/shares.h"
#include "http/message.h"

namespace webwrap {
namespace {

std::string share_picture(const Config& config, const std::optional<Artist>& artist) {
  return artist ? picture_url(config, *artist) : std::string();
}

/// Who sings, and how often it was heard; nothing for what only who has the link knows.
std::string by_line(const SharePage& page, bool embed) {
  if (!page.artist) return {};
  return fmt::format("<p class=\"by\">by <a href=\"/a/{}\"{}>{}</a> <span class=\"small quiet\">{} {}</span></p>\n", page.artist->handle,
                     embed ? " target=\"_blank\" rel=\"noopener\"" : "", isolated(page.artist->name), page.plays,
                     page.plays == 1 ? "play" : "plays");
}

/// What other sites show of a link: Open Graph, Twitter card, oEmbed.
std::string link_previews(const SharePage& page) {
  const bool for_all = !page.share.subscribers_only;
  const std::string base = page.config.base_url(), url = share_url(page.config, page.share), embed = embed_url(page.config, page.share),
                    audio = fmt::format("{}/api/v1/shares/{}/audio", base, page.share.id),
                    picture = share_picture(page.config, page.artist),
                    about = fmt::format("Sung with the voice {}. {}", page.song.voice_title, ai_notice);
  const std::string image = picture.empty() ? base + "/assets/og.png" : picture;
  std::string html = meta_tag("name", "description", about);
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"og:type", "music.song"},
                                      {"og:title", page.song.title},
                                      {"og:description", about},
                                      {"og:url", url},
                                      {"og:site_name", "voxconv"},
                                      {"og:image", image},
                                      {"og:audio", for_all ? audio : ""},
                                      {"og:audio:type", for_all ? "audio/mpeg" : ""},
                                      {"music:duration", fmt::format("{:.0f}", page.song.duration_s)}})
    if (!content.empty()) html += meta_tag("property", name, content);
  if (picture.empty()) html += meta_tag("property", "og:image:width", "1200") + meta_tag("property", "og:image:height", "630");
  if (page.artist) html += meta_tag("property", "music:musician", artist_url(page.config, *page.artist));
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"twitter:card", "player"},
                                      {"twitter:title", page.song.title},
                                      {"twitter:description", about},
                                      {"twitter:image", image},
                                      {"twitter:player", embed},
                                      {"twitter:player:width", "480"},
                                      {"twitter:player:height", "180"}})
    html += meta_tag("name", name, content);
  html += fmt::format(
      "<link rel=\"canonical\" href=\"{0}\">\n"
      "<link rel=\"alternate\" type=\"application/json+oembed\" href=\"{1}/api/v1/oembed?url={2}&amp;format=json\" title=\"{3}\">\n",
      escape_html(url), escape_html(base), escape_html(http::encode_path(url)), escape_html(page.song.title));
  return html;
}

/// In the place of the player, for who does not support the singer.
std::string locked_notice(const SharePage& page) {
  const std::string when =
      page.share.opens == 0 ? "" : fmt::format(" Everyone can hear it from {:%Y-%m-%d %H:%M} UTC on.", fmt::gmtime(page.share.opens));
  return fmt::format(
      "<p class=\"locked\">This song is for those who support its singer.{}</p>\n"
      "<p><a class=\"button primary\" href=\"/app/support/{}?song={}\" target=\"_top\">Support the singer</a></p>\n",
      when, page.share.account, page.share.id);
}

}  // namespace

std::string embed_url(const Config& config, const Share& share) { return fmt::format("{}/embed/{}", config.base_url(), share.id); }

std::string share_html(const SharePage& page, bool embed) {
  const std::string title = escape_html(page.song.title), audio = fmt::format("/api/v1/shares/{}/audio", page.share.id);
  std::string html = html_head_start;
  html += fmt::format("<title>{}</title>\n", title);
  if (embed || page.share.visibility == Visibility::unlisted) html += "<meta name=\"robots\" content=\"noindex\">\n";
  if (!embed) html += link_previews(page);
  html += "<script type=\"module\" src=\"/assets/share.js\"></script>\n</head>\n<body>\n";
  html += fmt::format(
      "<main data-share=\"{}\" data-title=\"{}\" data-duration=\"{:.2f}\" data-allow-download=\"{}\"{}>\n"
      "<h1>{}</h1>\n{}"
      "<p class=\"voice\">Sung with the voice {}</p>\n"
      "{}"
      "<p class=\"ai-notice\">{}</p>\n",
      page.share.id, title, page.song.duration_s, page.hearing.download, embed ? " data-embed" : "", title, by_line(page, embed),
      escape_html(page.song.voice_title),
      page.hearing.locked ? locked_notice(page) : fmt::format("<audio controls preload=\"none\" src=\"{}\"></audio>\n", audio), ai_notice);
  if (page.hearing.download)
    html += fmt::format("<p><a class=\"download\" href=\"/api/v1/shares/{}/file\" download>Download</a></p>\n", page.share.id);
  if (embed)
    html += fmt::format("<p><a href=\"/s/{}\" target=\"_blank\" rel=\"noopener\">Open the page of this song</a></p>\n", page.share.id);
  else
    html += report_form(fmt::format("/shares/{}/reports", page.share.id), "What is wrong with this song?") + html_brand;
  return html + "</main>\n</body>\n</html>\n";
}

std::string missing_share_html() {
  return std::string(html_head_start) +
         "<title>No song here</title>\n<meta name=\"robots\" content=\"noindex\">\n</head>\n<body>\n<main>\n<h1>There is no song "
         "here</h1>\n"
         "<p>It was never shared, or is not shared any more.</p>\n<p><a class=\"button\" href=\"/\">To the start "
         "page</a></p>\n</main>\n</body>\n</html>\n";
}

}  // namespace webwrap
