#pragma once
#include <string>

#include "voxconv/f0.h"

namespace voxconv::cli {

/// The melody over time as a PNG image: a logarithmic pitch axis with the notes' names, one dot a frame. Returns the file's bytes.
std::string plot_f0(const F0Track& track, const std::string& title);

}  // namespace voxconv::cli
