#include "store/royalties.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace webwrap {

void note_spending(Transaction& transaction, const Job& job, const CreditPrice& price, Seconds now) {
  if (job.price == 0) return;
  EarningStore& earnings = transaction.earnings();
  Spending spending = earnings.spending(job.account);
  const Credits given_left = std::max<Credits>(earnings.given_to(job.account) - spending.given, 0);
  const Credits given = std::min(job.price, given_left), bought = job.price - given;
  Royalty royalty;
  royalty.bought_from = spending.bought;
  spending.given += given;
  spending.bought += bought;
  earnings.save(spending);

  const auto owner = job.voice.empty() ? std::nullopt : earnings.owner_of(job.voice);
  if (!owner || owner->account == job.account) return;
  royalty.job = job.id;
  royalty.payer = job.account;
  royalty.owner = owner->account;
  royalty.voice = job.voice;
  royalty.currency = price.currency;
  // What the payer paid counts, not what a credit costs others by now.
  royalty.credit_price = std::min(price.amount, earnings.purchases(job.account, price.currency).cheapest);
  royalty.permille = owner->royalty_permille;
  royalty.bought_to = spending.bought;
  royalty.created = now;
  earnings.save(royalty);
  follow_payments(transaction, job.account, now);
}

void follow_payments(Transaction& transaction, const Id& payer, Seconds now) {
  EarningStore& earnings = transaction.earnings();
  const Credits bought = earnings.bought_by(payer);
  std::map<std::string, Mills> money;  // by currency: what is left of what the payer paid and kept
  for (const Royalty& before : earnings.royalties_by(payer)) {
    Royalty royalty = before;
    royalty.paid = std::max<Credits>(std::min(royalty.bought_to, bought) - royalty.bought_from, 0);
    const auto of_currency = money.find(royalty.currency);
    Mills& left =
        of_currency != money.end() ? of_currency->second : money[royalty.currency] = earnings.purchases(payer, royalty.currency).kept;
    royalty.amount = std::min(royalty_of(royalty.paid, royalty.credit_price, royalty.permille), left);
    left -= royalty.amount;
    const Mills more = royalty.amount - before.amount;
    if (more == 0 && royalty.paid == before.paid) continue;
    if (more != 0) {
      LedgerEntry entry;
      entry.key = fmt::format("royalty:{}:{}", royalty.job, ++royalty.changes);
      entry.kind = more > 0 ? "royalty" : "royalty_reversal";
      entry.note = more > 0 ? "A song sung with your voice" : "A song whose payment went back";
      entry.postings = {{royalties_account(royalty.currency, royalty.owner), more}, {royalties_owed_account(royalty.currency), -more}};
      entry.time = now;
      transaction.ledger().post(entry);
    }
    earnings.save(royalty);
  }
}

}  // namespace webwrap
