#include <fmt/chrono.h>
#include <fmt/format.h>

#include <stdexcept>

#include "commands/commands.h"
#include "domain/clock.h"
#include "domain/printable.h"
#include "domain/text.h"

namespace webwrap {
namespace {

constexpr int max_reports = 1000;

std::string when(Seconds time) { return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(static_cast<std::time_t>(time))); }

/// How the song that a report is about is shared now, perhaps anew.
std::optional<Share> share_of(Transaction& transaction, const Report& report) { return transaction.songs().share_of(report.song); }

/// What a report is about: its address, and how it stands there now.
std::string subject_of(Transaction& transaction, const Config& config, const Report& report) {
  if (report.share.empty()) {
    const auto artist = transaction.artists().find(report.artist);
    if (!artist) return "an artist's page that is gone";
    return fmt::format("{}/a/{} \"{}\" ({})", config.base_url(), artist->handle, printable(artist->name),
                       artist->hidden ? "hidden" : "shown");
  }
  const auto share = share_of(transaction, report);
  const auto song = transaction.songs().find(report.song);
  const auto artist = transaction.artists().find(report.artist);
  const std::string state = !song                                       ? "deleted"
                            : !share                                    ? "not shared any more"
                            : share->taken_down                         ? "taken down"
                            : share->visibility == Visibility::everyone ? "public"
                                                                        : "shared";
  const std::string by = artist ? fmt::format("@{}{}", artist->handle, artist->hidden ? ", hidden" : "") : "account " + report.artist;
  return fmt::format("{}/s/{}{} ({}{})", config.base_url(), share ? share->id : report.share,
                     song ? fmt::format(" \"{}\"", printable(song->title)) : "", state, report.artist.empty() ? "" : ", by " + by);
}

const char* words_of(Report::State state) {
  switch (state) {
    case Report::State::open: return "open";
    case Report::State::kept: return "kept";
    case Report::State::taken_down: return "taken down";
    case Report::State::hidden: return "artist hidden";
  }
  return "";
}

void print(Transaction& transaction, const Config& config, const Report& report) {
  fmt::print("{}  {}  {}\n", report.id, when(report.created), subject_of(transaction, config, report));
  fmt::print("  from {}\n  {}\n", report.email.empty() ? "an unnamed listener" : printable(report.email), printable(report.reason, "  "));
  if (report.state != Report::State::open)
    fmt::print("  {} by {} on {}{}\n", words_of(report.state), printable(report.decided_by), when(report.decided),
               report.note.empty() ? "" : ": " + printable(report.note, "  "));
}

void take_down(Transaction& transaction, const Id& id) {
  auto share = transaction.songs().find_share(id);
  if (!share) throw std::runtime_error(fmt::format("There is no share \"{}\".", printable(id)));
  share->taken_down = true;
  transaction.songs().update_share(*share);
}

/// A song that is not shared now is taken down all the same: it cannot be shared again.
void take_down_song(Transaction& transaction, const Report& report, Seconds now) {
  if (const auto share = share_of(transaction, report)) return take_down(transaction, share->id);
  if (!transaction.songs().find(report.song)) throw std::runtime_error("The song was deleted: there is nothing to take down, keep it.");
  Share share;
  share.id = report.share;
  share.song = report.song;
  share.account = report.artist;
  share.taken_down = true;
  share.created = now;
  transaction.songs().add_share(share);
}

void set_hidden(Transaction& transaction, Artist artist, bool hidden, Seconds now) {
  artist.hidden = hidden;
  transaction.artists().update(artist, now);
  if (hidden) transaction.earnings().stop_support(artist.account);  // fans are not to pay on for what they cannot see
}

/// The artist's page, or the song, by whatever share.
bool is_about_the_same(const Report& one, const Report& other) {
  return one.artist == other.artist && (one.song.empty() ? one.share == other.share : one.song == other.song);
}

/// The artist whom a report is about, or by whom the song is.
Artist artist_of(Transaction& transaction, const Report& report) {
  const auto artist = transaction.artists().find(report.artist);
  if (!artist) throw std::runtime_error("The report is about no artist, or the page is gone: only keep and takedown are possible.");
  return *artist;
}

}  // namespace

int reports(const Config& config, bool all) {
  open_existing_store(config)->read([&](Transaction& transaction) {
    const std::vector<Report> found = all ? transaction.songs().reports(max_reports) : transaction.songs().open_reports(max_reports);
    if (found.empty()) fmt::print("{}\n", all ? "Nobody has reported a song or an artist." : "No report waits for a decision.");
    for (const Report& report : found) print(transaction, config, report);
  });
  return 0;
}

int decide_report(const Config& config, const std::string& id, const std::string& decision, const std::string& by,
                  const std::string& note) {
  const Seconds now = SystemClock().now();
  int others = 0;
  open_existing_store(config)->write([&](Transaction& transaction) {
    auto report = transaction.songs().find_report(id);
    if (!report) throw std::runtime_error(fmt::format("There is no report \"{}\"; webwrap reports lists those that wait.", printable(id)));
    Report::State state = Report::State::kept;
    if (decision == "takedown") {
      if (report->share.empty()) throw std::runtime_error("The report is about an artist's page: hide it, or keep it.");
      take_down_song(transaction, *report, now);
      state = Report::State::taken_down;
    } else if (decision == "hide") {
      set_hidden(transaction, artist_of(transaction, *report), true, now);
      state = Report::State::hidden;
    }
    // What others wrote about the same thing is decided with it.
    std::vector<Report> decided = {*report};
    for (const Report& other : transaction.songs().open_reports(max_reports))
      if (other.id != report->id && is_about_the_same(other, *report)) decided.push_back(other);
    for (Report& one : decided) {
      one.state = state;
      one.decided_by = by;
      one.note = note;
      one.decided = now;
      transaction.songs().update_report(one);
    }
    others = static_cast<int>(decided.size()) - 1;
  });
  fmt::print("Decided: {}{}.\n", decision, others == 0 ? "" : fmt::format(", with {} more about the same", others));
  return 0;
}

int hide_artist(const Config& config, const std::string& handle, bool hidden) {
  const std::size_t at = handle.find_last_of("/@");
  const std::string name = lower_case(at == std::string::npos ? handle : handle.substr(at + 1));
  open_existing_store(config)->write([&](Transaction& transaction) {
    const auto artist = transaction.artists().find_by_handle(name);
    if (!artist) throw std::runtime_error(fmt::format("There is no artist @{}.", printable(name)));
    set_hidden(transaction, *artist, hidden, SystemClock().now());
  });
  const char* outcome = hidden ? "is hidden: the page, its songs and feed are gone, and nothing can be published on it" : "is shown again";
  fmt::print("@{} {}.\n", printable(name), outcome);
  return 0;
}

int takedown(const Config& config, const std::string& share) {
  const auto slash = share.find_last_of('/');
  const Id id = slash == std::string::npos ? share : share.substr(slash + 1);
  std::string title;
  open_existing_store(config)->write([&](Transaction& transaction) {
    take_down(transaction, id);
    if (const auto song = transaction.songs().find(transaction.songs().find_share(id)->song)) title = song->title;
  });
  fmt::print("Took down {} (\"{}\"): its page is gone, and it cannot be shared again.\n", id, printable(title));
  return 0;
}

}  // namespace webwrap
