#include "models/rvc/decoder.h"

#include "core/fail.h"
#include "models/rvc/hifigan.h"
#include "models/rvc/refinegan.h"

namespace voxconv::rvc {
namespace {

void check_shapes(const Config& config) {
  for (const std::int64_t kernel : config.resblock_kernels)
    if (kernel % 2 == 0)
      fail(ErrorCode::bad_model, "The model's residual blocks have kernels of even size ({}); odd ones were expected.", kernel);
  if (config.vocoder != Vocoder::hifigan && !config.f0)
    fail(ErrorCode::bad_model, "The model has no pitch, but a decoder (MRF HiFi-GAN or RefineGAN) that needs one.");
}

}  // namespace

std::unique_ptr<const Decoder> make_decoder(const Config& config, const nn::StateDict& weights, torch::Device device,
                                            torch::ScalarType precision) {
  check_shapes(config);
  nn::TensorReader reader(weights, "The model's decoder", "dec.");
  if (config.vocoder == Vocoder::refinegan) {
    const RefineGanWeights tensors = read_refinegan(config, reader);
    reader.finish();
    return std::make_unique<RefineGan>(config, tensors, device, precision);
  }
  const HifiGanNames names = config.vocoder == Vocoder::mrf_hifigan ? mrf_hifigan_names() : hifigan_names(config);
  const HifiGanWeights tensors = read_hifigan(config, names, reader);
  reader.finish();
  return std::make_unique<HifiGan>(config, tensors, device, precision);
}

}  // namespace voxconv::rvc
