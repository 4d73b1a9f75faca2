#pragma once
#include <string>
#include <vector>

#include "domain/clock.h"

namespace webwrap {

enum class SignatureCheck {
  ok,
  malformed,  ///< no t=, or no v1=
  mismatch,   ///< no v1 fits any of the secrets
  too_old     ///< rightly signed, but longer ago than the tolerance: a replay
};

/// Checks the header "Stripe-Signature: t=<unix>,v1=<hex>[,v1=<hex>...]" of a webhook: one of the v1 must be the HMAC-SHA256 of
/// "<t>.<body>" under one of the secrets (there are several on both sides while a secret is rolled). Other schemes (v0) count for nothing.
/// Comparisons take constant time. A time in the future is taken, as Stripe's own libraries do: only Stripe can have signed it, so it is
/// our clock that is late. `body`: the exact bytes received.
SignatureCheck check_signature(const std::string& header, const std::string& body, const std::vector<std::string>& secrets, Seconds now,
                               Seconds tolerance);

/// The v1 signature of `body` sent at `time`, 64 hexadecimal digits.
std::string sign_webhook(const std::string& secret, Seconds time, const std::string& body);

}  // namespace webwrap
