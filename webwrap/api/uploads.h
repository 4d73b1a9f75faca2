#pragma once
#include "api/context.h"

namespace webwrap {

/// Removes uploads that were not finished in time, and finishes those of which every byte is there though the database does not say so
/// (the process died in between, or their owner had too many jobs then). Returns how many were removed. To be called every few minutes.
int clean_up_uploads(const Context&);

}  // namespace webwrap
