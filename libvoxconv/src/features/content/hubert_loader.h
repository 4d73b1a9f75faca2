#pragma once
#include <memory>
#include <string>

#include "features/content/content_encoder.h"

namespace voxconv {

/// "<family>/layer12" and "<family>/layer9-projection": see load_content_encoder(). Null for any other name.
std::shared_ptr<const ContentEncoder> load_hubert_encoder(const std::string& name, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv
