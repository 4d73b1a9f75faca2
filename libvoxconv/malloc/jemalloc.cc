#include <jemalloc/jemalloc.h>

#include <cstddef>

// jemalloc gives blocks of 8 MiB and more back to the system as soon as they are freed, and a conversion frees and takes hundreds of them:
// a tenth of its time went into pages that the system had to clear again. So they are kept for a second, like all others.
// The environment's MALLOC_CONF overrides these options.
const char* malloc_conf = "oversize_threshold:0,dirty_decay_ms:1000";

namespace {

/// The first arena is made before the options are read (jemalloc 5.3).
[[maybe_unused]] const int first_arena_told = [] {
  std::size_t never = std::size_t(1) << 62;
  return mallctl("arena.0.oversize_threshold", nullptr, nullptr, &never, sizeof never);
}();

}  // namespace
