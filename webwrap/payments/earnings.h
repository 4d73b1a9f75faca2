#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "config/config.h"
#include "payments/connect_gateway.h"
#include "store/store.h"

namespace webwrap {

/// Takes what Stripe says about fans' payments and artists' accounts into records and books. (What is to be done at Stripe:
/// earning_tasks.h.) An event only says that something happened: what it was is asked for, so that the order of events, their repetition
/// and the version of the API that they are written in do not matter. What Stripe answers is merged (earning_facts.h) and booked in one
/// transaction. Thread-safe; several processes may do so at a time.
class Earnings {
 public:
  Earnings(const Config& config, Store& store, ConnectGateway& gateway, const Clock& clock)
      : config_(config), store_(store), gateway_(gateway), clock_(clock) {}

  /// Takes an event whose signature was checked; false: it is not about earning. Throws ServiceError (the sender is to try again): 409
  /// "session_conflict" or "payment_mismatch" for a payment that is not what was agreed, 502 where Stripe does not answer.
  bool apply_event(const nlohmann::json& event);

  // Ask about one thing; what is not ours is left alone.
  void look_at_account(const std::string& stripe);
  void look_at_subscription(const std::string& stripe);
  void look_at_invoice(const std::string& invoice);
  bool look_at_charge(const std::string& charge);  ///< false: not a fan's
  void look_at_transfer(const std::string& stripe);
  void look_at_payout(const std::string& account, const nlohmann::json& payout);  ///< `payout`: as its event tells of it

  // Opened sessions, and what they came to.
  FanSubscription take_session(const FanSubscription&, const CheckoutSession&);
  FanPayment take_session(const FanPayment&, const CheckoutSession&);

  /// Of a session that Stripe refused to open: Stripe repeats what it answered to a key, so the next click begins another one.
  void give_up(const FanSubscription&);
  void give_up(const FanPayment& tip);
  /// Closes the page of one that was not paid; given up where Stripe never answered.
  void end_session(const FanSubscription&);
  void end_session(const FanPayment& tip);

  /// Saves what Stripe says of a transfer of royalties, and books the difference.
  void take(Transaction&, const RoyaltyTransfer& before, const StripeTransfer&);

 private:
  void require_right_key(const std::string& account);
  void look_at_dispute(const nlohmann::json& dispute);
  bool look_at_session(const nlohmann::json& session);
  bool note_failed_refund(const nlohmann::json& refund);
  /// Saves what is known now of a payment, books the difference, and lets the subscription follow.
  void take(Transaction&, const FanPayment& before, FanPayment after);
  void post(Transaction&, std::vector<LedgerEntry>);

  template <class Thing>
  void expire(const Thing&);
  template <class Thing>
  void close_session(const Thing&);

  const Config& config_;
  Store& store_;
  ConnectGateway& gateway_;
  const Clock& clock_;
};

/// What is stored of a thing now: it may have changed since it was read.
std::optional<FanSubscription> record_of(EarningStore&, const FanSubscription&);
std::optional<FanPayment> record_of(EarningStore&, const FanPayment&);
std::optional<RoyaltyTransfer> record_of(EarningStore&, const RoyaltyTransfer&);

}  // namespace webwrap
