#pragma once
#include <memory>
#include <optional>

#include "features/content/content_encoder.h"
#include "features/pitch/f0_estimator.h"
#include "features/retrieval/retrieval_index.h"
#include "models/denoise/denoiser.h"
#include "models/voice_model.h"
#include "nn/torch.h"
#include "voxconv/f0.h"
#include "voxconv/options.h"
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

/// What a conversion needs besides the voice, loaded once: const and shared by its channels.
struct ConversionInputs {
  std::shared_ptr<const ContentEncoder> content;  ///< the voice's, with the retrieval in it if there is one
  bool keeps_plain = false;                       ///< its frames hold the content without retrieval behind that with it, for `protect`
  std::shared_ptr<const RetrievalIndex> index;    ///< null: none
  std::shared_ptr<const F0Estimator> f0;          ///< null: not needed
  std::optional<F0Track> track;                   ///< pitch from a file instead
  std::shared_ptr<const Denoiser> denoiser;       ///< null: the source is taken as it is
};

/// Loads what `options` ask for and checks that it suits the voice. Throws Error(usage | not_found | bad_model).
ConversionInputs load_conversion_inputs(const Voice::Impl& voice, const ConvertOptions& options);

}  // namespace voxconv
