#include "api/account_data.h"

#include <limits>

#include "api/auth.h"
#include "api/json_views.h"
#include "store/names.h"

namespace webwrap {
namespace {

using nlohmann::json;

constexpr int all = std::numeric_limits<int>::max();
constexpr Seconds guest_without_session = 3600;  // one who is being made has none yet
constexpr int guests_at_a_time = 100;

/// JSON that is kept as text.
json parsed(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json export_of(const Recording& recording) {
  return {{"id", recording.id},
          {"name", recording.name},
          {"state", name_of(recording.state)},
          {"failure", recording.failure},
          {"size", recording.size},
          {"received", recording.offset},
          {"duration_s", recording.duration_s},
          {"f0_low", recording.f0_low},
          {"f0_median", recording.f0_median},
          {"f0_high", recording.f0_high},
          {"created", recording.created}};
}

json export_of(const Job& job) {
  return {{"id", job.id},
          {"kind", name_of(job.kind)},
          {"state", name_of(job.state)},
          {"recording", job.recording},
          {"song", job.song},
          {"voice", job.voice},
          {"parameters", parsed(job.parameters)},
          {"price", job.price},
          {"failure", job.failure},
          {"created", job.created},
          {"started", job.started},
          {"finished", job.finished}};
}

json export_of(const Song& song, const std::optional<Share>& share) {
  json object = {{"id", song.id},
                 {"title", song.title},
                 {"recording", song.recording},
                 {"job", song.job},
                 {"voice", song.voice},
                 {"voice_title", song.voice_title},
                 {"voice_version", song.voice_version},
                 {"options", parsed(song.options)},
                 {"key", song.key},
                 {"duration_s", song.duration_s},
                 {"preview", song.preview},
                 {"created", song.created},
                 {"share", nullptr}};
  if (share)
    object["share"] = {{"id", share->id},
                       {"allow_download", share->allow_download},
                       {"taken_down", share->taken_down},
                       {"wet", share->wet},
                       {"level_db", share->level_db},
                       {"created", share->created}};
  return object;
}

json export_of(const Order& order) {
  return {{"id", order.id},
          {"pack", order.pack},
          {"credits", order.credits},
          {"amount", order.amount},
          {"currency", order.currency},
          {"state", name_of(order.state)},
          {"refunded_amount", order.refunded_amount},
          {"stripe_session", order.session},
          {"stripe_payment_intent", order.payment_intent},
          {"created", order.created}};
}

std::vector<std::string> blobs_of(Transaction& transaction, const Id& account) {
  std::vector<std::string> prefixes;
  for (const Recording& recording : transaction.recordings().list(account, all)) prefixes.push_back("recordings/" + recording.id + "/");
  for (const Song& song : transaction.songs().list(account, all)) prefixes.push_back("songs/" + song.id + "/");
  return prefixes;
}

}  // namespace

json export_account(Transaction& transaction, const Account& account) {
  json out = {{"account", account_view(transaction, account)}};
  for (const char* list : {"sessions", "devices", "tokens", "recordings", "jobs", "songs", "credits", "orders"}) out[list] = json::array();
  for (const Session& session : transaction.accounts().sessions(account.id))
    out["sessions"].push_back(
        {{"id", session.id}, {"user_agent", session.user_agent}, {"created", session.created}, {"last_seen", session.last_seen}});
  for (const Device& device : transaction.accounts().devices(account.id)) out["devices"].push_back({{"created", device.created}});
  for (const ApiToken& token : transaction.accounts().tokens(account.id))
    out["tokens"].push_back({{"id", token.id}, {"name", token.name}, {"created", token.created}, {"last_used", token.last_used}});
  for (const Recording& recording : transaction.recordings().list(account.id, all)) out["recordings"].push_back(export_of(recording));
  for (const Job& job : transaction.jobs().list(account.id, all)) out["jobs"].push_back(export_of(job));
  for (const Song& song : transaction.songs().list(account.id, all))
    out["songs"].push_back(export_of(song, transaction.songs().share_of(song.id)));
  for (const HistoryLine& line : transaction.ledger().history(account.id, all))
    out["credits"].push_back(
        {{"kind", line.kind}, {"note", line.note}, {"amount", line.amount}, {"balance", line.balance}, {"time", line.time}});
  for (const Order& order : transaction.orders().list(account.id, all)) out["orders"].push_back(export_of(order));
  return out;
}

void grant_free_credits(Transaction& transaction, const Config& config, const Account& account, Seconds now) {
  if (config.free_credits == 0 || account.kind != AccountKind::member || !account.email_verified) return;
  LedgerEntry entry = grant_entry(account.id, config.free_credits, "grant:" + account.id, "Free credits to begin with");
  entry.time = now;
  transaction.ledger().post(entry);
}

void remove_account(const Context& context, const Account& account) {
  // The audio goes first: should that fail, the account is still there and its owner can try again. What a worker or an upload has added
  // meanwhile goes afterwards.
  std::vector<std::string> prefixes;
  const auto remove_blobs = [&] {
    for (const std::string& prefix : prefixes) context.blobs.remove_all(prefix);
  };
  context.store.read([&](Transaction& transaction) { prefixes = blobs_of(transaction, account.id); });
  remove_blobs();
  context.store.write([&](Transaction& transaction) {
    prefixes = blobs_of(transaction, account.id);
    transaction.accounts().erase(account.id, context.clock.now());
  });
  remove_blobs();
}

int clean_up_accounts(const Context& context) {
  const Seconds now = context.clock.now();
  std::vector<Account> lost;
  context.store.write([&](Transaction& transaction) {
    transaction.accounts().erase_stale_sessions(now - session_idle);
    lost = transaction.accounts().lost_guests(now - guest_without_session, guests_at_a_time);
  });
  for (const Account& guest : lost) remove_account(context, guest);
  return static_cast<int>(lost.size());
}

void adopt_guest(Transaction& transaction, const Account& guest, const Account& member, Seconds now) {
  const auto current = transaction.accounts().find(guest.id);
  if (!current || current->kind != AccountKind::guest) return;
  transaction.jobs().hand_over(guest.id, member.id);  // guests' jobs cost nothing, so the books hold nothing of them
  for (Recording& recording : transaction.recordings().list(guest.id, all)) {
    recording.account = member.id;
    transaction.recordings().update(recording);
  }
  for (Song& song : transaction.songs().list(guest.id, all)) {
    song.account = member.id;
    transaction.songs().update(song);
  }
  transaction.accounts().erase(guest.id, now);
}

}  // namespace webwrap
