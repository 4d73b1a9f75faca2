#include "models/rvc/rvc_voice.h"

#include "core/fail.h"
#include "models/rvc/exact_pipeline.h"
#include "models/rvc/prior_stream.h"
#include "models/rvc/rvc_stream.h"
#include "nn/safetensors.h"
#include "nn/weight_norm.h"

namespace voxconv::rvc {
namespace {

class RvcVoice final : public VoiceModel {
 public:
  explicit RvcVoice(std::shared_ptr<const Synthesizer> synthesizer) : synthesizer_(std::move(synthesizer)) {}

  int sample_rate() const override { return config().sample_rate; }
  std::string content_encoder() const override { return config().content_encoder; }
  std::int64_t context_frames() const override {
    return PriorStream::context_frames + synthesizer_->flow_context_frames() + synthesizer_->decoder().context_frames();
  }
  torch::Device device() const override { return synthesizer_->device(); }
  torch::Tensor speaker_embedding() const override { return {}; }
  Treatment treatment() const override { return {.rms_mix = true, .retrieval = true, .pitch = config().f0, .f0 = "rmvpe"}; }
  std::int64_t speakers() const override { return config().speakers; }
  std::unique_ptr<VoiceStream> start(const SynthesisOptions& options) const override {
    return std::make_unique<RvcStream>(synthesizer_, options);
  }
  std::vector<float> convert_whole(const WholeSong& song) const override { return convert_exactly(*synthesizer_, song); }

 private:
  const Config& config() const { return synthesizer_->config(); }

  std::shared_ptr<const Synthesizer> synthesizer_;
};

}  // namespace

std::shared_ptr<const VoiceModel> make_voice(std::shared_ptr<const Synthesizer> synthesizer) {
  const Config& config = synthesizer->config();
  if (config.hop() * frame_rate != config.sample_rate)
    fail(ErrorCode::bad_model, "The RVC model makes {} samples a frame at {} Hz; expected {} frames a second.", config.hop(),
         config.sample_rate, frame_rate);
  return std::make_shared<RvcVoice>(std::move(synthesizer));
}

std::shared_ptr<const VoiceModel> load_rvc_voice(const Bundle& bundle, torch::Device device, torch::ScalarType precision) {
  const nn::Safetensors file(bundle.weights_path);
  return make_voice(make_synthesizer(config_from_json(bundle.model), nn::fuse_weight_norms(file.tensors()), device, precision));
}

}  // namespace voxconv::rvc
