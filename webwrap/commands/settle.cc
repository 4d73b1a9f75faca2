// What a closed account at Stripe leaves in the books: shown, and booked as paid in another way or written off.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>
#include <stdexcept>

#include "commands/commands.h"
#include "domain/clock.h"
#include "domain/id.h"
#include "domain/printable.h"

namespace webwrap {
namespace {

const char paid[] = "paid";  // or "written-off"

/// By the member's id or e-mail address, or by an account at Stripe. One that was deleted is known by the latter.
Id member_of(Transaction& transaction, const std::string& who) {
  if (const auto account = transaction.accounts().find(who)) return account->id;
  if (const auto account = transaction.accounts().find_by_email(who)) return account->id;
  if (const auto account = transaction.earnings().payout_account_of(who)) return account->account;
  if (const auto account = transaction.earnings().former_account(who)) return account->account;
  if (transaction.earnings().payout_account(who)) return who;
  throw std::runtime_error(fmt::format(
      "There is no account \"{}\": name a member by id or e-mail address, or an account at Stripe (acct_...).", printable(who)));
}

std::string words_of(const Remainder& remainder) {
  return fmt::format("{} {} (in the smallest unit) {} the {} account at Stripe", std::abs(remainder.amount), remainder.currency,
                     remainder.amount > 0 ? "lie in" : "are owed by", remainder.former.empty() ? "present" : "former " + remainder.former);
}

void print_matters(Transaction& transaction, const Id& account) {
  const auto payout = transaction.earnings().payout_account(account);
  const auto remainders = transaction.earnings().remainders(account);
  const auto pending = transaction.earnings().pending_matters(account);
  fmt::print("{}: the account at Stripe is {}.\n", account, !payout ? "not opened" : payout->is_closed() ? "closed" : "open");
  for (const Remainder& remainder : remainders) fmt::print("  {}\n", words_of(remainder));
  for (const std::string& matter : pending) fmt::print("  {}\n", matter);
  if (remainders.empty() && pending.empty()) fmt::print("  Nothing is open.\n");
  for (const StatementLine& line : transaction.earnings().settlements(account))
    fmt::print("  Settled on {:%Y-%m-%d}: {} {}: {}\n", fmt::gmtime(static_cast<std::time_t>(line.time)), line.amount, line.account,
               printable(line.note, "  "));
}

LedgerEntry entry_of(const Remainder& remainder, const Id& account, const Settlement& settlement) {
  const bool is_paid = settlement.as == paid;
  LedgerEntry entry;
  entry.key = fmt::format("settle:{}:{}", new_id(), account);
  entry.kind = is_paid ? "settled_outside" : "written_off";
  entry.note = fmt::format("{} (booked by {})", settlement.reason, settlement.by);
  entry.postings = {{remainder.account, -remainder.amount},
                    {is_paid ? outside_account(remainder.currency, account) : written_off_account(remainder.currency), remainder.amount}};
  entry.time = SystemClock().now();
  return entry;
}

}  // namespace

int settle(const Config& config, const std::string& who, const Settlement& settlement) {
  const auto store = open_existing_store(config);
  if (settlement.as.empty()) {
    store->read([&](Transaction& transaction) { print_matters(transaction, member_of(transaction, who)); });
    return 0;
  }
  if (settlement.reason.empty()) throw std::runtime_error("Say with --reason why, for the books and for the member's statement.");
  std::vector<Remainder> settled;
  store->write([&](Transaction& transaction) {
    settled.clear();
    const Id account = member_of(transaction, who);
    const auto payout = transaction.earnings().payout_account(account);
    const bool is_closed = payout && payout->is_closed();
    const auto pending = transaction.earnings().pending_matters(account);
    for (const Remainder& remainder : transaction.earnings().remainders(account)) {
      if (!settlement.currency.empty() && remainder.currency != settlement.currency) continue;
      if (remainder.former.empty() && !is_closed) continue;  // Stripe pays it out
      if (remainder.former.empty() && !pending.empty())
        throw std::runtime_error(fmt::format("Nothing was booked: {}. That moves money once more, so it comes first (docs/earning.md).",
                                             fmt::join(pending, ", ")));
      transaction.ledger().post(entry_of(remainder, account, settlement));
      settled.push_back(remainder);
    }
    if (settled.empty())
      throw std::runtime_error(fmt::format("Nothing was booked: no closed account of {} leaves anything{}.", account,
                                           settlement.currency.empty() ? "" : fmt::format(" in {}", printable(settlement.currency))));
  });
  for (const Remainder& remainder : settled) fmt::print("Booked as {}: {}.\n", settlement.as, words_of(remainder));
  return 0;
}

}  // namespace webwrap
