#include "models/separation/separator.h"

#include <fmt/ranges.h>

#include "core/fail.h"
#include "models/separation/spleeter/spleeter.h"

namespace voxconv {

const std::vector<std::string>& separation_models() {
  static const std::vector<std::string> names{"spleeter"};
  return names;
}

std::shared_ptr<const SeparationModel> load_separation_model(const std::string& name, torch::Device device, torch::ScalarType precision) {
  if (name == "spleeter") return spleeter::load_spleeter(device, precision);
  fail(ErrorCode::usage, "There is no separation model \"{}\"; use one of {}.", name, fmt::join(separation_models(), ", "));
}

}  // namespace voxconv
