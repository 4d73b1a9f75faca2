// What is wrong with the books, and what a person must see to. Each check is a query whose rows are one sentence each; none: all is well.
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {
namespace {

/// Of credits.
const char* const credit_checks[] = {
    // The books by themselves.
    "SELECT 'Entry ' || key || ' sums to ' || coalesce(sum(amount), 0) || ' credits, not 0.'"
    " FROM entries JOIN postings ON entry = entries.seq GROUP BY entries.seq HAVING sum(amount) <> 0",

    "SELECT 'Entry ' || key || ' has no postings.' FROM entries WHERE seq NOT IN (SELECT entry FROM postings)",

    "SELECT 'Posting ' || seq || ' to ' || account || ' belongs to no entry.' FROM postings WHERE entry NOT IN (SELECT seq FROM entries)",

    "SELECT account || ' has ' || sum(amount) || ' credits: what is reserved cannot be negative.'"
    " FROM postings WHERE account GLOB 'reserved:*' GROUP BY account HAVING sum(amount) < 0",

    "SELECT account || ' has ' || sum(amount) || ' credits, though none of its payments was taken back.'"
    " FROM postings WHERE account GLOB 'user:*' GROUP BY account HAVING sum(amount) < 0 AND account NOT IN"
    " (SELECT account FROM entries JOIN postings ON entry = entries.seq WHERE kind IN ('refund', 'dispute'))",

    // Reserves against the jobs that hold them: the sum, so that nothing is held for no job.
    "SELECT account || ' holds ' || held || ' credits, but its queued and running jobs reserved ' || wanted || '.' FROM"
    " (SELECT account, sum(amount) AS held, (SELECT coalesce(sum(price), 0) FROM jobs WHERE jobs.account = substr(postings.account, 10)"
    " AND state IN ('queued', 'running')) AS wanted FROM postings WHERE account GLOB 'reserved:*' GROUP BY account) WHERE held <> wanted",

    // Each job's entries against its price and state.
    "WITH steps AS (SELECT id, account, state, price,"
    " (SELECT sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':reserve'"
    "   AND postings.account = 'reserved:' || jobs.account) AS reserved,"
    " (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':capture'"
    "   AND postings.account = 'reserved:' || jobs.account) AS captured,"
    " (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq WHERE key = 'job:' || id || ':release'"
    "   AND postings.account = 'reserved:' || jobs.account) AS released FROM jobs)"
    " SELECT 'Job ' || id || ' is ' || state || ' at a price of ' || price || ' credits, but the books say: reserved ' ||"
    " coalesce(reserved, 'nothing') || ', captured ' || coalesce(captured, 'nothing') || ', released ' || coalesce(released, 'nothing')"
    " || '.' FROM steps WHERE reserved IS NOT nullif(price, 0)"
    " OR captured IS NOT CASE WHEN state = 'done' THEN nullif(price, 0) END"
    " OR released IS NOT CASE WHEN state IN ('failed', 'cancelled') THEN nullif(price, 0) END",

    // Jobs may be gone with their account; what they reserved must be settled all the same, and only what was reserved.
    "WITH reserves AS (SELECT substr(key, 1, length(key) - 8) AS job, amount FROM entries JOIN postings ON entry = entries.seq"
    "  WHERE kind = 'reserve' AND account GLOB 'reserved:*')"
    " SELECT 'What ' || substr(job, 5) || ' reserved is not settled, and there is no such job.' FROM reserves"
    " WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = substr(job, 5)) AND amount IS NOT"
    " (SELECT -sum(p.amount) FROM entries e JOIN postings p ON p.entry = e.seq WHERE e.key IN (job || ':capture', job || ':release')"
    "  AND p.account GLOB 'reserved:*')",

    "SELECT 'Entry ' || key || ' settles what was never reserved.' FROM entries AS settled WHERE kind IN ('capture', 'release')"
    " AND NOT EXISTS (SELECT 1 FROM entries WHERE key = substr(settled.key, 1, length(settled.key) - 7) || 'reserve')",

    // Orders against what was sold.
    "SELECT 'Order ' || id || ' is ' || state || ', but ' || coalesce(booked, 'no') || ' credits were booked for it, not ' ||"
    " credits || '.' FROM (SELECT id, state, credits, (SELECT sum(amount) FROM entries JOIN postings ON entry = entries.seq"
    " WHERE key = 'stripe:' || session || ':sold' AND postings.account = 'user:' || orders.account) AS booked FROM orders"
    " WHERE state IN ('paid', 'refunded', 'disputed')) WHERE booked IS NOT credits",

    "SELECT 'Order ' || id || ' is ' || state || ', but credits were booked for it.' FROM orders"
    " WHERE state NOT IN ('paid', 'refunded', 'disputed') AND session <> ''"
    " AND EXISTS (SELECT 1 FROM entries WHERE key = 'stripe:' || session || ':sold')",

    "SELECT 'Entry ' || key || ' sells credits that no order asked for.' FROM entries WHERE kind = 'purchase'"
    " AND NOT EXISTS (SELECT 1 FROM orders WHERE session <> '' AND key = 'stripe:' || session || ':sold')",

    // In any mixture of refunds and disputes: only the sum is sure.
    "SELECT 'Order ' || id || ' is refunded, but ' || coalesce(taken, 'no') || ' credits were taken back for it, not ' || credits || '.'"
    " FROM (SELECT id, credits, (SELECT -sum(amount) FROM entries JOIN postings ON entry = entries.seq"
    " WHERE key >= 'stripe:' || session || ':back:' AND key < 'stripe:' || session || ':back;'"
    " AND postings.account = 'user:' || orders.account) AS taken FROM orders WHERE state = 'refunded') WHERE taken IS NOT credits",
};

/// Of money.
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
        SqliteEarningStore::orders_kept +
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
    "  AND p.account GLOB 'money:' || currency || ':connected:*') AS arrived FROM royalty_transfers)"
    " WHERE coalesce(arrived, 0) <> CASE state WHEN 'sent' THEN amount - reversed ELSE 0 END",

    "SELECT 'Payout ' || id || ' of ' || amount || ' ' || currency || ' is ' || state || ', but the books say that ' ||"
    " coalesce(booked, 'nothing') || ' reached the bank.' FROM (SELECT id, state, amount, currency, (SELECT sum(p.amount) FROM entries"
    "  JOIN postings p ON p.entry = entries.seq WHERE key >= 'payout:' || id || ':' AND key < 'payout:' || id || ';'"
    "  AND p.account = 'money:' || currency || ':bank:' || payouts.account) AS booked FROM payouts)"
    " WHERE coalesce(booked, 0) <> CASE state WHEN 'paid' THEN amount ELSE 0 END",

    // What the operator has settled: all of it with a reason, and nothing else is booked there.
    "SELECT 'Entry ' || key || ' settles what a closed account left without a reason.' FROM entries WHERE key GLOB 'settle:*' AND note = "
    "''",

    "SELECT 'Settlement ' || key || ' is of ' || amount || ' ' || currency || ', but the books say ' || coalesce(booked, 'nothing') || '.'"
    " FROM (SELECT key, amount, currency, (SELECT -sum(p.amount) FROM entries e JOIN postings p ON p.entry = e.seq"
    "  WHERE e.key = settlements.key AND p.account GLOB 'money:*:connected:*') AS booked FROM settlements) WHERE coalesce(booked, 0) <> "
    "amount",

    "SELECT 'Entry ' || key || ' moves ' || amount || ' at ' || account || ', which only a settlement of a closed account may.'"
    " FROM postings JOIN entries ON entry = entries.seq WHERE (key GLOB 'settle:*') <>"
    "  (account GLOB 'money:*:outside:*' OR account GLOB 'money:*:written_off')"
    " AND NOT (key GLOB 'settle:*' AND account GLOB 'money:*:connected:*')",
};

/// What the books hold rightly and the operator must see to. `?1`: the time.
const char* const matters[] = {
    "SELECT account || ' is at ' || sum(amount) || ': more was taken out of this account at Stripe than its owner had there.' FROM postings"
    " WHERE account GLOB 'money:*:connected:*' AND NOT EXISTS (SELECT 1 FROM former_accounts"
    "  WHERE postings.account GLOB 'money:*:connected:' || stripe) GROUP BY account HAVING sum(amount) < 0 AND ?1 > 0",

    "SELECT 'Since the closed account ' || stripe || ' of ' || f.account || ' was replaced, ' || sum(amount) || ' moved there (' ||"
    " p.account || '): its owner is to get it, or owes it.' FROM former_accounts f JOIN postings p"
    " ON p.account GLOB 'money:*:connected:' || stripe GROUP BY p.account HAVING sum(amount) <> 0 AND ?1 > 0",

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

template <class... T>
void add_sentences(std::vector<std::string>& all, SqliteConnection& connection, const std::string& sql, const T&... values) {
  SqliteQuery query(connection, sql, values...);
  while (query.step()) all.push_back(query.get<std::string>(0));
}

}  // namespace

std::vector<std::string> SqliteLedgerStore::audit() {
  std::vector<std::string> problems;
  SqliteQuery integrity(connection_, "PRAGMA integrity_check");
  while (integrity.step())
    if (const auto line = integrity.get<std::string>(0); line != "ok") problems.push_back("The database is damaged: " + line + ".");
  SqliteQuery foreign(connection_, "PRAGMA foreign_key_check");
  while (foreign.step())
    problems.push_back("A row of " + foreign.get<std::string>(0) + " names one of " + foreign.get<std::string>(2) + " that is not there.");
  for (const char* sql : credit_checks) add_sentences(problems, connection_, sql);
  return problems;
}

std::vector<std::string> SqliteEarningStore::audit() {
  std::vector<std::string> problems;
  for (const std::string& sql : money_checks) add_sentences(problems, connection_, sql);
  return problems;
}

std::vector<std::string> SqliteEarningStore::attention(Seconds now) {
  std::vector<std::string> all;
  for (const char* sql : matters) add_sentences(all, connection_, sql, now);
  return all;
}

}  // namespace webwrap
