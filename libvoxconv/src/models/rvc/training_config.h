#pragma once
#include <string>

#include "models/rvc/config.h"

namespace voxconv::rvc {

/// The settings of a training checkpoint (G_*.pth), which stand in a config.json in its folder, as RVC and Applio write it. What only the
/// tensors say (version, pitch, speakers) is not set. Throws Error(bad_model) where there is none or it is not of that kind.
Config training_config(const std::string& checkpoint_path);

}  // namespace voxconv::rvc
