// Who owns voices, what they earn, and how it is sent.
#include "store/sqlite_connection.h"
#include "store/sqlite_stores.h"

namespace webwrap {

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

namespace {

/// Who has an order that a bank has not decided about; his account may be gone.
const char* const disputed_payers = "(SELECT account FROM orders, json_each(nullif(disputes, '')) WHERE value ->> '$.state' = 'open')";

}  // namespace

void SqliteEarningStore::set_owner(const VoiceOwner& owner) {
  if (owner.account.empty())
    rows::run(connection_, "DELETE FROM voice_owners WHERE voice = ?", owner.voice);
  else
    rows::save(connection_, owner);
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

void SqliteEarningStore::save(const Spending& spending) { rows::save(connection_, spending); }

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

void SqliteEarningStore::save(const Royalty& royalty) { rows::save(connection_, royalty); }

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

void SqliteEarningStore::save(const RoyaltyTransfer& transfer) { rows::save(connection_, transfer); }

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

}  // namespace webwrap
