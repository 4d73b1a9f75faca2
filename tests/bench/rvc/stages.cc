// rvc_stages VOICE.pth INDEX STAGES.safetensors: gives each stage of voxconv what the same stage of RVC was given (run_rvc.py --dump) and
// prints how far the results lie apart, one line of JSON each. INDEX may be "". Content encoder and RMVPE are found by name.
#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include "features/content/content_encoder.h"
#include "features/highpass.h"
#include "features/pitch/f0_estimator.h"
#include "features/pitch/smooth.h"
#include "features/retrieval/retrieval_index.h"
#include "features/retrieval/retrieving_encoder.h"
#include "features/rms_mix.h"
#include "models/rvc/checkpoint.h"
#include "models/rvc/synthesizer.h"
#include "nn/safetensors.h"

namespace voxconv {
namespace {

void compare(const std::string& stage, const torch::Tensor& mine, const torch::Tensor& theirs) {
  const torch::Tensor a = mine.to(torch::kCPU, torch::kDouble).flatten(), b = theirs.to(torch::kCPU, torch::kDouble).flatten();
  if (a.numel() != b.numel()) {
    std::printf("%s\n", fmt::format(R"({{"stage": "{}", "mine": {}, "theirs": {}}})", stage, a.numel(), b.numel()).c_str());
    return;
  }
  const double error = ((a - b).norm() / b.norm()).item<double>(), largest = (a - b).abs().max().item<double>();
  std::printf("%s\n",
              fmt::format(R"({{"stage": "{}", "values": {}, "relative_error": {:.3g}, "snr_db": {:.1f}, "largest_difference": {:.3g}}})",
                          stage, a.numel(), error, -20 * std::log10(std::max(error, 1e-15)), largest)
                  .c_str());
  std::fflush(stdout);
}

class Stages {
 public:
  Stages(const std::string& voice, const std::string& index, const std::string& dump)
      : dump_(dump),
        checkpoint_(rvc::read_checkpoint(voice)),
        synthesizer_(rvc::make_synthesizer(checkpoint_.config, checkpoint_.weights, torch::kCPU, torch::kFloat)) {
    if (!index.empty()) index_ = load_retrieval_index(index);
  }

  void run() {
    if (dump_.has("mixed")) rms_mix();
    if (dump_.has("rmvpe")) pitch();
    content_ = load_content_encoder(checkpoint_.config.content_encoder, torch::kCPU, torch::kFloat);
    at::Generator noise = at::detail::createCPUGenerator(std::stoull(dump_.metadata().at("seed")));
    for (int i = 0; dump_.has(fmt::format("segment{}.hubert", i)); ++i) segment(fmt::format("segment{}.", i), noise);
  }

 private:
  double setting(const std::string& name) const { return std::stod(dump_.metadata().at(name)); }
  torch::Tensor theirs(const std::string& name) const { return dump_.get(name).clone(); }

  void rms_mix() const {
    const torch::Tensor source = theirs("highpassed"), result = theirs("unmixed").contiguous();
    mix_rms({source.data_ptr<double>(), std::size_t(source.numel())}, 16000, {result.data_ptr<float>(), std::size_t(result.numel())},
            checkpoint_.config.sample_rate, setting("rms_mix"));
    compare("rms mix", result, theirs("mixed"));
  }

  void pitch() const {
    const torch::Tensor found = load_f0_estimator("rmvpe", {}, torch::kCPU)->estimate(theirs("padded").to(torch::kFloat)).hz;
    const torch::Tensor f0 = theirs("rmvpe");
    compare("f0 (RMVPE)", found, f0);
    compare("f0, voiced or not", (found > 0).to(torch::kFloat), (f0 > 0).to(torch::kFloat));
    compare("f0 with gaps bridged", bridge_gaps(f0.to(torch::kFloat)), theirs("f0"));
    compare("f0 coarse", rvc::coarse_f0(theirs("f0").to(torch::kFloat)), theirs("coarse"));
  }

  void segment(const std::string& name, at::Generator& noise) {
    const torch::Tensor hubert = theirs(name + "hubert"), phone = theirs(name + "content");
    compare(name + "content (HuBERT)", content_->encode_frames(theirs(name + "audio")), hubert);
    const bool sings = dump_.has(name + "pitch");
    const torch::Tensor f0 = sings ? theirs(name + "pitchf") : torch::zeros(phone.size(0));
    torch::Tensor blended = index_ ? index_->nearest(hubert) * setting("index_rate") + hubert * (1 - setting("index_rate")) : hubert;
    blended = blended.repeat_interleave(2, 0).slice(0, 0, phone.size(0));
    if (sings) blended = protect_unvoiced(blended, hubert.repeat_interleave(2, 0).slice(0, 0, phone.size(0)), f0, setting("protect"));
    compare(name + "retrieval, blended", blended, phone);
    const rvc::Prior prior = synthesizer_->encode(phone, f0);
    compare(name + "text encoder, mean", prior.mean, theirs(name + "m"));
    compare(name + "text encoder, log deviation", prior.log_deviation, theirs(name + "logs"));
    const std::int64_t speaker = std::int64_t(setting("speaker"));
    for (int layer = 0; layer < 12; ++layer) torch::rand({}, noise);
    const torch::Tensor drawn = torch::randn({1, prior.mean.size(0), prior.mean.size(1)}, noise)[0];
    compare(name + "prior, drawn", prior.mean + prior.log_deviation.exp() * drawn * rvc::prior_temperature, theirs(name + "z_p"));
    compare(name + "flow", synthesizer_->flow(theirs(name + "z_p"), synthesizer_->speaker(speaker)), theirs(name + "z"));
    torch::Tensor excitation;
    const rvc::Decoder& decoder = synthesizer_->decoder();
    if (sings) {
      torch::rand({1, decoder.partials()}, noise);
      const torch::Tensor sine_noise = torch::randn({1, f0.size(0) * checkpoint_.config.hop(), decoder.partials()}, noise)[0];
      rvc::Decoder::Phase phase;
      excitation = theirs(name + "excitation").flatten();
      compare(name + "excitation", decoder.excite(f0, sine_noise, phase), excitation);
    }
    compare(name + "decoder", decoder.decode(theirs(name + "z"), excitation, synthesizer_->speaker(speaker)), theirs(name + "decoder"));
  }

  nn::Safetensors dump_;
  rvc::Checkpoint checkpoint_;
  std::shared_ptr<const rvc::Synthesizer> synthesizer_;
  std::shared_ptr<const RetrievalIndex> index_;
  std::shared_ptr<const ContentEncoder> content_;
};

}  // namespace
}  // namespace voxconv

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: rvc_stages VOICE.pth INDEX STAGES.safetensors\n");
    return 2;
  }
  try {
    const c10::InferenceMode inference;
    voxconv::Stages(argv[1], argv[2], argv[3]).run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "rvc_stages: %s\n", e.what());
    return 1;
  }
  return 0;
}
