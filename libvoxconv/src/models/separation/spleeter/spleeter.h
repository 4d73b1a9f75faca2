#pragma once
#include <memory>

#include "models/separation/separator.h"

namespace voxconv::spleeter {

/// Spleeter with two stems, from the weights that ship (models/separation/spleeter). 44.1 kHz. The song is worked on in segments of 512
/// frames of 1024 samples, each by itself, as the original does it.
std::shared_ptr<const SeparationModel> load_spleeter(torch::Device device, torch::ScalarType precision);

}  // namespace voxconv::spleeter
