#include "core/heap.h"

#include <cstdlib>  // defines __GLIBC__
#include <mutex>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace voxconv {
namespace {

std::mutex mutex;
int scopes = 0;

void keep_freed_blocks(bool keep) {
#ifdef __GLIBC__
  // `keep`: what malloc arrives at by itself in a program that frees large blocks.
  mallopt(M_MMAP_THRESHOLD, keep ? 32 << 20 : 256 << 10);
  mallopt(M_TRIM_THRESHOLD, keep ? 64 << 20 : 256 << 10);
#else
  static_cast<void>(keep);
#endif
}

}  // namespace

ReturningHeap::ReturningHeap() {
  const std::lock_guard lock(mutex);
  if (scopes++ == 0) keep_freed_blocks(false);
}

ReturningHeap::~ReturningHeap() {
  const std::lock_guard lock(mutex);
  if (--scopes == 0) keep_freed_blocks(true);
}

}  // namespace voxconv
