#pragma once
#include <memory>

#include "config/config.h"
#include "mail/mailer.h"

namespace webwrap {

/// Hands each mail to the server of config.smtp_url, while the caller waits (a minute at most). smtps:// is encrypted from the start;
/// smtp:// by STARTTLS, without which nothing is sent, except to this very machine. Throws MailRefused for an address that the server will
/// never take.
std::unique_ptr<Mailer> make_smtp_mailer(const Config&);

}  // namespace webwrap
