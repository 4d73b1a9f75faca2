#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/clock.h"
#include "domain/money.h"

namespace webwrap {

using Id = std::string;

/// Earning: what fans pay to artists, what voices earn, and how it gets to those whom it belongs to. Records stay when accounts are
/// deleted, with nothing that a person wrote in them (a tier's words go with its artist).

/// A member's own account at Stripe (Connect, Express), into which what he earns is paid.
struct PayoutAccount {
  Id account;
  std::string stripe;       ///< acct_...
  bool transfers = false;   ///< Stripe lets it receive money
  bool payouts = false;     ///< Stripe pays out to its bank
  bool submitted = false;   ///< its owner has filled in Stripe's form
  std::string missing;      ///< why not, in Stripe's word: "requirements.past_due"; or `closed`
  std::int64_t looked = 0;  ///< of which look at Stripe this is (EarningStore::next_look)
  Seconds created = 0;

  static constexpr const char* closed = "closed";  ///< there is none any more at Stripe

  bool can_earn() const { return transfers && payouts; }
  bool is_closed() const { return missing == closed; }
};

/// An account at Stripe that was closed there and has another one in its place. What still happens there is booked apart, under its own
/// name: connected_account(currency, stripe).
struct FormerAccount {
  std::string stripe;  ///< acct_...
  Id account;          ///< whose it was
  Seconds replaced = 0;
};

/// What the books say still lies in a member's account at Stripe, or is owed by it (negative).
struct Remainder {
  std::string account;  ///< of the books
  std::string currency;
  std::string stripe;   ///< acct_...
  bool former = false;  ///< another one is in its place
  Money amount = 0;
};

/// What the operator booked of a closed account at Stripe.
struct Settlement {
  std::string key;  ///< of the entry in the books; there is none where the amount is 0
  Id account;
  std::string stripe, currency;
  Money amount = 0;  ///< what was left: negative, what was owed
  std::string how;   ///< "paid": it reached its owner, or the service, in another way; "written-off": nobody gets it
  std::string reason;
  std::string booked_by;  ///< not for the member
  std::string forced;     ///< what was still to move money and was given up, as sentences; empty: nothing
  Seconds time = 0;
};

/// What an artist offers to fans, for each month. Its price never changes: another price is another tier.
struct Tier {
  Id id;
  Id artist;
  std::string title, text;  ///< text: what fans get
  Money amount = 0;
  std::string currency;
  int trial_days = 0;   ///< free ones, for a fan who has never subscribed to the artist
  bool closed = false;  ///< takes no new fans
  Seconds created = 0;
};

/// A fan's subscription, on the terms of the tier when it began. Its states only go forward.
struct FanSubscription {
  enum class State { created, pending, expired, active, ended };
  Id id;
  Id fan, artist, tier;
  Money amount = 0;
  std::string currency;
  int fee_permille = 0;     ///< the service's share
  std::string destination;  ///< the artist's account at Stripe
  int trial_days = 0;
  State state = State::created;
  std::string idempotency_key;  ///< stored before Stripe is called
  std::string title;            ///< what Stripe's page says; stored, since a key takes no other words
  std::string session, checkout_url;
  std::string stripe;        ///< sub_...; empty until known
  bool cancels = false;      ///< ends with the paid period
  bool late = false;         ///< the last renewal was not paid (yet)
  bool end_wanted = false;   ///< to be ended at Stripe: an account or page is gone, or a payment is disputed
  Seconds paid_through = 0;  ///< the end of what was paid and not given back
  Seconds ended = 0;         ///< when Stripe was known to have ended it
  Seconds retry_at = 0;      ///< of ending it at Stripe
  Seconds checked = 0;       ///< when Stripe was last asked because its payment is overdue
  std::int64_t looked = 0;   ///< of which look at Stripe `cancels` and `late` are
  Seconds created = 0;
};

/// Money of a fan: a month of a subscription (its id is that of Stripe's invoice) or a tip (an id of ours). Sums are cumulative and never
/// become smaller.
struct FanPayment {
  enum class Kind { month, tip };
  enum class State { created, pending, expired, failed, paid };
  Id id;
  Kind kind = Kind::month;
  Id subscription;  ///< of a month
  Id fan, artist;
  std::string currency;
  Money amount = 0;  ///< a tip: what the fan chose; a month: what the invoice is over
  std::string destination;
  int fee_permille = 0;
  State state = State::created;
  std::string idempotency_key, title, session, checkout_url;  ///< of a tip
  std::string charge, transfer;                               ///< ch_..., tr_...
  Money charged = 0, fee = 0;                                 ///< the service's share is part of what was charged
  Money refunded = 0;                                         ///< of what was charged, to the fan
  Money reversed = 0, fee_refunded = 0;                       ///< taken back from the artist; of the fee, given back to the artist
  std::string disputes;                      ///< JSON {"<dispute's id>": {"state": "open"|"lost"|"won", "amount"}}; empty: none
  bool refund_wanted = false;                ///< the artist gives it back
  bool refund_failed = false;                ///< a bank did not take a refund: the money came back to the service
  Money recovering = 0, recovered = 0;       ///< of what was lost in disputes: to be taken back from the artist; done
  bool end_wanted = false;                   ///< of a tip: its open session is to be expired
  int refusals = 0;                          ///< how often Stripe said no; each makes a new idempotency key
  Seconds retry_at = 0;                      ///< of what is to be done at Stripe for it
  Seconds checked = 0;                       ///< of a tip: when Stripe was last asked about its session
  Seconds period_start = 0, period_end = 0;  ///< of a month
  Seconds created = 0, paid = 0;
};

/// Who owns a voice, and what part of what its conversions cost is his.
struct VoiceOwner {
  std::string voice;
  Id account;  ///< empty: nobody
  int royalty_permille = 0;
  Seconds since = 0;
};

/// How many of an account's credits were spent on finished jobs: first those that were given, then those that were bought.
struct Spending {
  Id account;
  Credits given = 0, bought = 0;
};

/// What a finished job earns for the owner of its voice. The credits that it cost are the bought ones from `bought_from` to `bought_to` of
/// all that its payer spent; those of them whose payment is kept count.
struct Royalty {
  Id job;
  Id payer, owner;
  std::string voice;
  std::string currency;
  Mills credit_price = 0;  ///< what a credit counts, as it was then
  int permille = 0;
  Credits bought_from = 0, bought_to = 0;
  Credits paid = 0;   ///< of them, those whose payment is kept
  Mills amount = 0;   ///< earned by them: what the books say
  Mills settled = 0;  ///< of it, in transfers
  int changes = 0;    ///< of amount: numbers the entries in the books
  Seconds created = 0;
};

/// Royalties on their way to the owner's account at Stripe. Owed and booked once; sent under keys that let it happen once.
struct RoyaltyTransfer {
  enum class State { created, sent };
  Id id;
  Id owner;
  std::string destination, currency;
  Money amount = 0;
  State state = State::created;
  std::string stripe;  ///< tr_...
  int refusals = 0;    ///< how often Stripe said no; each makes a new idempotency key
  Money reversed = 0;  ///< taken back by the operator at Stripe
  Seconds not_before = 0, created = 0, sent = 0;
};

/// What of a job's royalty is in a transfer; negative: taken back after an earlier one.
struct RoyaltyLine {
  Id transfer, job;
  Mills amount = 0;
};

/// Money that Stripe pays out of a member's account to a bank.
struct Payout {
  enum class State { pending, paid, failed };
  std::string id;  ///< po_...
  Id account;
  Money amount = 0;
  std::string currency;
  State state = State::pending;
  Seconds arrival = 0, created = 0;
};

/// How far Stripe's list of events was walked through, for those that it told nobody.
struct EventWalk {
  std::string last;  ///< evt_...; empty: nowhere yet
  Seconds at = 0;    ///< when its end was reached
};

/// What a payer's orders in a currency come to.
struct Purchases {
  Mills cheapest = 0;  ///< the least that a credit cost him; 0: he bought none
  Mills kept = 0;      ///< what was paid, and neither given back nor lost
};

/// A line of a statement: an entry that changed what a member has at Stripe, at the bank or as royalties.
struct StatementLine {
  std::string account, kind, key;  ///< account: of the books
  std::string note;                ///< why the operator booked it; empty: it follows from what Stripe told
  std::int64_t amount = 0;
  Seconds time = 0;
};

constexpr auto names_of(FanSubscription::State) { return std::array{"created", "pending", "expired", "active", "ended"}; }
constexpr auto names_of(FanPayment::Kind) { return std::array{"month", "tip"}; }
constexpr auto names_of(FanPayment::State) { return std::array{"created", "pending", "expired", "failed", "paid"}; }
constexpr auto names_of(RoyaltyTransfer::State) { return std::array{"created", "sent"}; }
constexpr auto names_of(Payout::State) { return std::array{"pending", "paid", "failed"}; }

/// As the other stores of store.h: lists are newest first, `save` adds or replaces.
class EarningStore {
 public:
  virtual ~EarningStore() = default;

  /// A number that grows with each call. Taken before Stripe is asked: of two answers about something that goes to and fro, the one that
  /// was asked for later stands.
  virtual std::int64_t next_look() = 0;
  virtual EventWalk event_walk() = 0;
  virtual void save(const EventWalk&) = 0;

  virtual void save(const PayoutAccount&) = 0;
  virtual std::optional<PayoutAccount> payout_account(const Id& account) = 0;
  virtual std::optional<PayoutAccount> payout_account_of(const std::string& stripe) = 0;
  virtual void add(const FormerAccount&) = 0;
  virtual std::optional<FormerAccount> former_account(const std::string& stripe) = 0;
  virtual std::vector<FormerAccount> former_accounts() = 0;
  /// What is open between a member, his account at Stripe and the service: "a payment is disputed". None: it is settled.
  virtual std::vector<std::string> unsettled(const Id& account) = 0;
  /// Of that, what is still to move money in the account `stripe`: disputes, what is to be taken or given back, payouts on their way. (Of a
  /// payout only its owner is known: it counts for each account that he had.)
  virtual std::vector<std::string> pending_matters(const Id& account, const std::string& stripe) = 0;
  /// Ends those, but for open disputes, which a bank decides: nothing more is taken or given back, and payouts count as failed.
  virtual void give_up_matters(const Id& account, const std::string& stripe) = 0;
  /// And the money: what is not 0, also of accounts that were replaced.
  virtual std::vector<Remainder> remainders(const Id& account) = 0;
  /// What was booked of it by the operator, newest first.
  virtual std::vector<Settlement> settlements(const Id& account) = 0;
  virtual void add(const Settlement&) = 0;
  /// Something of ours that Stripe knows as long as the key is the one under which money went to an account: a charge; empty: none went.
  virtual std::string charge_to(const std::string& stripe) = 0;
  virtual std::string transfer_to(const std::string& stripe) = 0;  ///< the same: a transfer of royalties

  virtual void save(const Tier&) = 0;
  virtual std::optional<Tier> tier(const Id&) = 0;
  virtual std::vector<Tier> tiers(const Id& artist) = 0;  ///< the cheapest first; closed ones too
  /// Whether songs can be for subscribers: a tier is open, or somebody's subscription runs.
  virtual bool can_have_subscribers(const Id& artist) = 0;

  virtual void save(const FanSubscription&) = 0;
  virtual std::optional<FanSubscription> subscription(const Id&) = 0;
  virtual std::optional<FanSubscription> subscription_of(const std::string& stripe) = 0;
  virtual std::vector<FanSubscription> subscriptions_of_fan(const Id& fan, int limit) = 0;
  virtual std::vector<FanSubscription> subscriptions_between(const Id& fan, const Id& artist) = 0;
  /// Those that are paid for at `now`, `grace` seconds ago or later.
  virtual int subscriber_count(const Id& artist, Seconds now) = 0;
  /// Those to be ended at Stripe that have not ended.
  virtual std::vector<FanSubscription> subscriptions_to_end(Seconds now, int limit) = 0;
  /// Active ones whose paid time ended before `paid_before` and that were not checked since `checked_before`.
  virtual std::vector<FanSubscription> overdue_subscriptions(Seconds paid_before, Seconds checked_before, int limit) = 0;
  /// Those whose session was opened before `opened_before` and neither paid nor known to have expired, and that were not checked since.
  virtual std::vector<FanSubscription> waiting_subscriptions(Seconds opened_before, Seconds checked_before, int limit) = 0;
  /// Ends what fans pay to an artist: subscriptions, and open sessions of them and of tips.
  virtual void stop_support(const Id& artist) = 0;
  /// That, and the artist's tiers close.
  virtual void close_tiers(const Id& artist) = 0;
  /// That, and what the account pays to others.
  virtual void leave(const Id& account) = 0;

  virtual void save(const FanPayment&) = 0;
  virtual std::optional<FanPayment> payment(const Id&) = 0;
  virtual std::optional<FanPayment> payment_of_charge(const std::string& charge) = 0;
  virtual std::vector<FanPayment> payments_of_subscription(const Id& subscription) = 0;
  virtual std::vector<FanPayment> payments_of_fan(const Id& fan, int limit) = 0;
  virtual std::vector<FanPayment> payments_of_artist(const Id& artist, int limit) = 0;  ///< that were paid
  virtual std::vector<FanPayment> payments_to_refund(Seconds now, int limit) = 0;       ///< wanted, not yet given back wholly
  virtual std::vector<FanPayment> payments_to_recover(Seconds now, int limit) = 0;      ///< recovering > recovered
  virtual std::vector<FanPayment> tips_to_end(Seconds now, int limit) = 0;
  virtual std::vector<FanPayment> waiting_tips(Seconds opened_before, Seconds checked_before, int limit) = 0;
  /// Of what lies in an artist's account at Stripe, that which is on its way out: refunds that are wanted, payouts.
  virtual Money leaving(const Id& artist, const std::string& currency) = 0;

  virtual void set_owner(const VoiceOwner&) = 0;  ///< of a voice; without an account: nobody any more
  virtual std::optional<VoiceOwner> owner_of(const std::string& voice) = 0;
  virtual std::vector<VoiceOwner> voices_of(const Id& account) = 0;

  virtual Spending spending(const Id& account) = 0;
  virtual void save(const Spending&) = 0;
  virtual Credits given_to(const Id& account) = 0;   ///< by the books: credits that cost nothing
  virtual Credits bought_by(const Id& account) = 0;  ///< by the books: bought ones, without those whose payment went back
  virtual void save(const Royalty&) = 0;
  virtual std::optional<Royalty> royalty(const Id& job) = 0;
  virtual std::vector<Royalty> royalties_by(const Id& payer) = 0;  ///< in the order in which the credits were spent
  virtual Purchases purchases(const Id& payer, const std::string& currency) = 0;
  virtual std::vector<Royalty> royalties_of(const Id& owner, int limit) = 0;
  /// Those of an owner made until `until` of which more, or less, was earned than is settled. Those of payers with an open dispute wait.
  virtual std::vector<Royalty> royalties_to_settle(const Id& owner, const std::string& currency, Seconds until) = 0;
  /// Owners of royalties made until `until`, with the currency, to whom at least `least` is owed; those with nothing on its way only.
  struct Due {
    Id owner;
    std::string currency;
    Mills amount = 0;
  };
  virtual std::vector<Due> due(Seconds until, Mills least) = 0;
  virtual void save(const RoyaltyTransfer&) = 0;
  virtual void add(const RoyaltyLine&) = 0;
  virtual std::vector<RoyaltyLine> lines_of(const Id& transfer) = 0;
  virtual std::optional<RoyaltyTransfer> transfer(const Id&) = 0;
  virtual std::optional<RoyaltyTransfer> transfer_of(const std::string& stripe) = 0;
  virtual std::vector<RoyaltyTransfer> transfers_of(const Id& owner, int limit) = 0;
  virtual std::vector<RoyaltyTransfer> transfers_to_send(Seconds now, int limit) = 0;

  virtual void save(const Payout&) = 0;
  virtual std::optional<Payout> payout(const std::string& id) = 0;
  virtual std::vector<Payout> payouts_of(const Id& account, int limit) = 0;

  virtual std::vector<std::string> currencies_of(const Id& account) = 0;  ///< in which it ever earned
  /// What changed what a member has in a currency, oldest first, from `from` until before `to`.
  virtual std::vector<StatementLine> statement(const Id& account, const std::string& currency, Seconds from, Seconds to) = 0;
  /// The sum of what was posted to an account of the books before `before`.
  virtual std::int64_t balance_before(const std::string& account, Seconds before) = 0;

  /// Everything that is wrong with the books of money, one sentence each. Empty: sound.
  virtual std::vector<std::string> audit() = 0;
  /// What the books hold rightly and the operator must see to, one sentence each.
  virtual std::vector<std::string> attention(Seconds now) = 0;
};

}  // namespace webwrap
