#include "voxconv/version.h"

namespace voxconv {

const char* version() { return VOXCONV_VERSION; }

}  // namespace voxconv
