#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "blob/file_descriptor.h"
#include "http/message.h"

namespace webwrap::http {

/// The Content-Security-Policy of a page: only our own files, no inline script or style. `frame_ancestors`: who may embed it, "'none'" or
/// "*".
std::string content_security_policy(const std::string& frame_ancestors);

/// Adds what every answer carries, except what the handler has set itself: Content-Security-Policy, X-Content-Type-Options,
/// Referrer-Policy, Cross-Origin-Opener-Policy, Permissions-Policy and, below /api/, Cache-Control: no-store and for JSON
/// Content-Disposition: attachment.
void add_security_headers(const std::string& path, Response& response);

/// Compresses the body by gzip where the client takes that, the body is text of more than a kilobyte, and the answer is the same for
/// everybody: what is private (Cache-Control: no-store) stays as it is, since the length of a compressed secret beside text of an
/// attacker's choice tells of the secret (BREACH). A strong ETag becomes a weak one.
void compress(const Request& request, Response& response);

/// Which part of a file to send.
struct FilePart {
  std::int64_t offset = 0, length = 0;
};

/// Decides what of a file of `size` bytes answers the request, and sets the response's status and headers accordingly: 200; 206 for a
/// Range of one part, unless If-Range names another `etag`; 304 for If-None-Match; 416 with an empty part. `etag`: with its quotes.
FilePart choose_part(const Request& request, std::int64_t size, const std::string& etag, Response& response);

/// An answer on its way to a socket: bytes, then perhaps a part of a file, which never comes into our memory.
struct Output {
  enum class Progress { done, blocked, broken };

  std::string bytes;
  std::size_t sent = 0;
  FileDescriptor file;
  off_t offset = 0;
  std::int64_t left = 0;  ///< of the file
  bool keep_alive = true;

  /// Writes what the socket takes now, without waiting; at most about 1 MiB, then `blocked`, so that one fast client does not
  /// hold the thread.
  Progress write(int socket);
};

/// The head of a response and, unless it answers HEAD, its body. `length`: of the body that will be sent, where that is not response.body.
Output make_output(const Response& response, bool keep_alive, std::int64_t length);

}  // namespace webwrap::http
