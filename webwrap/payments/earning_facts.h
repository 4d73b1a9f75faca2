#pragma once
#include <vector>

#include "payments/connect_gateway.h"
#include "store/earnings.h"

namespace webwrap {

/// What Stripe says about subscriptions, payments and payouts, taken into what is known of them. Sums and states only grow: merge() takes
/// the further state and the larger sum, so answers may come in any order and as often as they like, and merging again changes nothing. The
/// books follow from what is known: entries_of() gives what has to be booked between two states of knowledge, under a key that names the
/// later one.

FanSubscription merge(FanSubscription, const CheckoutSession&);
/// `look`: the number of the look at Stripe that this is. It decides what stands of that which goes to and fro.
FanSubscription merge(FanSubscription, const StripeSubscription&, std::int64_t look);

/// A month that an invoice is for.
FanPayment month_of(const FanSubscription&, const StripeInvoice&);
FanPayment merge(FanPayment, const StripeInvoice&);
FanPayment merge(FanPayment, const CheckoutSession&);
FanPayment merge(FanPayment, const StripeCharge&);

/// One dispute of a payment, as an event tells of it. `state`: open, lost or won, never back.
struct DisputeFact {
  std::string id, state;
  Money amount = 0;
};
FanPayment merge(FanPayment, const DisputeFact&);

Payout merge(Payout, const StripePayout&);
RoyaltyTransfer merge(RoyaltyTransfer, const StripeTransfer&, Seconds now);
/// Whether Stripe's transfer is over what is owed. One of the same id may have been made by a later state of this service that a backup
/// was put in the place of: then its sum may be another.
bool is_the_one(const RoyaltyTransfer&, const StripeTransfer&);

/// What the banks gave back to fans for good.
Money lost_in_disputes(const FanPayment&);
bool has_undecided_dispute(const FanPayment&);
bool is_disputed(const FanPayment&);  ///< open or lost
/// Whether it counts for the time it is for: paid (or free), not wholly given back, not disputed.
bool counts(const FanPayment&);
/// Until when a subscription is paid for: the end of the last month that counts.
Seconds paid_through(const std::vector<FanPayment>& payments);

/// How long a subscriber whose renewal failed may still listen, while Stripe tries again.
constexpr Seconds renewal_grace = 3 * day;
bool is_subscriber(const FanSubscription&, Seconds now);

/// Without times. `former`: the account at Stripe that it is about, where that is not its owner's present one (FormerAccount); else empty.
std::vector<LedgerEntry> entries_of(const FanPayment& before, const FanPayment& after, const std::string& former = {});
std::vector<LedgerEntry> entries_of(const Payout& before, const Payout& after, const std::string& former = {});
/// A transfer that is owed (before it is sent), that arrived, and what of it the operator took back since.
LedgerEntry owed_entry(const RoyaltyTransfer&);
std::vector<LedgerEntry> entries_of(const RoyaltyTransfer& before, const RoyaltyTransfer& after, const std::string& former = {});

}  // namespace webwrap
