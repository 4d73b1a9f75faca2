#include <map>

#include "core/fail.h"
#include "models/bundle.h"
#include "models/native/native_voice.h"
#include "models/rvc/rvc_voice.h"
#include "models/voice_file.h"
#include "models/voice_model.h"

namespace voxconv {
namespace {

using Loader = std::shared_ptr<const VoiceModel> (*)(const Bundle&, torch::Device, torch::ScalarType);

/// Every architecture there is, one line each (docs/adding-a-model.md).
const std::map<std::string, Loader>& architectures() {
  static const std::map<std::string, Loader> loaders = {
      {"native", native::load_native_voice},
      {"rvc", rvc::load_rvc_voice},
  };
  return loaders;
}

}  // namespace

std::shared_ptr<const VoiceModel> load_voice_model(const std::string& path, torch::Device device, torch::ScalarType precision) {
  if (is_voice_file(path)) return load_voice_file(path, device, precision);
  const Bundle bundle = read_bundle(path);
  const auto loader = architectures().find(bundle.info.architecture);
  if (loader == architectures().end())
    fail(ErrorCode::bad_model, "{} is of the architecture \"{}\", which this voxconv does not know; update voxconv.", path,
         bundle.info.architecture);
  try {
    return loader->second(bundle, device, precision);
  } catch (const nlohmann::json::exception& e) {  // a setting of the wrong kind
    fail(ErrorCode::bad_model, "{} has model settings that architecture \"{}\" cannot read: {}.", path, bundle.info.architecture, e.what());
  }
}

}  // namespace voxconv
