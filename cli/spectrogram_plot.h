#pragma once
#include <string>
#include <vector>

#include "voxconv/evaluator.h"

namespace voxconv::cli {

/// Spectrograms beside each other as a PNG image, frequency upwards, 85 dB from the loudest of each to black. Returns the file's bytes.
std::string plot_spectrograms(const std::vector<Spectrogram>& spectrograms);

}  // namespace voxconv::cli
