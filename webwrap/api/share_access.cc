#include "api/share_access.h"

#include <algorithm>

#include "api/auth.h"
#include "api/json_body.h"
#include "domain/error.h"
#include "payments/earning_facts.h"

namespace webwrap {
namespace {

/// Whether an account pays for what an artist has for subscribers, or is the artist.
bool is_supporter(Transaction& transaction, const std::optional<Account>& account, const Id& artist, Seconds now) {
  if (!account) return false;
  if (account->id == artist) return true;
  const std::vector<FanSubscription> all = transaction.earnings().subscriptions_between(account->id, artist);
  return std::any_of(all.begin(), all.end(), [&](const FanSubscription& one) { return is_subscriber(one, now); });
}

}  // namespace

bool is_for_subscribers(const Share& share, Seconds now) { return share.subscribers_only && (share.opens == 0 || now < share.opens); }

Hearing hearing_of(const Context& context, const http::Request& request, const Share& share) {
  const bool restricted = is_for_subscribers(share, context.clock.now());
  if (!restricted && !share.subscriber_download) return {false, share.allow_download};
  const std::optional<Account> account = find_account(context, request);
  bool supporter = false;
  context.store.read([&](Transaction& transaction) { supporter = is_supporter(transaction, account, share.account, context.clock.now()); });
  const bool locked = restricted && !supporter;
  return {locked, !locked && (share.allow_download || (share.subscriber_download && supporter))};
}

void require_hearing(const Context& context, const http::Request& request, const Share& share) {
  if (hearing_of(context, request, share).locked)
    throw ServiceError(403, "subscribers_only", "This song is for those who support its singer; the song's page says how.");
}

AccessChange::AccessChange(JsonBody& body)
    : subscribers_only_(body.optional_flag("subscribers_only")), subscriber_download_(body.optional_flag("subscriber_download")) {
  constexpr Seconds latest = 32'503'680'000;  // the year 3000
  opens_ = body.optional_integer("opens", 0, latest);
}

void AccessChange::apply(Transaction& transaction, Share& share) const {
  if (subscribers_only_.value_or(false) && !share.subscribers_only && !transaction.earnings().can_have_subscribers(share.account))
    throw ServiceError(409, "no_tiers", "Nobody can subscribe to you: make a tier first.");
  share.subscribers_only = subscribers_only_.value_or(share.subscribers_only);
  share.subscriber_download = subscriber_download_.value_or(share.subscriber_download);
  share.opens = opens_.value_or(share.opens);
}

}  // namespace webwrap
