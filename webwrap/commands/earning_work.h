#pragma once
#include <thread>

#include "config/config.h"
#include "payments/connect_gateway.h"
#include "store/store.h"

namespace webwrap {

/// Does what is to be done at Stripe for those who earn (EarningTasks::work), in a thread of its own, as long as it lives.
class EarningWork {
 public:
  /// Keeps references.
  EarningWork(const Config&, Store&, ConnectGateway&, const Clock&);

 private:
  std::jthread thread_;
};

}  // namespace webwrap
