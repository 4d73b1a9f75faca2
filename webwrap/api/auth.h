#pragma once
#include "api/context.h"

namespace webwrap {

constexpr Seconds session_idle_timeout = 14 * 24 * 3600;  ///< a session ends when it was not used for so long
constexpr Seconds session_max_age = 30 * 24 * 3600;       ///< and when it is so old

/// Throws ServiceError(403, "cross_site" | "wrong_address") where a browser makes a request that changes something for another site's page.
/// Cookies do not matter: SameSite withholds them from other sites, and the answer would put new ones in their place. Browsers tell by
/// Sec-Fetch-Site, which pages cannot forge, and where that is not sent (plain http, older ones) by Origin. A request with neither comes
/// from no browser and is let through unless it brings a session cookie; so is one with an API token, which no browser adds by itself.
///
/// Our own origin is base_url(). Without public_url it is also the address that the browser asked (Host), if that is an IP address or a
/// name that no stranger can own (localhost, one word, .local, .lan, .home, .internal, .home.arpa): a service at home is reached by several
/// names, and a name of the public DNS could be pointed at it by another site (DNS rebinding).
void require_own_site(const Context&, const http::Request&);

/// Who makes the request: by the session cookie or by "Authorization: Bearer <API token>". Throws ServiceError(401, "not_signed_in").
Account require_account(const Context&, const http::Request&);
/// The same, and not a guest: ServiceError(403, "members_only").
Account require_member(const Context&, const http::Request&);
/// A member signed in by log-in, not by an API token, for what a stolen token must not do: ServiceError(403, "session_needed").
Account require_signed_in_member(const Context&, const http::Request&);
std::optional<Account> find_account(const Context&, const http::Request&);  ///< nothing: not signed in

/// The live session of the request's cookie, whatever the method; nothing: none, or it ran out.
std::optional<Session> find_session(const Context&, const http::Request&);
bool is_expired(const Session&, Seconds now);
/// Starts a session, ends the one that the request came with, and adds the new cookie to the response: __Host-sid (sid without Secure
/// where base_url() is plain http).
void start_session(const Context&, const http::Request&, const Account&, http::Response&);
/// Ends the request's session, if there is one, and removes the cookie.
void end_session(const Context&, const http::Request&, http::Response&);
void clear_session_cookie(const Context&, http::Response&);

/// Marks the browser as one in which the account's owner logged in, by a cookie that lasts a year: __Host-device (device where base_url()
/// is plain http). It does not authenticate; it only exempts the browser from the rate limits that other clients' guesses use up.
void remember_device(const Context&, const http::Request&, const Account&, http::Response&);
/// What the account's log-ins from this browser are counted by; empty: its owner never logged in here, or the password was changed since.
std::string find_device(const Context&, const http::Request&, const Account&);

/// Throws ServiceError(429, "too_many_requests") with a sentence, past `limit` per `window` seconds. `advice`: another sentence.
void limit_rate(const Context&, const std::string& what, const std::string& who, int limit, Seconds window, const std::string& advice = {});
/// What limits per address count by (http::network_of).
std::string address_of(const http::Request&);

}  // namespace webwrap
