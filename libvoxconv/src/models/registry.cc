#include <algorithm>

#include "core/fail.h"
#include "models/architecture.h"
#include "models/native/native_voice.h"
#include "models/rvc/rvc_voice.h"
#include "models/voice_file.h"

namespace voxconv {

/// Every architecture there is, one line each (docs/adding-a-model.md).
std::span<const Architecture> architectures() {
  static const Architecture list[] = {
      native::architecture(),
      rvc::architecture(),
  };
  return list;
}

const Architecture* find_architecture(std::string_view name) {
  const auto list = architectures();
  const auto found = std::find_if(list.begin(), list.end(), [&](const Architecture& a) { return a.name == name; });
  return found == list.end() ? nullptr : &*found;
}

std::vector<float> VoiceModel::convert_whole(const WholeSong&) const {
  fail(ErrorCode::usage, "This voice has no exact mode: that is for voices of RVC, whose own way of converting it follows.");
}

std::shared_ptr<const VoiceModel> load_voice_model(const std::string& path, torch::Device device, torch::ScalarType precision) {
  if (is_voice_file(path)) return load_voice_file(path, device, precision);
  const Bundle bundle = read_bundle(path);
  const Architecture* architecture = find_architecture(bundle.info.architecture);
  if (!architecture)
    fail(ErrorCode::bad_model, "{} is of the architecture \"{}\", which this voxconv does not know; update voxconv.", path,
         bundle.info.architecture);
  try {
    return architecture->load(bundle, device, precision);
  } catch (const nlohmann::json::exception& e) {  // a setting of the wrong kind
    fail(ErrorCode::bad_model, "{} has model settings that architecture \"{}\" cannot read: {}.", path, bundle.info.architecture, e.what());
  }
}

}  // namespace voxconv
