#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/follows.h"
#include "api/handlers.h"
#include "api/shares.h"
#include "domain/id.h"
#include "domain/printable.h"
#include "log/log.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr Seconds mailing_gap = day;  // songs that come out meanwhile stand together in the next mail
constexpr int mails_at_a_time = 50, max_songs_in_a_mail = 20, mailings_at_a_time = 20;

/// Begins a mailing for each artist with songs that nobody was told of. Each song is told of once, whoever followed by then.
void begin_mailings(const Context& context, Transaction& transaction, Seconds now) {
  const Seconds public_since = now - context.config.announce_delay_s;
  for (const Id& artist : transaction.follows().artists_with_news(public_since, now - mailing_gap)) {
    json songs = json::array();
    for (const Share& share : transaction.follows().news_of(artist, public_since)) {
      transaction.follows().note_announced(share.song);
      songs.push_back(share.song);
    }
    transaction.follows().add_mailing({new_id(), artist, songs.dump(), 0, false, now});
  }
}

/// The mail's text without its end; empty: none of the songs is public any more.
std::string news_text(const Context& context, Transaction& transaction, const Mailing& mailing, std::string& subject) {
  const auto artist = transaction.artists().find(mailing.artist);
  if (!artist || artist->hidden) return {};
  std::string lines;
  int count = 0;
  std::string title;
  for (const std::string song_id : json::parse(mailing.songs)) {
    const auto song = transaction.songs().find(song_id);
    const auto share = transaction.songs().share_of(song_id);
    if (!song || !share || share->taken_down || share->visibility != Visibility::everyone) continue;
    title = printable(song->title);
    if (++count <= max_songs_in_a_mail) lines += fmt::format("{}\n{}\n\n", title, share_url(context.config, *share));
  }
  if (count == 0) return {};
  const std::string name = printable(artist->name);
  subject = count == 1 ? fmt::format("{}: {}", name, title) : fmt::format("{}: {} new songs", name, count);
  return fmt::format("{} (@{}) has {} on voxconv:\n\n{}", name, artist->handle,
                     count == 1 ? "a new song" : fmt::format("{} new songs", count), lines) +
         fmt::format("--\nYou get this mail because you follow @{} on voxconv. Stop these mails:\n", artist->handle);
}

/// Writes the next mails of a mailing; how many.
int send_some(const Context& context, Mailing mailing) {
  std::string subject, text;
  std::vector<Follower> followers;
  context.store.read([&](Transaction& transaction) {
    text = news_text(context, transaction, mailing, subject);
    if (!text.empty()) followers = transaction.follows().followers_after(mailing.artist, mailing.after, mails_at_a_time);
  });
  int sent = 0;
  try {
    for (const Follower& follower : followers) {
      const std::string stop = fmt::format("{}/follow/stop/{}", context.config.base_url(), follower.id);
      context.mailer.send({follower.email, subject, text + stop + "\n", stop, true});
      mailing.after = follower.place;
      ++sent;
    }
  } catch (const std::exception& error) {  // too many wait: the rest follows the next time
    log(Level::warning, "mailing waits", {{"mailing", mailing.id}, {"error", error.what()}});
    if (sent == 0) return 0;
    followers.resize(mails_at_a_time);
  }
  mailing.done = static_cast<int>(followers.size()) < mails_at_a_time;
  context.store.write([&](Transaction& transaction) { transaction.follows().update_mailing(mailing); });
  return sent;
}

}  // namespace

int send_mailings(const Context& context) {
  const Seconds now = context.clock.now();
  std::vector<Mailing> open;
  bool news = false;
  context.store.read([&](Transaction& transaction) {
    news = !transaction.follows().artists_with_news(now - context.config.announce_delay_s, now - mailing_gap).empty();
    open = transaction.follows().open_mailings(mailings_at_a_time);
  });
  if (news)
    context.store.write([&](Transaction& transaction) {
      begin_mailings(context, transaction, now);
      open = transaction.follows().open_mailings(mailings_at_a_time);
    });
  int sent = 0;
  for (const Mailing& mailing : open)
    if (sent < mails_at_a_time) sent += send_some(context, mailing);
  return sent;
}

}  // namespace webwrap
