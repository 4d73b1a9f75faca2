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

/// What each paid order of credits brought in and was neither given back nor lost.
const char* const orders_kept =
    "(SELECT account, currency, credits, amount, max(0, iif(charged > 0, charged, amount) - refunded_amount - (SELECT"
    " coalesce(sum(value ->> '$.amount'), 0) FROM json_each(nullif(disputes, '')) WHERE value ->> '$.state' = 'lost')) AS kept"
    " FROM orders WHERE state IN ('paid', 'refunded', 'disputed'))";

/// Who has an order that a bank has not decided about; his account may be gone.
const char* const disputed_payers = "(SELECT account FROM orders, json_each(nullif(disputes, '')) WHERE value ->> '$.state' = 'open')";

const std::string money_checks[] = {
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
    " wanted AS (SELECT id, state, refunded + lost - charged AS fans, charged - fee - reversed + fee_refunded AS connected"
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
    " OR fee_refunded NOT BETWEEN 0 AND fee OR recovered > charged OR recovering > charged",

    "SELECT 'Payment ' || p.id || ' charged ' || charged || ', but ' || s.amount || ' was agreed with subscription ' || s.id || '.'"
    " FROM fan_payments p JOIN fan_subscriptions s ON s.id = p.subscription WHERE charged NOT IN (0, s.amount)",

    // Stripe rounds percents its own way.
    "SELECT 'Payment ' || id || ' left a fee of ' || fee || ' of ' || charged || ', but ' || fee_permille || ' thousandths were agreed.'"
    " FROM fan_payments WHERE abs(fee * 1000 - charged * fee_permille) > 1000",

    "SELECT 'Subscription ' || s.id || ' is said to be paid until ' || paid_through || ', but its payments reach until ' || reach || '.'"
    " FROM (SELECT s.id, s.paid_through, coalesce((SELECT max(period_end) FROM fan_payments p WHERE p.subscription = s.id"
    "  AND p.state = 'paid' AND (charged > 0 AND refunded < charged OR charged = 0 AND p.amount = 0)"
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

    // Less only where a payer's money is used up.
    std::string("WITH earned AS (SELECT payer, currency, sum(amount) AS amount FROM royalties GROUP BY payer, currency),"
                " paid AS (SELECT payer, currency, earned.amount, (SELECT coalesce(sum(1000 * kept), 0) FROM ") +
        orders_kept +
        " o WHERE"
        "  o.account = payer AND o.currency = earned.currency) AS kept FROM earned)"
        " SELECT 'Payer ' || payer || ' paid and kept ' || kept || ' thousandths in ' || currency || ', but ' || amount || ' of it were "
        "earned.'"
        " FROM paid WHERE amount > kept UNION ALL"
        " SELECT 'The royalty of job ' || job || ' is ' || r.amount || ' thousandths, not what ' || paid || ' credits earn.' FROM "
        "royalties r"
        " JOIN paid USING (payer, currency) WHERE r.amount > r.paid * credit_price * permille / 1000"
        " OR (r.amount < r.paid * credit_price * permille / 1000 AND paid.amount < kept)",

    "SELECT 'The royalties of jobs ' || earlier || ' and ' || job || ' are for the same bought credits.' FROM (SELECT job, bought_from,"
    " lag(job) OVER spent AS earlier, lag(bought_to) OVER spent AS reached FROM royalties"
    " WINDOW spent AS (PARTITION BY payer ORDER BY bought_from, bought_to)) WHERE reached > bought_from",

    "SELECT 'Job ' || jobs.id || ' used the voice ' || jobs.voice || ' of ' || o.account || ', but earned no royalty.' FROM voice_owners o"
    " JOIN jobs ON jobs.voice = o.voice AND jobs.account <> o.account JOIN entries ON key = 'job:' || jobs.id || ':capture'"
    " WHERE entries.time > o.since AND jobs.price > 0 AND NOT EXISTS (SELECT 1 FROM royalties r WHERE r.job = jobs.id)",

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

/// `?1`: the time.
const char* const matters[] = {
    "SELECT account || ' is at ' || sum(amount) || ': more was taken out of this account at Stripe than its owner had there.' FROM postings"
    " WHERE account GLOB 'money:*:connected:*' GROUP BY account HAVING sum(amount) < 0 AND ?1 > 0",

    "SELECT 'Payment ' || id || ' went back twice: ' || refunded || ' refunded, ' || lost || ' lost in disputes, of ' || charged || '.' "
    "FROM"
    " (SELECT id, refunded, charged, (SELECT coalesce(sum(value ->> '$.amount'), 0) FROM json_each(nullif(disputes, ''))"
    "  WHERE value ->> '$.state' = 'lost') AS lost FROM fan_payments WHERE disputes <> '') WHERE refunded + lost > charged AND ?1 > 0",

    "SELECT 'A refund of payment ' || id || ' failed: its money came back to the service; give it to the fan in another way.'"
    " FROM fan_payments WHERE refund_failed = 1 AND ?1 > 0",

    "SELECT 'Payment ' || id || ' is paid by its invoice over ' || amount || ', but no charge is known.' FROM fan_payments"
    " WHERE state = 'paid' AND amount > 0 AND charged = 0 AND ?1 > 0",

    "SELECT 'Stripe has refused ' || refusals || ' times to ' || iif(recovering > recovered, 'take a lost dispute back from the artist of',"
    " 'give back') || ' payment ' || id || '.' FROM fan_payments WHERE refusals >= 7 AND ?1 > 0"
    " AND (recovering > recovered OR (refund_wanted = 1 AND refunded < charged))",

    "SELECT 'Transfer ' || t.id || ' of ' || amount || ' ' || currency || ' waits since its making ' || ((?1 - t.created) / 86400) || ' "
    "days"
    " ago' || iif(a.missing = 'closed', ', for an account that is closed at Stripe', '') || '.' FROM royalty_transfers t"
    " LEFT JOIN payout_accounts a ON a.account = owner WHERE state = 'created' AND t.created < ?1 - 14 * 86400",
};

}  // namespace

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

std::vector<Royalty> SqliteEarningStore::royalties_by(const Id& payer) {
  return rows::select<Royalty>(connection_, "WHERE payer = ? ORDER BY bought_from, seq", payer);
}

Purchases SqliteEarningStore::purchases(const Id& payer, const std::string& currency) {
  SqliteQuery query(
      connection_,
      std::string("SELECT coalesce(min(amount * 1000 / credits) FILTER (WHERE kept > 0), 0), coalesce(sum(kept), 0) * 1000 FROM ") +
          orders_kept + " WHERE account = ? AND currency = ?",
      payer, currency);
  return query.step() ? Purchases{query.get<Mills>(0), query.get<Mills>(1)} : Purchases();
}

std::vector<Royalty> SqliteEarningStore::royalties_of(const Id& owner, int limit) {
  return rows::select<Royalty>(connection_, "WHERE owner = ? ORDER BY seq DESC LIMIT ?", owner, limit);
}

std::vector<Royalty> SqliteEarningStore::royalties_to_settle(const Id& owner, const std::string& currency, Seconds until) {
  return rows::select<Royalty>(connection_,
                               std::string("WHERE owner = ? AND currency = ? AND created <= ? AND amount <> settled AND payer NOT IN ") +
                                   disputed_payers + " ORDER BY seq",
                               owner, currency, until);
}

std::vector<EarningStore::Due> SqliteEarningStore::due(Seconds until, Mills least) {
  SqliteQuery query(connection_,
                    std::string("SELECT owner, currency, earned - 1000 * (SELECT coalesce(sum(amount), 0) FROM royalty_transfers t WHERE"
                                "  t.owner = r.owner AND t.currency = r.currency) AS due"
                                " FROM (SELECT owner, currency, sum(CASE WHEN created <= ?1 AND payer NOT IN ") +
                        disputed_payers +
                        "  THEN amount ELSE settled END) AS earned FROM royalties"
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
  for (const std::string& sql : money_checks) {
    SqliteQuery query(connection_, sql);
    while (query.step()) problems.push_back(query.get<std::string>(0));
  }
  return problems;
}

std::vector<std::string> SqliteEarningStore::attention(Seconds now) {
  std::vector<std::string> all;
  for (const char* sql : matters) {
    SqliteQuery query(connection_, sql, now);
    while (query.step()) all.push_back(query.get<std::string>(0));
  }
  return all;
}

}  // namespace webwrap
