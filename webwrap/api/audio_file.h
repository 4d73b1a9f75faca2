#pragma once
#include <string>

#include "http/message.h"

namespace webwrap {

/// An audio blob to listen to, or with a name to save it under. Browsers may keep it but ask each time: it may be gone.
inline http::Response audio_response(const std::string& key, const std::string& type = "audio/mpeg",
                                     const std::string& download_name = "") {
  http::Response response;
  response.type = type;
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  response.file = http::FileBody{key, download_name};
  return response;
}

}  // namespace webwrap
