#pragma once
#include "domain/money.h"
#include "store/store.h"

namespace webwrap {

/// What a captured credit counts for the owner of a voice.
struct CreditPrice {
  std::string currency;
  Mills amount = 0;
};

/// Notes what a finished job spent, in the transaction that captures its price: first the credits that its account was given, then those
/// that it bought. Where the job used somebody's voice, its owner earns a royalty on the bought ones. What somebody pays for his own voice
/// earns nothing.
void note_spending(Transaction&, const Job&, const CreditPrice&, Seconds now);

/// Lets royalties follow what an account has bought and kept: a refund or a lost dispute takes the credits that were spent last, and what
/// they earned, back; buying again pays for them. All royalties of a payer together are never more than what he paid in their currency and
/// kept. To be called in each transaction that changes what was bought, or what of its price was kept.
void follow_payments(Transaction&, const Id& payer, Seconds now);

}  // namespace webwrap
