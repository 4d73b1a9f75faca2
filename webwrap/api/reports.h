#pragma once
#include "api/context.h"
#include "store/records.h"

namespace webwrap {

/// Notes a listener's complaint, whose body is {reason, email}, about what is set in `about`: a share or an artist. At most some a day from
/// one address.
http::Response take_report(const Context&, const http::Request&, Report about);

/// The form for one; `path`: where it goes, below /api/v1. It works by scripts only (share.js).
std::string report_form(const std::string& path, const std::string& question);

}  // namespace webwrap
