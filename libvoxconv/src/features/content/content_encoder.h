#pragma once
#include <memory>
#include <string>

#include "nn/torch.h"

namespace voxconv {

/// Carries the words of speech or singing. Weights are const: one instance may be used from several threads.
class ContentEncoder {
 public:
  virtual ~ContentEncoder() = default;
  virtual std::int64_t dim() const = 0;
  /// 16 kHz audio [N] (at most 30 s) -> [frame_count(N), dim] on the 100 Hz clock. No gradient.
  virtual torch::Tensor encode(const torch::Tensor& audio) const = 0;
};

/// "whisper-base". Throws Error(not_found | bad_model).
std::shared_ptr<const ContentEncoder> load_content_encoder(const std::string& name, torch::Device device, torch::ScalarType precision);

}  // namespace voxconv
