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
#include "domain/text.h"
#include "payments/earnings.h"
#include "payments/stripe_client.h"

namespace webwrap {
namespace {

struct Party {
  Id member;
  std::string stripe;  ///< the one account at Stripe that is meant; empty: all that the member had
};

/// By the member's id or e-mail address, or by an account at Stripe. One that was deleted is known by its id or the latter.
Party find_party(Transaction& transaction, const std::string& who) {
  if (const auto account = transaction.accounts().find(who)) return {account->id, ""};
  if (const auto account = transaction.accounts().find_by_email(who)) return {account->id, ""};
  if (const auto account = transaction.earnings().payout_account_of(who)) return {account->account, who};
  if (const auto account = transaction.earnings().former_account(who)) return {account->account, who};
  if (transaction.earnings().payout_account(who)) return {who, ""};
  throw std::runtime_error(fmt::format(
      "There is no account \"{}\": name a member by id or e-mail address, or an account at Stripe (acct_...).", printable(who)));
}

/// An account at Stripe, and what is open there.
struct Matter {
  std::string stripe, state;
  bool open = false;  ///< Stripe pays out what lies there
  std::vector<std::string> pending;
  std::vector<Remainder> remainders;
};

std::vector<Matter> matters_of(Transaction& transaction, const Party& party) {
  EarningStore& earnings = transaction.earnings();
  std::vector<Matter> all;
  const auto add = [&](const std::string& stripe, const std::string& state, bool open) {
    if (!party.stripe.empty() && party.stripe != stripe) return;
    all.push_back({stripe, state, open, earnings.pending_matters(party.member, stripe), {}});
    for (const Remainder& remainder : earnings.remainders(party.member))
      if (remainder.stripe == stripe) all.back().remainders.push_back(remainder);
  };
  if (const auto now = earnings.payout_account(party.member))
    add(now->stripe, now->is_closed() ? "closed" : "open, as far as is known", !now->is_closed());
  for (const FormerAccount& one : earnings.former_accounts())
    if (one.account == party.member) add(one.stripe, "closed, and replaced by another one", false);
  return all;
}

std::string words_of(const Remainder& remainder) {
  return fmt::format("{} {} (in the smallest unit) {}", std::abs(remainder.amount), remainder.currency,
                     remainder.amount > 0 ? "lie there" : "are owed by it");
}

void print_matters(Transaction& transaction, const Party& party) {
  const std::vector<Matter> matters = matters_of(transaction, party);
  if (matters.empty()) fmt::print("{} has never had an account at Stripe.\n", party.member);
  for (const Matter& matter : matters) {
    fmt::print("{} of {}: {}.\n", matter.stripe, party.member, matter.state);
    for (const Remainder& remainder : matter.remainders)
      fmt::print("  {}: --amount={} --currency={}\n", words_of(remainder), remainder.amount, remainder.currency);
    for (const std::string& pending : matter.pending) fmt::print("  {}\n", pending);
    if (matter.remainders.empty() && matter.pending.empty()) fmt::print("  Nothing is open.\n");
  }
  for (const Settlement& one : transaction.earnings().settlements(party.member))
    fmt::print("Settled on {:%Y-%m-%d}: {} {} of {} as {}, by {}: {}{}\n", fmt::gmtime(static_cast<std::time_t>(one.time)), one.amount,
               one.currency, one.stripe, one.how, printable(one.booked_by), printable(one.reason, "  "),
               one.forced.empty() ? "" : fmt::format(" (given up: {})", one.forced));
}

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error("Nothing was booked: " + why); }

/// The one that is meant. One without a remainder only where its matters are to be given up.
Matter choose(Transaction& transaction, const Party& party, const SettleOptions& options) {
  const std::string currency = lower_case(options.currency);
  std::vector<Matter> closed;
  std::vector<std::string> names;
  for (Matter matter : matters_of(transaction, party)) {
    if (matter.open) continue;
    if (!currency.empty()) std::erase_if(matter.remainders, [&](const Remainder& one) { return one.currency != currency; });
    if (matter.remainders.empty() && (!options.force || matter.pending.empty())) continue;
    for (const Remainder& one : matter.remainders) names.push_back(fmt::format("{} {} of {}", one.amount, one.currency, matter.stripe));
    if (matter.remainders.empty()) names.push_back("0 of " + matter.stripe);
    closed.push_back(matter);
  }
  if (names.empty())
    refuse(fmt::format("no closed account of {} leaves anything{}.", party.stripe.empty() ? party.member : party.stripe,
                       currency.empty() ? "" : fmt::format(" in {}", printable(currency))));
  if (names.size() > 1)
    refuse(fmt::format("there are {}. Name one, by the account at Stripe (acct_...) and --currency.", fmt::join(names, ", ")));
  return closed.front();
}

/// Without what was still to move money there, if that is to be given up; as sentences.
std::string give_up(Transaction& transaction, const Party& party, const Matter& matter, bool force) {
  if (matter.pending.empty()) return {};
  if (force) transaction.earnings().give_up_matters(party.member, matter.stripe);
  const std::vector<std::string> left = transaction.earnings().pending_matters(party.member, matter.stripe);
  if (!left.empty())
    refuse(fmt::format("{}: {}. That moves money once more, so it comes first (docs/earning.md).", matter.stripe, fmt::join(left, ", ")));
  return fmt::format("{}", fmt::join(matter.pending, ", "));
}

Settlement book(Transaction& transaction, const Party& party, const SettleOptions& options) {
  const Matter matter = choose(transaction, party, options);
  const Remainder remainder = matter.remainders.empty() ? Remainder() : matter.remainders.front();
  if (*options.amount != remainder.amount)
    refuse(fmt::format("{} {} are left of {}, not {}.", remainder.amount, remainder.currency, matter.stripe, *options.amount));
  Settlement made;
  made.key = fmt::format("settle:{}:{}", new_id(), party.member);
  made.account = party.member;
  made.stripe = matter.stripe;
  made.currency = remainder.currency;
  made.amount = remainder.amount;
  made.how = options.as;
  made.reason = options.reason;
  made.booked_by = options.by;
  made.forced = give_up(transaction, party, matter, options.force);
  made.time = SystemClock().now();
  transaction.earnings().add(made);
  if (made.amount == 0) return made;
  const bool is_paid = made.how == "paid";
  LedgerEntry entry;
  entry.key = made.key;
  entry.kind = is_paid ? "settled_outside" : "written_off";
  entry.note = made.reason;
  entry.postings = {{remainder.account, -made.amount},
                    {is_paid ? outside_account(made.currency, made.account) : written_off_account(made.currency), made.amount}};
  entry.time = made.time;
  transaction.ledger().post(entry);
  return made;
}

/// No event tells that an account was closed, and who deleted his account here asks no more: so Stripe is asked now.
void look_at_present(const Config& config, Store& store, ConnectGateway& gateway, const Party& party) {
  std::optional<PayoutAccount> now;
  store.read([&](Transaction& transaction) { now = transaction.earnings().payout_account(party.member); });
  if (!now || now->is_closed() || (!party.stripe.empty() && party.stripe != now->stripe)) return;
  if (!gateway.configured())
    refuse(fmt::format("whether {} is closed only Stripe can tell, and there is no stripe_secret_key (docs/payments.md).", now->stripe));
  Earnings(config, store, gateway, SystemClock()).look_at_account(now->stripe);
}

}  // namespace

int settle(const Config& config, ConnectGateway& gateway, const std::string& who, const SettleOptions& options) {
  const auto store = open_existing_store(config);
  Party party;
  store->read([&](Transaction& transaction) {
    party = find_party(transaction, who);
    if (options.as.empty()) print_matters(transaction, party);
  });
  if (options.as.empty()) return 0;
  if (options.reason.empty()) throw std::runtime_error("Say with --reason why, for the books and for the member's statement.");
  if (!options.amount)
    throw std::runtime_error("Say with --amount how much is left, as webwrap settle shows it: so nothing else is booked.");
  look_at_present(config, *store, gateway, party);
  Settlement made;
  store->write([&](Transaction& transaction) { made = book(transaction, party, options); });
  fmt::print("Booked as {}: {} {} of {}.\n", made.how, made.amount, made.currency, made.stripe);
  if (!made.forced.empty()) fmt::print("Given up: {}.\n", made.forced);
  return 0;
}

int settle(const Config& config, const std::string& who, const SettleOptions& options) {
  return settle(config, *make_stripe_connect(config), who, options);
}

}  // namespace webwrap
