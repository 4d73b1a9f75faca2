#pragma once
#include "api/context.h"

namespace webwrap {

using ContextHandler = http::Response (*)(const Context&, const http::Request&);

/// Adds a route below /api/v1 whose handler gets the context.
inline void add_route(http::Router& router, const Context& context, http::Method method, const std::string& path, ContextHandler handler) {
  router.add(method, "/api/v1" + path, [&context, handler](const http::Request& request) { return handler(context, request); });
}

}  // namespace webwrap
