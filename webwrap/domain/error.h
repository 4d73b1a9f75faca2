#pragma once
#include <stdexcept>
#include <string>

namespace webwrap {

/// What a client did wrong or cannot have now: becomes a problem+json answer (RFC 9457) with this status and code.
class ServiceError : public std::runtime_error {
 public:
  /// `code`: stable, snake_case, for programs. `detail`: one sentence for people: what, where, what to do.
  ServiceError(int status, std::string code, const std::string& detail)
      : std::runtime_error(detail), status_(status), code_(std::move(code)) {}
  int status() const { return status_; }
  const std::string& code() const { return code_; }

 private:
  int status_;
  std::string code_;
};

}  // namespace webwrap
