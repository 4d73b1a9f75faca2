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
                                      SqliteColumn{"recovering", &FanPayment::recovering},
                                      SqliteColumn{"recovered", &FanPayment::recovered},
                                      SqliteColumn{"retry_at", &FanPayment::retry_at},
                                      SqliteColumn{"period_start", &FanPayment::period_start},
                                      SqliteColumn{"period_end", &FanPayment::period_end},
                                      SqliteColumn{"created", &FanPayment::created},
                                      SqliteColumn{"paid", &FanPayment::paid}};
};

template <>
struct SqliteSchema<VoiceOwner> {
  static constexpr const char* table = "voice_owners";
  static constexpr std::tuple columns{SqliteColumn{"voice", &VoiceOwner::voice}, SqliteColumn{"account", &VoiceOwner::account},
                                      SqliteColumn{"royalty_permille", &VoiceOwner::royalty_permille},
                                      SqliteColumn{"since", &VoiceOwner::since}};
};

template <>
struct SqliteSchema<Spending> {
  static constexpr const char* table = "spending";
  static constexpr std::tuple columns{SqliteColumn{"account", &Spending::account}, SqliteColumn{"given", &Spending::given},
                                      SqliteColumn{"bought", &Spending::bought}};
};

template <>
struct SqliteSchema<Royalty> {
  static constexpr const char* table = "royalties";
  static constexpr std::tuple columns{SqliteColumn{"job", &Royalty::job},
                                      SqliteColumn{"payer", &Royalty::payer},
                                      SqliteColumn{"owner", &Royalty::owner},
                                      SqliteColumn{"voice", &Royalty::voice},
                                      SqliteColumn{"currency", &Royalty::currency},
                                      SqliteColumn{"credit_price", &Royalty::credit_price},
                                      SqliteColumn{"permille", &Royalty::permille},
                                      SqliteColumn{"bought_from", &Royalty::bought_from},
                                      SqliteColumn{"bought_to", &Royalty::bought_to},
                                      SqliteColumn{"paid", &Royalty::paid},
                                      SqliteColumn{"amount", &Royalty::amount},
                                      SqliteColumn{"settled", &Royalty::settled},
                                      SqliteColumn{"changes", &Royalty::changes},
                                      SqliteColumn{"created", &Royalty::created}};
};

template <>
struct SqliteSchema<RoyaltyTransfer> {
  static constexpr const char* table = "royalty_transfers";
  static constexpr std::tuple columns{SqliteColumn{"id", &RoyaltyTransfer::id},
                                      SqliteColumn{"owner", &RoyaltyTransfer::owner},
                                      SqliteColumn{"destination", &RoyaltyTransfer::destination},
                                      SqliteColumn{"currency", &RoyaltyTransfer::currency},
                                      SqliteColumn{"amount", &RoyaltyTransfer::amount},
                                      SqliteColumn{"state", &RoyaltyTransfer::state},
                                      SqliteColumn{"stripe", &RoyaltyTransfer::stripe},
                                      SqliteColumn{"refusals", &RoyaltyTransfer::refusals},
                                      SqliteColumn{"reversed", &RoyaltyTransfer::reversed},
                                      SqliteColumn{"not_before", &RoyaltyTransfer::not_before},
                                      SqliteColumn{"created", &RoyaltyTransfer::created},
                                      SqliteColumn{"sent", &RoyaltyTransfer::sent}};
};

template <>
struct SqliteSchema<RoyaltyLine> {
  static constexpr const char* table = "royalty_lines";
  static constexpr std::tuple columns{SqliteColumn{"transfer", &RoyaltyLine::transfer}, SqliteColumn{"job", &RoyaltyLine::job},
                                      SqliteColumn{"amount", &RoyaltyLine::amount}};
};

template <>
struct SqliteSchema<Payout> {
  static constexpr const char* table = "payouts";
  static constexpr std::tuple columns{SqliteColumn{"id", &Payout::id},          SqliteColumn{"account", &Payout::account},
                                      SqliteColumn{"amount", &Payout::amount},  SqliteColumn{"currency", &Payout::currency},
                                      SqliteColumn{"state", &Payout::state},    SqliteColumn{"arrival", &Payout::arrival},
                                      SqliteColumn{"created", &Payout::created}};
};

namespace {

/// Adds the record, or changes the row whose first column is the record's.
template <class Record>
void save_row(SqliteConnection& connection, const Record& record) {
  static const std::string there = [] {
    std::string first;
    rows::for_columns<Record>([&](const auto& column, int index) {
      if (index == 0) first = column.name;
    });
    return std::string("SELECT 1 FROM ") + SqliteSchema<Record>::table + " WHERE \"" + first + "\" = ?";
  }();
  const bool known = SqliteQuery(connection, there, record.*std::get<0>(SqliteSchema<Record>::columns).member).step();
  known ? rows::update(connection, record) : rows::insert(connection, record);
}

const char* const money_checks[] = {
    // The books of money by themselves.
    "WITH units AS (SELECT entry, CASE WHEN account GLOB 'money:*' THEN substr(account, 1, 6 + instr(substr(account, 7), ':') - 1)"
    " ELSE 'credits' END AS unit FROM postings)"
    " SELECT 'Entry ' || key || ' mixes ' || min(unit) || ' and ' || max(unit) || '.' FROM units JOIN entries ON entries.seq = entry"
    " GROUP BY entry HAVING min(unit) <> max(unit)",

    // Payments of fans against what the books say of them.
    "WITH booked AS (SELECT substr(key, 5, instr(substr(key, 5), ':') - 1) AS payment,"
    "  coalesce(sum(amount) FILTER (WHERE account GLOB 'money:*:fans'), 0) AS fans,"
    "  coalesce(sum(amount) FILTER (WHERE account GLOB 'money:*:connected:*'), 0) AS connected"
    "  FROM entries JOIN postings ON entry = entries.seq WHERE key GLOB 'fan:*' GROUP BY payment),"
    " lost AS (SELECT id, coalesce((SELECT sum(value ->> '$.amount') FROM json_each(nullif(disputes, ''))"
    "  WHERE value ->> '$.state' = 'lost'), 0) AS lost FROM fan_payments),"
    " wanted AS (SELECT id, state, min(refunded + lost, charged) - charged AS fans, charged - fee - reversed + fee_refunded AS connected"
    "  FROM fan_payments JOIN lost USING (id))"
    " SELECT 'Payment ' || wanted.id || ' (' || state || ') should be ' || wanted.fans || ' for the fan and ' || wanted.connected ||"
    " ' for the artist, but the books say ' || coalesce(booked.fans, 0) || ' and ' || coalesce(booked.connected, 0) || '.'"
    " FROM wanted LEFT JOIN booked ON payment = wanted.id"
    " WHERE wanted.fans <> coalesce(booked.fans, 0) OR wanted.connected <> coalesce(booked.connected, 0)",

    "SELECT 'Entry ' || key || ' books a payment that is not there.' FROM entries WHERE key GLOB 'fan:*'"
    " AND NOT EXISTS (SELECT 1 FROM fan_payments WHERE id = substr(key, 5, instr(substr(key, 5), ':') - 1))",

    "SELECT 'Payment ' || id || ' is ' || state || ', but ' || charged || ' was charged for it.' FROM fan_payments"
    " WHERE state <> 'paid' AND charged <> 0",

    "SELECT 'Payment ' || id || ' has sums that do not fit: charged ' || charged || ', fee ' || fee || ', refunded ' || refunded ||"
    " ', taken back from the artist ' || reversed || ', fee given back ' || fee_refunded || '.' FROM fan_payments"
    " WHERE charged < 0 OR fee NOT BETWEEN 0 AND charged OR refunded NOT BETWEEN 0 AND charged OR reversed NOT BETWEEN 0 AND charged"
    " OR fee_refunded NOT BETWEEN 0 AND fee OR recovered > recovering OR recovering > charged",

    "SELECT 'Subscription ' || s.id || ' is said to be paid until ' || paid_through || ', but its payments reach until ' || reach || '.'"
    " FROM (SELECT s.id, s.paid_through, coalesce((SELECT max(period_end) FROM fan_payments p WHERE p.subscription = s.id"
    "  AND p.state = 'paid' AND (charged = 0 OR refunded < charged)"
    "  AND NOT EXISTS (SELECT 1 FROM json_each(nullif(p.disputes, '')) WHERE value ->> '$.state' IN ('open', 'lost'))), 0) AS reach"
    "  FROM fan_subscriptions s) AS s WHERE paid_through <> reach",

    // Spent credits, and what they earned.
    "SELECT 'Account ' || account || ' spent ' || captured || ' credits by the books, but ' || noted || ' are noted.' FROM"
    " (SELECT substr(p.account, 10) AS account, -sum(amount) AS captured,"
    "  coalesce((SELECT given + bought FROM spending s WHERE s.account = substr(p.account, 10)), 0) AS noted"
    "  FROM postings p JOIN entries ON entry = entries.seq WHERE kind = 'capture' AND p.account GLOB 'reserved:*' GROUP BY p.account)"
    " WHERE captured <> noted",

    "SELECT 'The royalty of job ' || job || ' is for ' || (bought_to - bought_from) || ' bought credits, but the books captured ' ||"
    " coalesce(captured, 'nothing') || '.' FROM (SELECT job, bought_from, bought_to, (SELECT -sum(amount) FROM entries JOIN postings ON"
    " entry = entries.seq WHERE key = 'job:' || job || ':capture' AND account GLOB 'reserved:*') AS captured FROM royalties)"
    " WHERE captured IS NULL OR bought_to - bought_from > captured",

    "WITH kept AS (SELECT payer, bought_from, bought_to, paid, job, coalesce((SELECT sum(amount) FROM entries JOIN postings ON"
    "  entry = entries.seq WHERE account = 'user:' || payer AND kind IN ('purchase', 'refund', 'dispute', 'dispute_won')), 0) AS bought"
    "  FROM royalties)"
    " SELECT 'The royalty of job ' || job || ' is for ' || paid || ' paid credits, which does not follow from the ' || bought ||"
    " ' that its payer bought and kept.' FROM kept WHERE paid <> max(0, min(bought_to, bought) - bought_from)",

    "SELECT 'The royalty of job ' || job || ' is ' || amount || ' thousandths, not what ' || paid || ' credits earn.' FROM royalties"
    " WHERE amount <> paid * credit_price * permille / 1000",

    "SELECT 'The royalty of job ' || r.job || ' is ' || r.amount || ' thousandths, but the books say ' || coalesce(booked, 'nothing')"
    " || '.' FROM (SELECT job, amount, (SELECT sum(p.amount) FROM entries JOIN postings p ON p.entry = entries.seq WHERE"
    "  key >= 'royalty:' || job || ':' AND key < 'royalty:' || job || ';' AND p.account = 'money:' || currency || '/1000:royalties:' || "
    "owner)"
    "  AS booked FROM royalties) AS r WHERE r.amount <> coalesce(booked, 0)",

    "SELECT 'The royalty of job ' || job || ' is settled with ' || settled || ' thousandths, but its transfers hold ' || lines || '.'"
    " FROM (SELECT job, settled, coalesce((SELECT sum(amount) FROM royalty_lines l WHERE l.job = royalties.job), 0) AS lines"
    "  FROM royalties) WHERE settled <> lines",

    "SELECT 'Owner ' || owner || ' was sent ' || sent || ' ' || currency || ' (in the smallest unit), more than was settled: ' || settled"
    " || ' thousandths.' FROM (SELECT owner, currency, sum(amount) AS sent, (SELECT coalesce(sum(settled), 0) FROM royalties r WHERE"
    "  r.owner = t.owner AND r.currency = t.currency) AS settled FROM royalty_transfers t GROUP BY owner, currency)"
    " WHERE sent * 1000 > settled",

    "SELECT 'Transfer ' || id || ' of ' || amount || ' ' || currency || ' took ' || coalesce(owed, 'nothing') || ' thousandths from what"
    " is owed.' FROM (SELECT id, amount, currency, (SELECT -sum(p.amount) FROM entries JOIN postings p ON p.entry = entries.seq"
    "  WHERE key = 'transfer:' || id || ':owed' AND p.account = 'money:' || currency || '/1000:royalties:' || owner) AS owed"
    "  FROM royalty_transfers) WHERE owed IS NOT amount * 1000",

    "SELECT 'Transfer ' || id || ' is ' || state || ', but the books say that ' || coalesce(arrived, 'nothing') || ' arrived of ' ||"
    " (amount - reversed) || '.' FROM (SELECT id, state, amount, reversed, (SELECT sum(p.amount) FROM entries JOIN postings p ON"
    "  p.entry = entries.seq WHERE key >= 'transfer:' || id || ':sent' AND key < 'transfer:' || id || ':senu'"
    "  AND p.account = 'money:' || currency || ':connected:' || owner) AS arrived FROM royalty_transfers)"
    " WHERE coalesce(arrived, 0) <> CASE state WHEN 'sent' THEN amount - reversed ELSE 0 END",

    "SELECT 'Payout ' || id || ' of ' || amount || ' ' || currency || ' is ' || state || ', but the books say that ' ||"
    " coalesce(booked, 'nothing') || ' reached the bank.' FROM (SELECT id, state, amount, currency, (SELECT sum(p.amount) FROM entries"
    "  JOIN postings p ON p.entry = entries.seq WHERE key >= 'payout:' || id || ':' AND key < 'payout:' || id || ';'"
    "  AND p.account = 'money:' || currency || ':bank:' || payouts.account) AS booked FROM payouts)"
    " WHERE coalesce(booked, 0) <> CASE state WHEN 'paid' THEN amount ELSE 0 END",
};

}  // namespace

std::int64_t SqliteEarningStore::next_look() {
  return rows::value<std::int64_t>(connection_, "UPDATE stripe_looks SET number = number + 1 RETURNING number");
}

void SqliteEarningStore::save(const PayoutAccount& account) { save_row(connection_, account); }

std::optional<PayoutAccount> SqliteEarningStore::payout_account(const Id& account) {
  return rows::find<PayoutAccount>(connection_, "account = ?", account);
}

std::optional<PayoutAccount> SqliteEarningStore::payout_account_of(const std::string& stripe) {
  return rows::find<PayoutAccount>(connection_, "stripe = ? AND stripe <> ''", stripe);
}

void SqliteEarningStore::save(const Tier& tier) { save_row(connection_, tier); }

std::optional<Tier> SqliteEarningStore::tier(const Id& id) { return rows::find<Tier>(connection_, "id = ?", id); }

std::vector<Tier> SqliteEarningStore::tiers(const Id& artist) {
  return rows::select<Tier>(connection_, "WHERE artist = ? ORDER BY amount, created, id", artist);
}

void SqliteEarningStore::save(const FanSubscription& subscription) { save_row(connection_, subscription); }

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

void SqliteEarningStore::leave(const Id& account) {
  rows::run(connection_, "UPDATE tiers SET closed = 1 WHERE artist = ?", account);
  rows::run(connection_,
            "UPDATE fan_subscriptions SET end_wanted = 1, retry_at = 0 WHERE (fan = ?1 OR artist = ?1)"
            " AND state IN ('created', 'pending', 'active')",
            account);
}

void SqliteEarningStore::save(const FanPayment& payment) { save_row(connection_, payment); }

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

void SqliteEarningStore::set_owner(const VoiceOwner& owner) {
  if (owner.account.empty())
    rows::run(connection_, "DELETE FROM voice_owners WHERE voice = ?", owner.voice);
  else
    save_row(connection_, owner);
}

std::optional<VoiceOwner> SqliteEarningStore::owner_of(const std::string& voice) {
  return rows::find<VoiceOwner>(connection_, "voice = ?", voice);
}

std::vector<VoiceOwner> SqliteEarningStore::voices_of(const Id& account) {
  return rows::select<VoiceOwner>(connection_, "WHERE account = ? ORDER BY since DESC, voice", account);
}

Spending SqliteEarningStore::spending(const Id& account) {
  return rows::find<Spending>(connection_, "account = ?", account).value_or(Spending{account});
}

void SqliteEarningStore::save(const Spending& spending) { save_row(connection_, spending); }

Credits SqliteEarningStore::given_to(const Id& account) {
  return rows::value<Credits>(connection_,
                              "SELECT coalesce(sum(amount), 0) FROM postings JOIN entries ON entry = entries.seq WHERE account = ?"
                              " AND kind = 'grant'",
                              user_account(account));
}

Credits SqliteEarningStore::bought_by(const Id& account) {
  return rows::value<Credits>(connection_,
                              "SELECT coalesce(sum(amount), 0) FROM postings JOIN entries ON entry = entries.seq WHERE account = ?"
                              " AND kind IN ('purchase', 'refund', 'dispute', 'dispute_won')",
                              user_account(account));
}

void SqliteEarningStore::save(const Royalty& royalty) { save_row(connection_, royalty); }

std::optional<Royalty> SqliteEarningStore::royalty(const Id& job) { return rows::find<Royalty>(connection_, "job = ?", job); }

std::vector<Royalty> SqliteEarningStore::royalties_to_change(const Id& payer, Credits bought) {
  return rows::select<Royalty>(
      connection_, "WHERE payer = ?1 AND paid <> max(0, min(bought_to, ?2) - bought_from) ORDER BY bought_from, seq", payer, bought);
}

std::vector<Royalty> SqliteEarningStore::royalties_of(const Id& owner, int limit) {
  return rows::select<Royalty>(connection_, "WHERE owner = ? ORDER BY seq DESC LIMIT ?", owner, limit);
}

std::vector<Royalty> SqliteEarningStore::royalties_to_settle(const Id& owner, const std::string& currency, Seconds until) {
  return rows::select<Royalty>(connection_, "WHERE owner = ? AND currency = ? AND created <= ? AND amount <> settled ORDER BY seq", owner,
                               currency, until);
}

std::vector<EarningStore::Due> SqliteEarningStore::due(Seconds until, Mills least) {
  SqliteQuery query(connection_,
                    "SELECT owner, currency, earned - 1000 * (SELECT coalesce(sum(amount), 0) FROM royalty_transfers t WHERE"
                    "  t.owner = r.owner AND t.currency = r.currency) AS due"
                    " FROM (SELECT owner, currency, sum(CASE WHEN created <= ?1 THEN amount ELSE settled END) AS earned FROM royalties"
                    "  GROUP BY owner, currency) AS r"
                    " WHERE due >= ?2 AND NOT EXISTS (SELECT 1 FROM royalty_transfers t WHERE t.owner = r.owner"
                    "  AND t.currency = r.currency AND state = 'created') ORDER BY owner, currency",
                    until, least);
  std::vector<Due> all;
  while (query.step()) all.push_back({query.get<std::string>(0), query.get<std::string>(1), query.get<Mills>(2)});
  return all;
}

void SqliteEarningStore::save(const RoyaltyTransfer& transfer) { save_row(connection_, transfer); }

void SqliteEarningStore::add(const RoyaltyLine& line) { rows::insert(connection_, line); }

std::vector<RoyaltyLine> SqliteEarningStore::lines_of(const Id& transfer) {
  return rows::select<RoyaltyLine>(connection_, "WHERE transfer = ? ORDER BY seq", transfer);
}

std::optional<RoyaltyTransfer> SqliteEarningStore::transfer(const Id& id) { return rows::find<RoyaltyTransfer>(connection_, "id = ?", id); }

std::optional<RoyaltyTransfer> SqliteEarningStore::transfer_of(const std::string& stripe) {
  return rows::find<RoyaltyTransfer>(connection_, "stripe = ? AND stripe <> ''", stripe);
}

std::vector<RoyaltyTransfer> SqliteEarningStore::transfers_of(const Id& owner, int limit) {
  return rows::select<RoyaltyTransfer>(connection_, "WHERE owner = ? ORDER BY seq DESC LIMIT ?", owner, limit);
}

std::vector<RoyaltyTransfer> SqliteEarningStore::transfers_to_send(Seconds now, int limit) {
  return rows::select<RoyaltyTransfer>(connection_, "WHERE state = 'created' AND not_before <= ? ORDER BY seq LIMIT ?", now, limit);
}

void SqliteEarningStore::save(const Payout& payout) { save_row(connection_, payout); }

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
                    "SELECT account, kind, note, key, amount, time FROM postings JOIN entries ON entry = entries.seq"
                    " WHERE account IN (?, ?, ?) AND time >= ? AND time < ? ORDER BY time, entries.seq, postings.seq",
                    connected_account(currency, account), bank_account(currency, account), royalties_account(currency, account), from, to);
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

std::vector<std::string> SqliteEarningStore::audit() {
  std::vector<std::string> problems;
  for (const char* sql : money_checks) {
    SqliteQuery query(connection_, sql);
    while (query.step()) problems.push_back(query.get<std::string>(0));
  }
  return problems;
}

}  // namespace webwrap
