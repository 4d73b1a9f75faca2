#pragma once
#include <string>

namespace webwrap {

struct Mail {
  std::string to, subject, text;
};

/// Sends mail. Thread-safe. Throws std::runtime_error where the server refuses or cannot be reached.
class Mailer {
 public:
  virtual ~Mailer() = default;
  virtual void send(const Mail&) = 0;
};

}  // namespace webwrap
