#pragma once
#include "api/context.h"
#include "domain/error.h"

namespace webwrap {

/// Runs `work`, which forgets what lies below the blobs' `prefix` and belongs to who asks, and removes that. On a full disk the audio goes
/// first, so that there is room for the transaction: deleting is the way out and must always work.
inline void erase_with_blobs(const Context& context, const std::string& prefix, const std::function<void(Transaction&)>& work) {
  try {
    context.store.write(work);
  } catch (const ServiceError& error) {
    if (error.status() != 507) throw;
    context.blobs.remove_all(prefix);
    context.store.write(work);
  }
  context.blobs.remove_all(prefix);
}

}  // namespace webwrap
