#pragma once
#include <chrono>
#include <memory>

#include "blob/blob_store.h"
#include "config/config.h"
#include "http/connection.h"
#include "http/router.h"

namespace webwrap::http {

ServerOptions server_options(const Config& config);

/// Serves a router over HTTP/1.1. Pistache accepts the connections and reads from them; what is read and written is our own business
/// (Connection), since Pistache 0.0.5 trusts Content-Length, answers odd cookies with a 500, and spins on clients that read slowly.
class Server {
 public:
  /// All three must outlive the server.
  Server(const Router& router, BlobStore& blobs, const ServerOptions& options);
  ~Server();
  /// Listens and serves in threads of its own. Throws std::runtime_error where the address cannot be had.
  void start();
  int port() const;
  /// Answers new requests by 503, waits for those in work, then closes. False: some were cut off after `timeout`.
  bool stop(std::chrono::milliseconds timeout);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace webwrap::http
