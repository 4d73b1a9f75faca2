#pragma once
#include <string>

#include "connect/connector.h"
#include "connect/http_client.h"

namespace webwrap {

/// The tokens in the answer of a token endpoint. `before`: what is kept where the answer names no new refresh token. Throws
/// PlatformError: disconnected where the grant is refused, passing where there is no answer.
PlatformTokens tokens_of(const HttpAnswer& answer, const std::string& platform, const PlatformTokens& before, Seconds now);

/// Throws the PlatformError that fits an answer which is no success. `quota`: the sentence for 429.
[[noreturn]] void fail_with(const HttpAnswer& answer, const std::string& platform);

/// The answer's JSON object; PlatformError(passing) where it is none.
nlohmann::json object_of(const HttpAnswer& answer, const std::string& platform);

/// A text that may be a number there.
std::string text_in(const nlohmann::json& object, const char* name);

/// An address that an answer names, which must lie below `base`: nobody sends our tokens and files elsewhere. Relative ones are taken as
/// below its host.
std::string own_address(const std::string& address, const std::string& base, const std::string& platform);

}  // namespace webwrap
