#pragma once
#include <string>
#include <vector>

#include "voxconv/evaluator.h"
#include "voxconv/f0.h"

namespace voxconv::cli {

/// The melody over time as a PNG image: a logarithmic pitch axis with the notes' names, one dot a frame. Returns the file's bytes.
std::string plot_f0(const F0Track& track, const std::string& title);

/// Spectrograms beside each other as a PNG image, frequency upwards, 85 dB from the loudest of each to black. Returns the file's bytes.
std::string plot_spectrograms(const std::vector<Spectrogram>& spectrograms);

}  // namespace voxconv::cli
