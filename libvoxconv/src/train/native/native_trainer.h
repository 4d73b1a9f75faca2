#pragma once
#include "train/trainer.h"

namespace voxconv::train {

/// Of the architecture in models/native.
Trainer native_trainer();

}  // namespace voxconv::train
