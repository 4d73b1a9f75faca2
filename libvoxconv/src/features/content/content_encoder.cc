#include "features/content/content_encoder.h"

#include "core/fail.h"
#include "core/paths.h"
#include "features/content/hubert_loader.h"
#include "features/content/whisper_encoder.h"

namespace voxconv {

torch::Tensor ContentEncoder::encode_windows(const torch::Tensor& audio) const {
  std::vector<torch::Tensor> windows;
  for (const torch::Tensor& window : audio.unbind()) windows.push_back(encode(window));
  return torch::stack(windows);
}

std::shared_ptr<const ContentEncoder> load_content_encoder(const std::string& name, torch::Device device, torch::ScalarType precision) {
  if (name == "whisper-base")
    return std::make_shared<WhisperEncoder>(nn::Safetensors(model_file("content/whisper_base/weights.safetensors")),
                                            nn::Safetensors(model_file("content/whisper_base/position_basis.safetensors")).get("basis"),
                                            device, precision);
  if (auto hubert = load_hubert_encoder(name, device, precision)) return hubert;
  fail(ErrorCode::bad_model,
       "Unknown content encoder \"{}\"; expected whisper-base, or <family>/layer12 or <family>/layer9-projection of a HuBERT.", name);
}

}  // namespace voxconv
