#pragma once
#include "api/context.h"
#include "api/json_body.h"
#include "voxconv/voice.h"

namespace webwrap {

/// What somebody wants converted, as quotes and jobs name it; checked.
struct ConversionWish {
  Recording recording;
  voxconv::VoiceInfo voice;
  double start_s = 0, end_s = 0;  ///< the part: 0 <= start_s < end_s <= the recording's length
  bool preview = false;           ///< free; the part is then cut to config.preview_s
  Credits price = 0;

  double seconds() const { return end_s - start_s; }
};

/// Reads recording, voice, start_s, end_s and preview. Throws ServiceError: 422 for a field, 409 "not_ready".
ConversionWish read_wish(const Context&, const Account&, JsonBody&);

/// ConvertOptions from a client's JSON: those of voxconv::convert_option_table() but files and what is local, which are the service's own
/// business. Throws ServiceError(422).
nlohmann::json read_options(const nlohmann::json& wanted);

}  // namespace webwrap
