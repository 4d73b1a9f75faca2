#pragma once
#include <array>
#include <cstdint>

#include "core/stage_clock.h"

namespace voxconv::eval {

/// While it lives, counts the multiplications and additions of the convolutions, matrix products and attention that LibTorch does in any
/// thread, from the shapes it is called with, by the stage they are done for. What is computed twice (the context of tiles) counts twice.
/// Left out: filters, Fourier transforms, the search in the index. One at a time; slows what it watches.
class FlopCount {
 public:
  FlopCount();
  ~FlopCount();
  FlopCount(const FlopCount&) = delete;
  FlopCount& operator=(const FlopCount&) = delete;

  static double of(Stage stage);  ///< since the last one was constructed

 private:
  std::uint64_t handle_;
};

}  // namespace voxconv::eval
