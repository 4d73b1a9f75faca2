#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "domain/clock.h"
#include "payments/payment_gateway.h"
#include "store/store.h"

namespace webwrap {

/// What an event or answer of the payment provider says about one order: monotonic facts only. Stripe delivers events more than once, late,
/// out of order and concurrently; what is known of an order therefore only ever grows (merge() takes the further state, the larger
/// cumulative sum), and the books follow from what is known. So the order of the messages does not matter, and a refund or dispute that
/// comes before "completed" is kept with the order and booked when the payment is.
struct PaymentUpdate {
  enum class Dispute { open, lost, won };
  Id order;             ///< by our metadata; empty: not told
  std::string session;  ///< empty: not told
  std::string payment_intent, checkout_url;
  Order::State state = Order::State::created;  ///< at least: created, pending, expired, failed or paid
  std::int64_t charged = 0;                    ///< in all; 0: not told
  std::int64_t price = 0;                      ///< what was paid without taxes, and its currency: with state paid
  std::string currency;
  std::int64_t refunded_amount = 0;  ///< cumulative
  std::string dispute;               ///< its id; empty: none
  Dispute dispute_state = Dispute::open;
  std::int64_t disputed_amount = 0;
};

/// Of a Stripe event; nothing: one that means nothing here.
std::optional<PaymentUpdate> read_event(const nlohmann::json& event);
PaymentUpdate read_session(const CheckoutSession& session);

/// The order with the update applied: merge(merge(o, a), b) == merge(merge(o, b), a), and merging again changes nothing.
/// States: created < pending < expired < failed < paid; once paid: disputed while a dispute is open or lost, else refunded when all that
/// was charged was given back. A dispute: open < lost < won (a bank may overturn a loss; what it gave up stays so).
Order merge(Order order, const PaymentUpdate& update);

/// Whether the money came.
bool is_paid(const Order& order);
bool has_open_dispute(const Order& order);
/// How many of the bought credits are taken back: by what part of the charge was refunded or lost in disputes, rounded down.
Credits credits_taken_back(const Order& order);

/// Takes the provider's messages into orders, ledger and accounts; each in one transaction. Thread-safe.
class Fulfilment {
 public:
  Fulfilment(Store& store, PaymentGateway& gateway, const Clock& clock) : store_(store), gateway_(gateway), clock_(clock) {}

  /// Takes an event whose signature was checked. One that was taken before, that is of no interest or not about an order of ours does
  /// nothing. Throws ServiceError (the sender is to try again): 400 "invalid_event", 409 "session_conflict" where an order is paid through
  /// another session than it was opened with, 409 "payment_mismatch" where another sum or currency was paid than the order's, 502 where the
  /// order must be asked for and the provider does not answer.
  void apply_event(const nlohmann::json& event);
  /// Takes what the provider answered about a session of ours. Returns the order as it is then.
  Order apply_session(const CheckoutSession& session);

 private:
  std::optional<Order> find_order(Transaction&, const PaymentUpdate&) const;
  Order apply(Transaction&, const Order&, const PaymentUpdate&) const;

  Store& store_;
  PaymentGateway& gateway_;
  const Clock& clock_;
};

}  // namespace webwrap
