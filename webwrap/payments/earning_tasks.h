#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "config/config.h"
#include "payments/connect_gateway.h"
#include "payments/earnings.h"
#include "store/store.h"

namespace webwrap {

/// Does at Stripe what the records of earning want (subscriptions to end, refunds, reversals, transfers of royalties), again and again
/// until it is done, and asks about what no event told. Several processes may do so at a time.
class EarningTasks {
 public:
  EarningTasks(const Config& config, Store& store, ConnectGateway& gateway, const Clock& clock)
      : config_(config), store_(store), gateway_(gateway), clock_(clock), earnings_(config, store, gateway, clock) {}

  /// Some of each kind; what fails is tried again later. Returns how many things were done.
  int work();

 private:
  // What is to be done.
  int end_subscriptions();
  int end_tips();
  int refund();
  int recover();
  int make_transfers();
  int send_transfers();
  void send(const RoyaltyTransfer&);

  // What no event told.
  int check_overdue();
  int check_waiting();
  void walk_events();
  void apply_lost(const nlohmann::json& event);

  template <class Thing>
  using List = std::function<std::vector<Thing>(EarningStore&)>;
  template <class Thing>
  using Mark = std::function<void(Thing&)>;
  /// Lists things and stores each with its mark, so that another process does not list them too.
  template <class Thing>
  std::vector<Thing> claim(const List<Thing>&, const Mark<Thing>&);
  template <class Thing>
  std::vector<Thing> claim_to_do(const List<Thing>&);  ///< marked by the time of the next try
  template <class Thing>
  std::vector<Thing> claim_to_check(const List<Thing>&);  ///< marked as asked about now

  enum class OnFailure { try_later, check_next_time };
  /// Does `work` for each and returns how often it was done. What fails is logged and does not keep others waiting.
  template <class Thing, class Work>
  int run_each(const std::vector<Thing>&, const char* what, OnFailure, const Work&);
  template <class Thing>
  void try_later(const Thing&, bool refused);

  const Config& config_;
  Store& store_;
  ConnectGateway& gateway_;
  const Clock& clock_;
  Earnings earnings_;
};

}  // namespace webwrap
