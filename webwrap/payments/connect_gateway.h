#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "payments/payment_gateway.h"
#include "store/earnings.h"

namespace webwrap {

/// A member's account as Stripe tells of it now.
struct ConnectedAccount {
  std::string id;
  bool transfers = false, payouts = false, submitted = false;
  std::string missing = {};  ///< Stripe's word for why it cannot do so
};

/// A fan's subscription as Stripe tells of it now.
struct StripeSubscription {
  std::string id;
  std::string subscription;  ///< our id, by its metadata; empty: not one of ours
  std::string status;        ///< trialing, active, past_due, unpaid, incomplete, incomplete_expired, canceled, paused
  std::string latest_invoice;
  bool cancels = false;
  Seconds ended = 0;
};

/// An invoice of a subscription.
struct StripeInvoice {
  std::string id, subscription;
  std::string status;  ///< draft, open, paid, uncollectible, void
  std::string charge;  ///< the one that was tried last; of a paid one, that which paid it
  std::string currency;
  Money due = 0, paid = 0;
  int attempts = 0;
  Seconds period_start = 0, period_end = 0;  ///< of what it is for
};

/// A charge to a fan, with the money that follows from it: of one moment, so that its sums fit each other.
struct StripeCharge {
  std::string id, currency, invoice, destination, transfer;
  std::string tip;    ///< our id, by its metadata
  std::string order;  ///< the same, of an order of credits
  bool paid = false;
  Money amount = 0, fee = 0;
  Money refunded = 0, reversed = 0, fee_refunded = 0;  ///< cumulative
};

struct StripeTransfer {
  std::string id;
  std::string transfer;  ///< our id, by its transfer_group
  std::string charge;    ///< of a fan's payment: the charge that it is a part of
  std::string currency;
  Money amount = 0, reversed = 0;
};

struct StripePayout {
  std::string id, currency;
  std::string status;  ///< pending, in_transit, paid, failed, canceled
  Money amount = 0;    ///< negative: taken from the bank, where the account owed something
  Seconds arrival = 0;
};

struct EventPage {
  std::vector<nlohmann::json> events;
  bool more = false;
};

/// Where a fan is sent back to from the payment's page.
struct ReturnPages {
  std::string paid, cancelled;
};

/// What earning needs of the payment provider: accounts of those who earn (Connect), subscriptions, transfers. Thread-safe. Throws
/// ServiceError: 502 "payment_provider" where it cannot be reached or refuses, 409 "payment_refused" where it refuses a thing that was
/// tried rightly and may be tried again later (send_transfer, recover, refund). Nothing is found: std::nullopt.
class ConnectGateway {
 public:
  virtual ~ConnectGateway() = default;
  virtual bool configured() const = 0;

  /// `instead_of`: the closed one of the same owner; empty: there was none. Trying again makes no second account.
  virtual ConnectedAccount create_account(const Id& account, const std::string& email, const std::string& instead_of) = 0;
  /// Nothing: it was closed, or it is none of those that this key reaches.
  virtual std::optional<ConnectedAccount> find_account(const std::string& id) = 0;
  /// A page of the provider's, once and for some minutes, on which the owner of an account fills in what is needed to be paid.
  virtual std::string onboarding_url(const std::string& id, const std::string& back_url, const std::string& again_url) = 0;
  /// The provider's own page of an account, for its owner.
  virtual std::string dashboard_url(const std::string& id) = 0;

  // Under the idempotency key that is stored with the subscription or tip: trying again makes no second session.
  virtual CheckoutSession open_subscription(const FanSubscription&, const std::string& title, const ReturnPages&, const std::string& email,
                                            RetryPolicy) = 0;
  virtual CheckoutSession open_tip(const FanPayment&, const std::string& title, const ReturnPages&, const std::string& email,
                                   RetryPolicy) = 0;
  virtual std::optional<CheckoutSession> find_checkout(const std::string& session) = 0;
  virtual void expire_checkout(const std::string& session) = 0;  ///< nothing happens to one that is not open any more

  virtual std::optional<StripeSubscription> find_subscription(const std::string& id) = 0;
  virtual StripeSubscription set_cancels(const std::string& id, bool cancels) = 0;  ///< at the end of the paid period, or not
  virtual void end_subscription(const std::string& id) = 0;                         ///< at once; nothing happens to an ended one
  virtual std::optional<StripeInvoice> find_invoice(const std::string& id) = 0;
  virtual std::optional<StripeCharge> find_charge(const std::string& id) = 0;
  virtual std::string charge_of_payment(const std::string& payment_intent) = 0;  ///< the last one; empty: none

  /// Gives back what is left of a charge; the artist's and the service's parts too. Nothing happens to one that was given back.
  virtual void refund(const FanPayment&) = 0;
  /// Takes so much back from the artist that all that was taken for disputes is payment.recovering, as far as there is so much.
  virtual void recover(const FanPayment&) = 0;
  /// Once for each transfer, however often it is tried. One of the same id that was made before is given as it is, whatever its sum.
  virtual StripeTransfer send_transfer(const RoyaltyTransfer&) = 0;
  virtual std::optional<StripeTransfer> find_transfer(const std::string& id) = 0;
  virtual std::optional<StripePayout> find_payout(const std::string& account, const std::string& id) = 0;

  /// The ids of a subscription's last invoices.
  virtual std::vector<std::string> invoices_of(const std::string& subscription) = 0;
  /// What happened after an event, the oldest first, some at a time. Without an id, or where Stripe has forgotten it: the last event only.
  virtual EventPage events_after(const std::string& event) = 0;
};

}  // namespace webwrap
