#pragma once
#include <string>

#include "domain/clock.h"
#include "mail/mailer.h"

namespace webwrap {

struct Mailbox {
  std::string name, address;
};

/// "Name <a@b>" or "a@b". Throws std::runtime_error for anything else and for control characters.
Mailbox parse_mailbox(const std::string& text);

/// The mail as SMTP carries it (RFC 5322; text quoted-printable, UTF-8 names and subjects as RFC 2047 encoded words). Throws
/// std::runtime_error for control characters in the recipient or subject: nothing can add a header.
std::string mime_message(const Mail&, const Mailbox& from, Seconds now);

}  // namespace webwrap
