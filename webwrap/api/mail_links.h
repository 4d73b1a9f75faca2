#pragma once
#include "api/context.h"

namespace webwrap {

/// Mails the link that shows that an address is the account's owner's; older ones no longer work.
void send_verification(const Context&, const Account&);
/// Tells the owner of an address that somebody tried to sign up with it; at most once a day.
void send_email_taken_notice(const Context&, const std::string& email);

/// Tells the owner that the password was changed; `how` ends the sentence "Your voxconv password was changed".
void send_password_notice(const Context&, const std::string& email, const std::string& how);

void add_mail_link_routes(http::Router&, Context&);  ///< verifications, password resets

}  // namespace webwrap
