#pragma once
#include <memory>

#include "models/separation/separator.h"
#include "voxconv/separate.h"

namespace voxconv {

/// What a loaded separator consists of.
struct Separator::Impl {
  torch::Device device;
  torch::ScalarType precision;
  LoadedSeparator loaded;
  /// Of Separator::with_backing(): the one that finds all vocals, and the one that then finds the lead voice in these.
  std::shared_ptr<const Impl> of_vocals{}, of_lead{};

  const SeparationModel& model() const { return *loaded.model; }
};

}  // namespace voxconv
