#include "features/pitch/f0_estimator.h"

#include <fmt/ranges.h>

#include "core/fail.h"
#include "core/paths.h"
#include "features/pitch/fcpe.h"
#include "voxconv/f0.h"

namespace voxconv {

const std::vector<std::string>& f0_estimators() {
  static const std::vector<std::string> names{"fcpe"};
  return names;
}

std::shared_ptr<const F0Estimator> load_f0_estimator(const std::string& name, const F0Range& range, torch::Device device) {
  if (!(range.min_hz > 0 && range.min_hz < range.max_hz))
    fail(ErrorCode::usage, "The f0 range {} to {} Hz is empty; give a lowest pitch above 0 and below the highest.", range.min_hz,
         range.max_hz);
  if (name == "fcpe") return std::make_shared<Fcpe>(nn::Safetensors(model_file("pitch/fcpe/weights.safetensors")), range, device);
  fail(ErrorCode::usage, "Unknown f0 estimator \"{}\"; choose one of {}.", name, fmt::join(f0_estimators(), ", "));
}

}  // namespace voxconv
