#include "features/content/content_encoder.h"

#include "core/fail.h"
#include "core/paths.h"
#include "features/content/whisper_encoder.h"

namespace voxconv {

std::shared_ptr<const ContentEncoder> load_content_encoder(const std::string& name, torch::Device device, torch::ScalarType precision) {
  if (name == "whisper-base")
    return std::make_shared<WhisperEncoder>(nn::Safetensors(model_file("content/whisper_base/weights.safetensors")),
                                            nn::Safetensors(model_file("content/whisper_base/position_basis.safetensors")).get("basis"),
                                            device, precision);
  fail(ErrorCode::bad_model, "Unknown content encoder \"{}\"; this build has whisper-base.", name);
}

}  // namespace voxconv
