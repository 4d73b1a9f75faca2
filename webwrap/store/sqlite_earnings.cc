// What fans pay to artists, what Stripe pays out of it, and statements of both. (Voices and what they earn: sqlite_royalties.cc.)
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

template <>
struct SqliteSchema<PayoutAccount> {
  static constexpr const char* table = "payout_accounts";
  static constexpr std::tuple columns{
      SqliteColumn{"account", &PayoutAccount::account},     SqliteColumn{"stripe", &PayoutAccount::stripe},
      SqliteColumn{"transfers", &PayoutAccount::transfers}, SqliteColumn{"payouts", &PayoutAccount::payouts},
      SqliteColumn{"submitted", &PayoutAccount::submitted}, SqliteColumn{"missing", &PayoutAccount::missing},
      SqliteColumn{"looked", &PayoutAccount::looked},       SqliteColumn{"created", &PayoutAccount::created}};
};

template <>
struct SqliteSchema<FormerAccount> {
  static constexpr const char* table = "former_accounts";
  static constexpr std::tuple columns{SqliteColumn{"stripe", &FormerAccount::stripe}, SqliteColumn{"account", &FormerAccount::account},
                                      SqliteColumn{"replaced", &FormerAccount::replaced}};
};

template <>
struct SqliteSchema<Settlement> {
  static constexpr const char* table = "settlements";
  static constexpr std::tuple columns{SqliteColumn{"key", &Settlement::key},       SqliteColumn{"account", &Settlement::account},
                                      SqliteColumn{"stripe", &Settlement::stripe}, SqliteColumn{"currency", &Settlement::currency},
                                      SqliteColumn{"amount", &Settlement::amount}, SqliteColumn{"how", &Settlement::how},
                                      SqliteColumn{"reason", &Settlement::reason}, SqliteColumn{"booked_by", &Settlement::booked_by},
                                      SqliteColumn{"forced", &Settlement::forced}, SqliteColumn{"time", &Settlement::time}};
};

template <>
struct SqliteSchema<Tier> {
  static constexpr const char* table = "tiers";
  static constexpr std::tuple columns{SqliteColumn{"id", &Tier::id},
                                      SqliteColumn{"artist", &Tier::artist},
                                      SqliteColumn{"title", &Tier::title},
                                      SqliteColumn{"text", &Tier::text},
                                      SqliteColumn{"amount", &Tier::amount},
                                      SqliteColumn{"currency", &Tier::currency},
                                      SqliteColumn{"trial_days", &Tier::trial_days},
                                      SqliteColumn{"closed", &Tier::closed},
                                      SqliteColumn{"created", &Tier::created}};
};

template <>
struct SqliteSchema<FanSubscription> {
  static constexpr const char* table = "fan_subscriptions";
  static constexpr std::tuple columns{SqliteColumn{"id", &FanSubscription::id},
                                      SqliteColumn{"fan", &FanSubscription::fan},
                                      SqliteColumn{"artist", &FanSubscription::artist},
                                      SqliteColumn{"tier", &FanSubscription::tier},
                                      SqliteColumn{"amount", &FanSubscription::amount},
                                      SqliteColumn{"currency", &FanSubscription::currency},
                                      SqliteColumn{"fee_permille", &FanSubscription::fee_permille},
                                      SqliteColumn{"destination", &FanSubscription::destination},
                                      SqliteColumn{"trial_days", &FanSubscription::trial_days},
                                      SqliteColumn{"state", &FanSubscription::state},
                                      SqliteColumn{"idempotency_key", &FanSubscription::idempotency_key},
                                      SqliteColumn{"title", &FanSubscription::title},
                                      SqliteColumn{"session", &FanSubscription::session},
                                      SqliteColumn{"checkout_url", &FanSubscription::checkout_url},
                                      SqliteColumn{"stripe", &FanSubscription::stripe},
                                      SqliteColumn{"cancels", &FanSubscription::cancels},
                                      SqliteColumn{"late", &FanSubscription::late},
                                      SqliteColumn{"end_wanted", &FanSubscription::end_wanted},
                                      SqliteColumn{"paid_through", &FanSubscription::paid_through},
                                      SqliteColumn{"ended", &FanSubscription::ended},
                                      SqliteColumn{"retry_at", &FanSubscription::retry_at},
                                      SqliteColumn{"checked", &FanSubscription::checked},
                                      SqliteColumn{"looked", &FanSubscription::looked},
                                      SqliteColumn{"created", &FanSubscription::created}};
};

template <>
struct SqliteSchema<FanPayment> {
  static constexpr const char* table = "fan_payments";
  static constexpr std::tuple columns{SqliteColumn{"id", &FanPayment::id},
                                      SqliteColumn{"kind", &FanPayment::kind},
                                      SqliteColumn{"subscription", &FanPayment::subscription},
                                      SqliteColumn{"fan", &FanPayment::fan},
                                      SqliteColumn{"artist", &FanPayment::artist},
                                      SqliteColumn{"currency", &FanPayment::currency},
                                      SqliteColumn{"amount", &FanPayment::amount},
                                      SqliteColumn{"destination", &FanPayment::destination},
                                      SqliteColumn{"fee_permille", &FanPayment::fee_permille},
                                      SqliteColumn{"state", &FanPayment::state},
                                      SqliteColumn{"idempotency_key", &FanPayment::idempotency_key},
                                      SqliteColumn{"title", &FanPayment::title},
                                      SqliteColumn{"session", &FanPayment::session},
                                      SqliteColumn{"checkout_url", &FanPayment::checkout_url},
                                      SqliteColumn{"charge", &FanPayment::charge},
                                      SqliteColumn{"transfer", &FanPayment::transfer},
                                      SqliteColumn{"charged", &FanPayment::charged},
                                      SqliteColumn{"fee", &FanPayment::fee},
                                      SqliteColumn{"refunded", &FanPayment::refunded},
                                      SqliteColumn{"reversed", &FanPayment::reversed},
                                      SqliteColumn{"fee_refunded", &FanPayment::fee_refunded},
                                      SqliteColumn{"disputes", &FanPayment::disputes},
                                      SqliteColumn{"refund_wanted", &FanPayment::refund_wanted},
                                      SqliteColumn{"refund_failed", &FanPayment::refund_failed},
                                      SqliteColumn{"recovering", &FanPayment::recovering},
                                      SqliteColumn{"recovered", &FanPayment::recovered},
                                      SqliteColumn{"end_wanted", &FanPayment::end_wanted},
                                      SqliteColumn{"refusals", &FanPayment::refusals},
                                      SqliteColumn{"retry_at", &FanPayment::retry_at},
                                      SqliteColumn{"checked", &FanPayment::checked},
                                      SqliteColumn{"period_start", &FanPayment::period_start},
                                      SqliteColumn{"period_end", &FanPayment::period_end},
                                      SqliteColumn{"created", &FanPayment::created},
                                      SqliteColumn{"paid", &FanPayment::paid}};
};

template <>
struct SqliteSchema<Payout> {
  static constexpr const char* table = "payouts";
  static constexpr std::tuple columns{SqliteColumn{"id", &Payout::id},          SqliteColumn{"account", &Payout::account},
                                      SqliteColumn{"amount", &Payout::amount},  SqliteColumn{"currency", &Payout::currency},
                                      SqliteColumn{"state", &Payout::state},    SqliteColumn{"arrival", &Payout::arrival},
                                      SqliteColumn{"created", &Payout::created}};
};

EventWalk SqliteEarningStore::event_walk() {
  SqliteQuery query(connection_, "SELECT last, at FROM event_walk");
  return query.step() ? EventWalk{query.get<std::string>(0), query.get<Seconds>(1)} : EventWalk();
}

void SqliteEarningStore::save(const EventWalk& walk) {
  rows::run(connection_, "UPDATE event_walk SET last = ?, at = ?", walk.last, walk.at);
}

std::int64_t SqliteEarningStore::next_look() {
  return rows::value<std::int64_t>(connection_, "UPDATE stripe_looks SET number = number + 1 RETURNING number");
}

void SqliteEarningStore::save(const PayoutAccount& account) { rows::save(connection_, account); }

std::optional<PayoutAccount> SqliteEarningStore::payout_account(const Id& account) {
  return rows::find<PayoutAccount>(connection_, "account = ?", account);
}

std::optional<PayoutAccount> SqliteEarningStore::payout_account_of(const std::string& stripe) {
  return rows::find<PayoutAccount>(connection_, "stripe = ? AND stripe <> ''", stripe);
}

void SqliteEarningStore::add(const FormerAccount& account) { rows::save(connection_, account); }

std::optional<FormerAccount> SqliteEarningStore::former_account(const std::string& stripe) {
  return rows::find<FormerAccount>(connection_, "stripe = ?", stripe);
}

std::vector<FormerAccount> SqliteEarningStore::former_accounts() {
  return rows::select<FormerAccount>(connection_, "ORDER BY replaced DESC, stripe");
}

std::vector<std::string> SqliteEarningStore::unsettled(const Id& account) {
  const auto now = payout_account(account);
  std::vector<std::string> all = pending_matters(account, now ? now->stripe : "");
  bool holds = false, owes = false;
  for (const Remainder& remainder : remainders(account))
    if (!remainder.former) (remainder.amount > 0 ? holds : owes) = true;
  if (owes) all.push_back("it owes money");
  if (holds) all.push_back("money still lies in it");
  return all;
}

std::vector<std::string> SqliteEarningStore::pending_matters(const Id& account, const std::string& stripe) {
  SqliteQuery query(connection_,
                    "WITH paid_there AS (SELECT * FROM fan_payments WHERE artist = ?1 AND destination = ?2)"
                    " SELECT 'a payment to it is disputed' FROM paid_there WHERE EXISTS"
                    "  (SELECT 1 FROM json_each(nullif(disputes, '')) WHERE value ->> '$.state' = 'open')"
                    " UNION SELECT 'a disputed payment is to be taken back from it' FROM paid_there WHERE recovering > recovered"
                    " UNION SELECT 'a payment to it is being given back' FROM paid_there WHERE refund_wanted = 1 AND state = 'paid'"
                    "  AND refunded < charged"
                    " UNION SELECT 'a payout from it is on its way' FROM payouts WHERE account = ?1 AND state = 'pending'",
                    account, stripe);
  std::vector<std::string> all;
  while (query.step()) all.push_back(query.get<std::string>(0));
  return all;
}

void SqliteEarningStore::give_up_matters(const Id& account, const std::string& stripe) {
  rows::run(connection_, "UPDATE fan_payments SET recovered = recovering WHERE artist = ? AND destination = ? AND recovering > recovered",
            account, stripe);
  rows::run(connection_, "UPDATE fan_payments SET refund_wanted = 0 WHERE artist = ? AND destination = ? AND refunded < charged", account,
            stripe);
  rows::run(connection_, "UPDATE payouts SET state = 'failed' WHERE account = ? AND state = 'pending'", account);
}

std::vector<Remainder> SqliteEarningStore::remainders(const Id& account) {
  SqliteQuery query(connection_,
                    "WITH names AS (SELECT account AS name, stripe, 0 AS former FROM payout_accounts WHERE account = ?1"
                    "  UNION ALL SELECT stripe, stripe, 1 FROM former_accounts WHERE account = ?1)"
                    " SELECT postings.account, substr(postings.account, 7, instr(substr(postings.account, 7), ':') - 1), stripe,"
                    "  former, sum(amount) FROM names JOIN postings ON postings.account GLOB 'money:*:connected:' || name"
                    " GROUP BY postings.account HAVING sum(amount) <> 0 ORDER BY former, stripe, postings.account",
                    account);
  std::vector<Remainder> all;
  while (query.step())
    all.push_back(
        {query.get<std::string>(0), query.get<std::string>(1), query.get<std::string>(2), query.get<bool>(3), query.get<Money>(4)});
  return all;
}

std::vector<Settlement> SqliteEarningStore::settlements(const Id& account) {
  return rows::select<Settlement>(connection_, "WHERE account = ? ORDER BY seq DESC", account);
}

void SqliteEarningStore::add(const Settlement& settlement) { rows::insert(connection_, settlement); }

std::string SqliteEarningStore::charge_to(const std::string& stripe) {
  return rows::value<std::string>(
      connection_,
      "SELECT coalesce((SELECT charge FROM fan_payments WHERE destination = ? AND charge <> '' ORDER BY seq DESC LIMIT 1), '')", stripe);
}

std::string SqliteEarningStore::transfer_to(const std::string& stripe) {
  return rows::value<std::string>(
      connection_, "SELECT coalesce((SELECT stripe FROM royalty_transfers WHERE destination = ? AND stripe <> '' LIMIT 1), '')", stripe);
}

void SqliteEarningStore::save(const Tier& tier) { rows::save(connection_, tier); }

std::optional<Tier> SqliteEarningStore::tier(const Id& id) { return rows::find<Tier>(connection_, "id = ?", id); }

std::vector<Tier> SqliteEarningStore::tiers(const Id& artist) {
  return rows::select<Tier>(connection_, "WHERE artist = ? ORDER BY amount, created, id", artist);
}

bool SqliteEarningStore::can_have_subscribers(const Id& artist) {
  return rows::value<bool>(connection_,
                           "SELECT EXISTS (SELECT 1 FROM tiers WHERE artist = ?1 AND closed = 0)"
                           " OR EXISTS (SELECT 1 FROM fan_subscriptions WHERE artist = ?1 AND state = 'active')",
                           artist);
}

void SqliteEarningStore::save(const FanSubscription& subscription) { rows::save(connection_, subscription); }

std::optional<FanSubscription> SqliteEarningStore::subscription(const Id& id) {
  return rows::find<FanSubscription>(connection_, "id = ?", id);
}

std::optional<FanSubscription> SqliteEarningStore::subscription_of(const std::string& stripe) {
  return rows::find<FanSubscription>(connection_, "stripe = ? AND stripe <> ''", stripe);
}

std::vector<FanSubscription> SqliteEarningStore::subscriptions_of_fan(const Id& fan, int limit) {
  return rows::select<FanSubscription>(connection_, "WHERE fan = ? ORDER BY seq DESC LIMIT ?", fan, limit);
}

std::vector<FanSubscription> SqliteEarningStore::subscriptions_between(const Id& fan, const Id& artist) {
  return rows::select<FanSubscription>(connection_, "WHERE fan = ? AND artist = ? ORDER BY seq DESC", fan, artist);
}

int SqliteEarningStore::subscriber_count(const Id& artist, Seconds now) {
  return rows::value<int>(connection_, "SELECT count(DISTINCT fan) FROM fan_subscriptions WHERE artist = ? AND paid_through > ?", artist,
                          now);
}

std::vector<FanSubscription> SqliteEarningStore::subscriptions_to_end(Seconds now, int limit) {
  return rows::select<FanSubscription>(
      connection_, "WHERE end_wanted = 1 AND state IN ('created', 'pending', 'active') AND retry_at <= ? ORDER BY retry_at LIMIT ?", now,
      limit);
}

std::vector<FanSubscription> SqliteEarningStore::overdue_subscriptions(Seconds paid_before, Seconds checked_before, int limit) {
  return rows::select<FanSubscription>(connection_,
                                       "WHERE state = 'active' AND paid_through < ? AND checked < ? ORDER BY paid_through LIMIT ?",
                                       paid_before, checked_before, limit);
}

std::vector<FanSubscription> SqliteEarningStore::waiting_subscriptions(Seconds opened_before, Seconds checked_before, int limit) {
  return rows::select<FanSubscription>(
      connection_, "WHERE state IN ('created', 'pending') AND session <> '' AND created < ? AND checked < ? ORDER BY checked LIMIT ?",
      opened_before, checked_before, limit);
}

void SqliteEarningStore::stop_support(const Id& artist) { end_payments("artist", artist); }

void SqliteEarningStore::close_tiers(const Id& artist) {
  rows::run(connection_, "UPDATE tiers SET closed = 1 WHERE artist = ?", artist);
  stop_support(artist);
}

void SqliteEarningStore::leave(const Id& account) {
  close_tiers(account);
  end_payments("fan", account);
}

void SqliteEarningStore::end_payments(const std::string& side, const Id& account) {
  rows::run(
      connection_,
      "UPDATE fan_subscriptions SET end_wanted = 1, retry_at = 0 WHERE " + side + " = ? AND state IN ('created', 'pending', 'active')",
      account);
  rows::run(
      connection_,
      "UPDATE fan_payments SET end_wanted = 1, retry_at = 0 WHERE " + side + " = ? AND kind = 'tip' AND state IN ('created', 'pending')",
      account);
}

void SqliteEarningStore::save(const FanPayment& payment) { rows::save(connection_, payment); }

std::optional<FanPayment> SqliteEarningStore::payment(const Id& id) { return rows::find<FanPayment>(connection_, "id = ?", id); }

std::optional<FanPayment> SqliteEarningStore::payment_of_charge(const std::string& charge) {
  return rows::find<FanPayment>(connection_, "charge = ? AND charge <> ''", charge);
}

std::vector<FanPayment> SqliteEarningStore::payments_of_subscription(const Id& subscription) {
  return rows::select<FanPayment>(connection_, "WHERE subscription = ? AND subscription <> '' ORDER BY seq DESC", subscription);
}

std::vector<FanPayment> SqliteEarningStore::payments_of_fan(const Id& fan, int limit) {
  return rows::select<FanPayment>(connection_, "WHERE fan = ? ORDER BY seq DESC LIMIT ?", fan, limit);
}

std::vector<FanPayment> SqliteEarningStore::payments_of_artist(const Id& artist, int limit) {
  return rows::select<FanPayment>(connection_, "WHERE artist = ? AND state = 'paid' AND charged > 0 ORDER BY seq DESC LIMIT ?", artist,
                                  limit);
}

std::vector<FanPayment> SqliteEarningStore::payments_to_refund(Seconds now, int limit) {
  return rows::select<FanPayment>(
      connection_, "WHERE refund_wanted = 1 AND state = 'paid' AND refunded < charged AND retry_at <= ? ORDER BY retry_at LIMIT ?", now,
      limit);
}

std::vector<FanPayment> SqliteEarningStore::payments_to_recover(Seconds now, int limit) {
  return rows::select<FanPayment>(connection_, "WHERE recovering > recovered AND retry_at <= ? ORDER BY retry_at LIMIT ?", now, limit);
}

std::vector<FanPayment> SqliteEarningStore::tips_to_end(Seconds now, int limit) {
  return rows::select<FanPayment>(connection_,
                                  "WHERE kind = 'tip' AND end_wanted = 1 AND state IN ('created', 'pending') AND retry_at <= ?"
                                  " ORDER BY retry_at LIMIT ?",
                                  now, limit);
}

std::vector<FanPayment> SqliteEarningStore::waiting_tips(Seconds opened_before, Seconds checked_before, int limit) {
  return rows::select<FanPayment>(connection_,
                                  "WHERE kind = 'tip' AND state IN ('created', 'pending') AND session <> '' AND created < ? AND checked < ?"
                                  " ORDER BY checked LIMIT ?",
                                  opened_before, checked_before, limit);
}

Money SqliteEarningStore::leaving(const Id& artist, const std::string& currency) {
  return rows::value<Money>(connection_,
                            "SELECT (SELECT coalesce(sum(charged - fee - reversed + fee_refunded), 0) FROM fan_payments WHERE artist = ?1"
                            "  AND currency = ?2 AND refund_wanted = 1 AND state = 'paid' AND refunded < charged)"
                            " + (SELECT coalesce(sum(max(amount, 0)), 0) FROM payouts WHERE account = ?1 AND currency = ?2"
                            "  AND state = 'pending')",
                            artist, currency);
}

void SqliteEarningStore::save(const Payout& payout) { rows::save(connection_, payout); }

std::optional<Payout> SqliteEarningStore::payout(const std::string& id) { return rows::find<Payout>(connection_, "id = ?", id); }

std::vector<Payout> SqliteEarningStore::payouts_of(const Id& account, int limit) { return rows::list<Payout>(connection_, account, limit); }

std::vector<std::string> SqliteEarningStore::currencies_of(const Id& account) {
  SqliteQuery query(connection_,
                    "SELECT currency FROM fan_payments WHERE artist = ?1 UNION SELECT currency FROM royalties WHERE owner = ?1"
                    " UNION SELECT currency FROM payouts WHERE account = ?1 ORDER BY 1",
                    account);
  std::vector<std::string> all;
  while (query.step()) all.push_back(query.get<std::string>(0));
  return all;
}

std::vector<StatementLine> SqliteEarningStore::statement(const Id& account, const std::string& currency, Seconds from, Seconds to) {
  SqliteQuery query(connection_,
                    "SELECT account, kind, key, coalesce((SELECT reason FROM settlements s WHERE s.key = entries.key), ''), amount, time"
                    " FROM postings JOIN entries ON entry = entries.seq WHERE time >= ?1 AND time < ?2"
                    " AND account IN (SELECT ?3 UNION SELECT ?4 UNION SELECT ?5 UNION SELECT ?6"
                    "  UNION SELECT 'money:' || ?7 || ':connected:' || stripe FROM former_accounts WHERE former_accounts.account = ?8)"
                    " ORDER BY time, entries.seq, postings.seq",
                    from, to, connected_account(currency, account), bank_account(currency, account), royalties_account(currency, account),
                    outside_account(currency, account), currency, account);
  std::vector<StatementLine> lines;
  while (query.step())
    lines.push_back({query.get<std::string>(0), query.get<std::string>(1), query.get<std::string>(2), query.get<std::string>(3),
                     query.get<std::int64_t>(4), query.get<Seconds>(5)});
  return lines;
}

std::int64_t SqliteEarningStore::balance_before(const std::string& account, Seconds before) {
  return rows::value<std::int64_t>(
      connection_, "SELECT coalesce(sum(amount), 0) FROM postings JOIN entries ON entry = entries.seq WHERE account = ? AND time < ?",
      account, before);
}

}  // namespace webwrap
