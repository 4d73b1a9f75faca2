#include "http/security.h"

namespace webwrap::http {

std::string content_security_policy(const std::string& frame_ancestors) {
  return "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; "
         "base-uri 'none'; form-action 'self'; frame-ancestors " +
         frame_ancestors;
}

void add_security_headers(const std::string& path, Response& response) {
  const auto add = [&](const char* name, const std::string& value) {
    if (!response.find_header(name)) response.headers.emplace_back(name, value);
  };
  add("Content-Security-Policy", content_security_policy("'none'"));
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "same-origin");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)");
  if (!path.starts_with("/api/")) return;
  add("Cache-Control", "no-store");
  // Opened as a page, JSON is saved, never shown: no browser can take it for something else.
  if (response.type.ends_with("json") && !response.body.empty()) add("Content-Disposition", "attachment; filename=\"api.json\"");
}

}  // namespace webwrap::http
