#pragma once

namespace voxconv {

/// Semantic version of the library, e.g. "0.1.0".
const char* version();

}  // namespace voxconv
