#pragma once
#include "api/context.h"

namespace webwrap {

/// Removes uploads that were not finished in time, and finishes those of which every byte is there though the database does not say so
/// (the process died in between). Returns how many were removed. To be called every few minutes.
int clean_up_uploads(Store& store, BlobStore& blobs, const Clock& clock);

}  // namespace webwrap
