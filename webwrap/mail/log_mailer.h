#pragma once
#include "mail/mailer.h"

namespace webwrap {

/// For a service without a mail server: the mail, and so the link in it, goes to the log.
class LogMailer : public Mailer {
 public:
  void send(const Mail&) override;
};

}  // namespace webwrap
