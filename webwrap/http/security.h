#pragma once
#include <string>

#include "http/message.h"

namespace webwrap::http {

/// The Content-Security-Policy of a page: only our own files, no inline script or style. `frame_ancestors`: who may embed it, "'none'" or
/// "*".
std::string content_security_policy(const std::string& frame_ancestors);

/// Adds what every answer carries, except what the handler has set itself: Content-Security-Policy, X-Content-Type-Options,
/// Referrer-Policy, Cross-Origin-Opener-Policy, Permissions-Policy and, below /api/, Cache-Control: no-store and for JSON
/// Content-Disposition: attachment.
void add_security_headers(const std::string& path, Response& response);

}  // namespace webwrap::http
