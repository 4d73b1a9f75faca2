#pragma once
#include <memory>

#include "models/separation/separator.h"
#include "voxconv/separate.h"

namespace voxconv {

/// What a loaded separator consists of.
struct Separator::Impl {
  torch::Device device;
  torch::ScalarType precision;
  std::shared_ptr<const SeparationModel> model;
};

}  // namespace voxconv
