#pragma once
#include <string>

#include "models/rvc/checkpoint.h"
#include "models/rvc/synthesizer.h"
#include "nn/safetensors.h"

namespace voxconv::rvc {

/// A tiny checkpoint of tests/data/golden/rvc and what RVC's own classes make of it (scripts/goldens/rvc.py).
struct GoldenModel {
  explicit GoldenModel(const std::string& name)
      : checkpoint(read_checkpoint(VOXCONV_TEST_DATA "/golden/rvc/" + name + ".pth")),
        synthesizer(make_synthesizer(checkpoint.config, checkpoint.weights, torch::kCPU, torch::kFloat)),
        expected(VOXCONV_TEST_DATA "/golden/rvc/" + name + ".safetensors") {
    torch::set_num_threads(1);  // so small that threads would only wait for each other
  }

  torch::Tensor get(const std::string& name) const { return expected.get(name).to(torch::kFloat); }
  /// Hz of each frame; undefined for models without pitch.
  torch::Tensor f0() const { return expected.has("f0") ? get("f0") : torch::Tensor(); }

  Checkpoint checkpoint;
  std::shared_ptr<const Synthesizer> synthesizer;
  nn::Safetensors expected;
};

constexpr std::int64_t golden_speaker = 1;  ///< that sang
constexpr const char* golden_models[] = {"v2_40k", "v1_48k", "v2_32k_nono", "v1_40k_nono"};

}  // namespace voxconv::rvc
