#pragma once
#include <vector>

#include "voxconv/evaluator.h"

namespace voxconv {

/// Column by column the mean of the rows; values that are not finite (a measure that was undefined for a file) are left out.
EvalRow mean_row(const std::vector<EvalRow>& rows);

/// The same of sounds.
SoundFigures mean_figures(const std::vector<SoundFigures>& sounds);

}  // namespace voxconv
