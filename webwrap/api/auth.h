#pragma once
#include "api/context.h"

namespace webwrap {

/// Who makes the request: by the session cookie (then unsafe methods must come from our own pages: Sec-Fetch-Site or Origin) or by
/// "Authorization: Bearer <API token>". Throws ServiceError(401, "not_signed_in" | 403, "cross_site").
Account require_account(const Context&, const http::Request&);
/// The same, and not a guest: ServiceError(403, "members_only").
Account require_member(const Context&, const http::Request&);
std::optional<Account> find_account(const Context&, const http::Request&);  ///< nothing: not signed in

/// Starts a session and adds its cookie to the response: __Host-sid (sid without Secure where base_url() is plain http).
void start_session(const Context&, const http::Request&, const Account&, http::Response&);

/// Throws ServiceError(429, "too_many_requests") with the sentence, past `limit` per `window` seconds.
void limit_rate(const Context&, const std::string& what, const std::string& who, int limit, Seconds window);

}  // namespace webwrap
