#pragma once
#include <string>
#include <vector>

namespace voxconv {

/// The architectures that load_voice_model() knows.
std::vector<std::string> architectures();

}  // namespace voxconv
