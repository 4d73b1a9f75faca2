#include "domain/error.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
namespace {

constexpr int max_devices = 20;

[[noreturn]] void fail_email_taken() {
  throw ServiceError(409, "email_taken", "There is an account with this e-mail address already: log in, or reset its password.");
}

}  // namespace

void SqliteAccountStore::add(const Account& account) {
  if (!account.email.empty() && find_by_email(account.email)) fail_email_taken();
  rows::insert(connection_, account);
}

void SqliteAccountStore::update(const Account& account) {
  if (!account.email.empty()) {
    const std::optional<Account> owner = find_by_email(account.email);
    if (owner && owner->id != account.id) fail_email_taken();
  }
  rows::update(connection_, account);
}

std::optional<Account> SqliteAccountStore::find(const Id& id) { return rows::find<Account>(connection_, "id = ?", id); }

std::optional<Account> SqliteAccountStore::find_by_email(const std::string& email) {
  return rows::find<Account>(connection_, "email = ? AND email <> ''", email);
}

void SqliteAccountStore::erase(const Id& id, Seconds now) {
  SqliteLedgerStore ledger(connection_);
  for (const Job& job : rows::select<Job>(connection_, "WHERE account = ? AND state IN ('queued', 'running') AND price > 0", id)) {
    LedgerEntry entry = release_entry(id, job.id, job.price, "Account deleted");
    entry.time = now;
    ledger.post(entry);
  }
  SqliteArtistStore(connection_).forget(id, now);
  // Only who has shown that the address is hers speaks for it.
  if (const std::optional<Account> account = find(id); account && account->email_verified && !account->email.empty())
    SqliteFollowStore(connection_).erase_all_of(account->email);
  SqliteEarningStore(connection_).leave(id);
  rows::run(connection_, "DELETE FROM accounts WHERE id = ?", id);
}

void SqliteAccountStore::add_session(const Session& session) { rows::insert(connection_, session); }

std::optional<Session> SqliteAccountStore::find_session(const std::string& token_hash) {
  return rows::find<Session>(connection_, "token_hash = ?", token_hash);
}

void SqliteAccountStore::touch_session(const std::string& token_hash, Seconds now) {
  rows::run(connection_, "UPDATE sessions SET last_seen = ? WHERE token_hash = ?", now, token_hash);
}

std::vector<Session> SqliteAccountStore::sessions(const Id& account) {
  return rows::select<Session>(connection_, "WHERE account = ? ORDER BY seq DESC", account);
}

void SqliteAccountStore::erase_session(const Id& session) { rows::run(connection_, "DELETE FROM sessions WHERE id = ?", session); }

void SqliteAccountStore::erase_sessions(const Id& account) { rows::run(connection_, "DELETE FROM sessions WHERE account = ?", account); }

void SqliteAccountStore::erase_stale_sessions(Seconds seen_before) {
  rows::run(connection_, "DELETE FROM sessions WHERE last_seen < ?", seen_before);
}

std::vector<Account> SqliteAccountStore::orphaned_guests(Seconds made_before, int limit) {
  return rows::select<Account>(connection_,
                               "WHERE kind = 'guest' AND created < ? AND NOT EXISTS (SELECT 1 FROM sessions WHERE account = accounts.id) "
                               "ORDER BY seq DESC LIMIT ?",
                               made_before, limit);
}

void SqliteAccountStore::add_device(const Device& device) {
  if (has_device(device.token_hash, device.account)) return;
  rows::insert(connection_, device);
  rows::run(connection_,
            "DELETE FROM devices WHERE account = ?1 AND seq NOT IN (SELECT seq FROM devices WHERE account = ?1 ORDER BY seq DESC LIMIT ?2)",
            device.account, max_devices);
}

bool SqliteAccountStore::is_device(const std::string& token_hash) {
  return rows::find<Device>(connection_, "token_hash = ?", token_hash).has_value();
}

bool SqliteAccountStore::has_device(const std::string& token_hash, const Id& account) {
  return rows::find<Device>(connection_, "token_hash = ? AND account = ?", token_hash, account).has_value();
}

std::vector<Device> SqliteAccountStore::devices(const Id& account) {
  return rows::select<Device>(connection_, "WHERE account = ? ORDER BY seq DESC", account);
}

void SqliteAccountStore::erase_devices(const Id& account) { rows::run(connection_, "DELETE FROM devices WHERE account = ?", account); }

void SqliteAccountStore::add_token(const ApiToken& token) { rows::insert(connection_, token); }

std::optional<ApiToken> SqliteAccountStore::find_token(const std::string& token_hash) {
  return rows::find<ApiToken>(connection_, "token_hash = ?", token_hash);
}

void SqliteAccountStore::touch_token(const std::string& token_hash, Seconds now) {
  rows::run(connection_, "UPDATE api_tokens SET last_used = ? WHERE token_hash = ?", now, token_hash);
}

std::vector<ApiToken> SqliteAccountStore::tokens(const Id& account) {
  return rows::select<ApiToken>(connection_, "WHERE account = ? ORDER BY seq DESC", account);
}

bool SqliteAccountStore::erase_token(const Id& account, const Id& token) {
  return rows::run(connection_, "DELETE FROM api_tokens WHERE account = ? AND id = ?", account, token) > 0;
}

void SqliteAccountStore::add_mail_token(const MailToken& token) { rows::insert(connection_, token); }

std::optional<MailToken> SqliteAccountStore::consume_mail_token(const std::string& token_hash, const std::string& purpose, Seconds now) {
  rows::run(connection_, "DELETE FROM mail_tokens WHERE expires <= ?", now);
  const std::optional<MailToken> token = rows::find<MailToken>(connection_, "token_hash = ? AND purpose = ?", token_hash, purpose);
  if (token) rows::run(connection_, "DELETE FROM mail_tokens WHERE token_hash = ?", token_hash);
  return token;
}

void SqliteAccountStore::erase_mail_tokens(const Id& account, const std::string& purpose) {
  rows::run(connection_, "DELETE FROM mail_tokens WHERE account = ? AND purpose = ?", account, purpose);
}

bool SqliteAccountStore::within_limit(const std::string& what, const std::string& who, int limit, Seconds window, Seconds now) {
  rows::run(connection_, "DELETE FROM limited_events WHERE expires <= ?", now);
  // What is refused is not written: the rows of one `who` stay few however often it tries.
  const int count =
      rows::value<int>(connection_, "SELECT count(*) FROM (SELECT 1 FROM limited_events WHERE what = ? AND who = ? AND time > ? LIMIT ?)",
                       what, who, now - window, limit);
  if (count >= limit) return false;
  rows::run(connection_, "INSERT INTO limited_events (what, who, time, expires) VALUES (?, ?, ?, ?)", what, who, now, now + window);
  return true;
}

void SqliteAccountStore::forget_limit(const std::string& what, const std::string& who) {
  rows::run(connection_, "DELETE FROM limited_events WHERE what = ? AND who = ?", what, who);
}

}  // namespace webwrap
