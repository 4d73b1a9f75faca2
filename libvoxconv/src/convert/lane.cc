#include "convert/lane.h"

#include <cmath>
#include <utility>

#include "core/fail.h"
#include "core/stage_clock.h"
#include "features/retrieval/retrieving_encoder.h"

namespace voxconv {
namespace {

std::vector<float> values(const torch::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const torch::Tensor x = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return {x.data_ptr<float>(), x.data_ptr<float>() + x.numel()};
}

AudioBuffer mono(std::vector<float> samples, int rate) {
  AudioBuffer audio(rate, 0);
  audio.channels.push_back(std::move(samples));
  return audio;
}

std::vector<float> joined(std::vector<float> first, const std::vector<float>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

Lane::Lane(const Voice::Impl& voice, const Ingredients& with, const ConvertOptions& options, double key, int source_rate, int result_rate,
           std::uint64_t seed)
    : options_(options),
      with_(with),
      voice_(voice),
      treatment_(voice.model->treatment()),
      key_(key),
      analysis_(source_rate),
      features_(with.content, with.track ? nullptr : with.f0, options.pause_db, windows_together(voice.device),
                with.track ? &*with.track : nullptr),
      stream_(voice.model->start({seed, options.formant, std::int64_t(options.speaker)})),
      follower_(options.loudness, voice.model->sample_rate() / frame_rate),
      up_(1, voice.model->sample_rate(), result_rate) {
  if (options.profile == "head" && treatment_.retrieval) bridge_.emplace();
  if (treatment_.rms_mix && options.rms_mix < 1) rms_mix_.emplace(feature_rate, voice.model->sample_rate(), options.rms_mix);
}

std::vector<float> Lane::push(const AudioBuffer& audio) {
  const StageScope stage(Stage::read);  // what belongs to no later one
  return sing(hear(analysis_.push(audio), false), false);
}

std::vector<float> Lane::finish() {
  const StageScope stage(Stage::read);
  return sing(hear(analysis_.finish(), true), true);
}

/// 16 kHz audio -> frames.
FeatureFrames Lane::hear(const std::vector<float>& audio, bool last) {
  if (rms_mix_) rms_mix_->push_source(audio);
  const FeatureFrames frames = features_.push(audio);
  return last ? join({frames, features_.finish()}) : frames;
}

/// Frames -> the voice's audio at result_rate.
std::vector<float> Lane::sing(FeatureFrames frames, bool last) {
  if (frames.size() > 0) {
    frames_ += frames.size();
    voiced_ += (frames.f0 > 0).sum().item<std::int64_t>();
    frames.f0 = frames.f0 * std::exp2(key_ / 12);
  }
  if (bridge_) frames = bridge_->push(frames, last);
  if (with_.protects && frames.size() > 0) {
    const auto both = frames.content.chunk(2, 1);
    frames.content = protect_unvoiced(both[0], both[1], frames.f0, options_.protect);
  }
  std::vector<float> audio = voice_audio(frames, last);
  const StageScope stage(Stage::post);
  for (const float sample : audio) {
    if (!std::isfinite(sample))
      fail(ErrorCode::bad_model, "The voice {} gives samples that are no numbers; its model is damaged, or not made for this precision.",
           voice_.info.name);
    if (std::abs(sample) > silent_peak) silent_ = false;
  }
  audio = level(frames.loudness, audio, last);
  // A voice that sings at a level of its own, wholly or in part, keeps it.
  analysis_.level().restore(audio, voice_.model->sample_rate(), treatment_.rms_mix ? 1 - options_.rms_mix : 1);
  audio = up_.push(mono(std::move(audio), voice_.model->sample_rate())).channels[0];
  return last ? joined(std::move(audio), up_.finish().channels[0]) : audio;
}

std::vector<float> Lane::voice_audio(const FeatureFrames& frames, bool last) {
  const StageScope stage(Stage::synthesis);
  return stream_->push(frames, last);
}

/// The voice's audio, as loud as the source was.
std::vector<float> Lane::level(const torch::Tensor& loudness, const std::vector<float>& audio, bool last) {
  if (rms_mix_) {
    std::vector<float> mixed = rms_mix_->push(audio);
    return last ? joined(std::move(mixed), rms_mix_->finish()) : mixed;
  }
  if (treatment_.rms_mix) return audio;
  std::vector<float> followed = follower_.push(values(loudness), audio);
  return last ? joined(std::move(followed), follower_.finish()) : followed;
}

}  // namespace voxconv
