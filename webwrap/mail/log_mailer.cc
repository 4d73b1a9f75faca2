#include "mail/log_mailer.h"

#include <nlohmann/json.hpp>

#include "log/log.h"

namespace webwrap {

void LogMailer::send(const Mail& mail) {
  log(Level::info, "mail (no smtp_url is set)", {{"to", mail.to}, {"subject", mail.subject}, {"text", mail.text}});
}

}  // namespace webwrap
