#pragma once
#include <functional>

#include "api/auth.h"

namespace webwrap {

using ContextHandler = std::function<http::Response(const Context&, const http::Request&)>;

/// Adds a route below /api/v1 whose handler gets the context. What changes something is asked for by our own pages or by scripts only
/// (require_own_site), whoever asks: also what makes a session must not be had from another site.
inline void add_route(http::Router& router, const Context& context, http::Method method, const std::string& path, ContextHandler handler,
                      std::size_t max_body = http::Router::usual_body) {
  router.add(
      method, "/api/v1" + path,
      [&context, handler = std::move(handler)](const http::Request& request) {
        require_own_site(context, request);
        return handler(context, request);
      },
      max_body);
}

}  // namespace webwrap
