#pragma once
#include "http/message.h"

namespace webwrap::http {

/// Compresses the body by gzip where the client takes that, the body is text of more than a kilobyte, and the answer is the same for
/// everybody: what is private (Cache-Control: no-store) stays as it is, since the length of a compressed secret beside text of an
/// attacker's choice tells of the secret (BREACH). A strong ETag becomes a weak one.
void compress(const Request& request, Response& response);

}  // namespace webwrap::http
