#pragma once
#include "api/context.h"

namespace webwrap {

/// Removes what is known of the listeners of days that are over.
void clean_up_plays(const Context&);

}  // namespace webwrap
