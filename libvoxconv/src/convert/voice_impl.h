#pragma once
#include <memory>

#include "features/content/content_encoder.h"
#include "models/voice_model.h"
#include "nn/torch.h"
#include "voxconv/voice.h"

namespace voxconv {

/// What a loaded voice consists of.
struct Voice::Impl {
  VoiceInfo info;
  std::shared_ptr<const VoiceModel> model;
  std::shared_ptr<const ContentEncoder> content;
  torch::Device device = torch::kCPU;
  torch::ScalarType precision = torch::kFloat;
};

}  // namespace voxconv
