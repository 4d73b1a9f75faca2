#pragma once
#include <memory>
#include <stdexcept>
#include <string>

namespace webwrap {

struct Config;

struct Mail {
  std::string to, subject, text;
};

/// Sends mail. Thread-safe. Throws std::runtime_error where the server refuses or cannot be reached.
class Mailer {
 public:
  virtual ~Mailer() = default;
  virtual void send(const Mail&) = 0;
};

/// The server will not take this mail, however often it is tried.
class MailRefused : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the configuration asks for: an Outbox before the SMTP server of smtp_url, or before the log without one. Throws
/// std::runtime_error for a mail_from or smtp_url that cannot be used.
std::unique_ptr<Mailer> make_mailer(const Config&);

}  // namespace webwrap
