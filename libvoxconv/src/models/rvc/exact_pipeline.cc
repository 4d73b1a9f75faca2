#include "models/rvc/exact_pipeline.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "core/stage_clock.h"
#include "features/highpass.h"
#include "features/pitch/smooth.h"
#include "features/retrieval/retrieving_encoder.h"
#include "features/rms_mix.h"

namespace voxconv::rvc {
namespace {

constexpr double loudest = 0.95;
constexpr double protects_below = 0.5;
constexpr int hubert_layers = 12;  // the library that RVC runs HuBERT with draws a number for each and drops it

/// numpy's pad(mode="reflect"): mirrored about the end points, as often as it takes.
std::vector<double> reflect(const std::vector<double>& audio, std::int64_t pad) {
  const auto length = std::int64_t(audio.size()), period = std::max<std::int64_t>(1, 2 * (length - 1));
  std::vector<double> result;
  result.reserve(std::size_t(length + 2 * pad));
  for (std::int64_t i = -pad; i < length + pad; ++i) {
    const std::int64_t place = ((i % period) + period) % period;
    result.push_back(audio[std::size_t(place < length ? place : period - place)]);
  }
  return result;
}

torch::Tensor as_float(const std::vector<double>& samples, std::int64_t begin, std::int64_t end) {
  return torch::from_blob(const_cast<double*>(samples.data()) + begin, {end - begin}, torch::kDouble).to(torch::kFloat);
}

/// The song, no louder than RVC wants it and without what lies below 48 Hz.
std::vector<double> prepare(const torch::Tensor& audio) {
  const float peak = float(audio.abs().max().item<float>() / loudest);
  const torch::Tensor level = (peak > 1 ? audio / peak : audio).contiguous();
  return highpass(std::vector<double>(level.data_ptr<float>(), level.data_ptr<float>() + level.numel()));
}

/// The quietest spot near every multiple of the distance between cuts, on the frames' clock.
std::vector<std::int64_t> cut_points(const std::vector<double>& audio, const ExactCuts& cuts) {
  std::vector<std::int64_t> result;
  const auto seconds = [](double s) { return std::int64_t(s * feature_rate); };
  const std::vector<double> padded = reflect(audio, feature_hop / 2);
  const auto length = std::int64_t(audio.size()), query = seconds(cuts.query), centre = seconds(cuts.centre);
  if (std::int64_t(padded.size()) <= seconds(cuts.most)) return result;
  for (std::int64_t t = centre; t < length; t += centre) {
    std::int64_t best = t - query;
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t n = t - query; n < std::min(t + query, length); ++n) {
      double sum = 0;
      for (std::int64_t i = 0; i < feature_hop; ++i) sum += std::abs(padded[std::size_t(n + i)]);
      if (sum < least) {
        least = sum;
        best = n;
      }
    }
    result.push_back(best / feature_hop * feature_hop);
  }
  return result;
}

/// One conversion.
class ExactPipeline {
 public:
  ExactPipeline(const Synthesizer& synthesizer, const WholeSong& song, const ExactCuts& cuts)
      : synthesizer_(synthesizer),
        song_(song),
        cuts_(cuts),
        pad_(std::int64_t(cuts.pad * feature_rate)),
        speaker_(synthesizer.speaker(song.speaker)),
        noise_(at::detail::createCPUGenerator(song.seed)) {}

  std::vector<float> run() {
    const std::vector<double> audio = prepare(song_.audio);
    const std::vector<std::int64_t> points = cut_points(audio, cuts_);
    padded_ = reflect(audio, pad_);
    if (synthesizer_.config().f0) f0_ = pitch();
    const auto length = std::int64_t(padded_.size());
    std::vector<float> out;
    std::int64_t begin = 0;
    for (const std::int64_t point : points) {
      append(out, part(begin, std::min(point + 2 * pad_ + feature_hop, length), (point + 2 * pad_) / feature_hop));
      begin = point;
      if (song_.on_second) song_.on_second(double(point) / feature_rate);
    }
    append(out, part(begin, length, length / feature_hop));
    if (song_.rms_mix != 1) mix_rms(audio, feature_rate, out, synthesizer_.config().sample_rate, song_.rms_mix);
    if (song_.on_second) song_.on_second(double(audio.size()) / feature_rate);
    return out;
  }

 private:
  /// Hz of every frame of the padded song.
  torch::Tensor pitch() const {
    const std::int64_t frames = std::int64_t(padded_.size()) / feature_hop;
    const StageScope stage(Stage::f0);
    torch::Tensor f0 = song_.f0->estimate(as_float(padded_, 0, std::int64_t(padded_.size()))).hz.to(torch::kCPU);
    if (song_.bridge) f0 = bridge_gaps(f0);
    f0 = (f0 * std::exp2(song_.key / 12)).slice(0, 0, frames).clone();
    const std::int64_t first = std::int64_t(cuts_.pad * frame_rate);
    for (std::int64_t t = 0; t < std::int64_t(song_.given_f0.size()) && first + t < frames; ++t)
      f0[first + t] = song_.given_f0[std::size_t(t)];
    return f0;
  }

  /// Samples [begin, end) of the padded song, with the pitch up to `end_frame`, without their ends.
  torch::Tensor part(std::int64_t begin, std::int64_t end, std::int64_t end_frame) {
    const torch::Tensor plain = encode(begin, end);
    if (song_.bridge)
      for (int layer = 0; layer < hubert_layers; ++layer) torch::rand({}, noise_);
    torch::Tensor content = retrieve(plain);
    const auto at_frame_rate = [&](const torch::Tensor& x) { return x.repeat_interleave(song_.content->repeats(), 0); };
    const std::int64_t frames = std::min((end - begin) / feature_hop, plain.size(0) * song_.content->repeats());
    content = at_frame_rate(content).slice(0, 0, frames);
    torch::Tensor f0 = torch::zeros(frames);
    if (f0_.defined()) {
      f0 = f0_.slice(0, begin / feature_hop, std::min(end_frame, begin / feature_hop + frames));
      content = content.slice(0, 0, f0.size(0));
      if (song_.protect < protects_below)
        content = protect_unvoiced(content, at_frame_rate(plain).slice(0, 0, content.size(0)), f0, song_.protect);
    }
    const torch::Tensor audio = synthesize(content, f0);
    const std::int64_t trim = std::int64_t(cuts_.pad * synthesizer_.config().sample_rate);
    return audio.slice(0, trim, std::max(trim, audio.size(0) - trim));
  }

  torch::Tensor encode(std::int64_t begin, std::int64_t end) const {
    const StageScope stage(Stage::content);
    return song_.content->encode_frames(as_float(padded_, begin, end)).to(torch::kCPU);
  }

  torch::Tensor retrieve(const torch::Tensor& plain) const {
    const StageScope stage(Stage::retrieval);
    if (!song_.index || song_.index_rate == 0) return plain;
    return song_.index->nearest(plain) * song_.index_rate + plain * (1 - song_.index_rate);
  }

  torch::Tensor synthesize(const torch::Tensor& content, const torch::Tensor& f0) {
    const StageScope stage(Stage::synthesis);
    const torch::Device device = synthesizer_.device();
    const Prior prior = synthesizer_.encode(content, f0);
    const torch::Tensor drawn = torch::randn({1, prior.mean.size(0), prior.mean.size(1)}, noise_)[0].to(device);
    const torch::Tensor z = synthesizer_.flow(prior.mean + prior.log_deviation.exp() * drawn * prior_temperature, speaker_);
    torch::Tensor excitation;
    const Decoder& decoder = synthesizer_.decoder();
    if (decoder.partials() > 0) {
      torch::rand({1, decoder.partials()}, noise_);  // phases of overtones, of which RVC has none
      const torch::Tensor noise = torch::randn({1, f0.size(0) * synthesizer_.config().hop(), decoder.partials()}, noise_)[0];
      Decoder::Phase phase;
      excitation = decoder.excite(f0, noise, phase).to(device);
    }
    return decoder.decode(z, excitation, speaker_).to(torch::kCPU);
  }

  static void append(std::vector<float>& out, const torch::Tensor& audio) {
    const torch::Tensor samples = audio.to(torch::kFloat).contiguous();
    out.insert(out.end(), samples.data_ptr<float>(), samples.data_ptr<float>() + samples.numel());
  }

  const Synthesizer& synthesizer_;
  const WholeSong& song_;
  const ExactCuts& cuts_;
  std::int64_t pad_;
  torch::Tensor speaker_;
  at::Generator noise_;
  std::vector<double> padded_;
  torch::Tensor f0_;
};

}  // namespace

std::vector<float> convert_exactly(const Synthesizer& synthesizer, const WholeSong& song, const ExactCuts& cuts) {
  if (synthesizer.config().vocoder != Vocoder::hifigan)
    fail(ErrorCode::usage, "The exact mode follows RVC, which has no decoder of the kind of this voice; leave it out.");
  if (song.audio.numel() == 0) return {};
  const torch::NoGradGuard guard;
  return ExactPipeline(synthesizer, song, cuts).run();
}

}  // namespace voxconv::rvc
