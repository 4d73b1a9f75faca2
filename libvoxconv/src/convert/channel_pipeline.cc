#include "convert/channel_pipeline.h"

#include <cmath>
#include <utility>

#include "convert/key_choice.h"
#include "core/fail.h"
#include "core/stage_clock.h"
#include "features/pitch/smooth.h"
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

/// Frames up to the last one with a pitch, that included.
std::int64_t up_to_pitch(const torch::Tensor& f0) {
  const torch::Tensor voiced = (f0 > 0).nonzero();
  return voiced.size(0) ? voiced[-1].item<std::int64_t>() + 1 : 0;
}

FeatureFrames slice(const FeatureFrames& frames, std::int64_t begin, std::int64_t end) {
  return {frames.content.slice(0, begin, end), frames.f0.slice(0, begin, end), frames.loudness.slice(0, begin, end)};
}

}  // namespace

FeatureFrames PitchBridge::push(const FeatureFrames& frames, bool last) {
  held_ = join({held_, frames});
  const std::int64_t count = held_.size();
  std::int64_t certain = count ? up_to_pitch(held_.f0) : 0;
  if (certain > 0) {
    held_.f0 = bridge_inner_gaps(held_.f0, before_);
    before_ = held_.f0[certain - 1].item<float>();
  }
  if (last || count - certain > longest_gap) {
    const std::int64_t given_up = last ? count : count - longest_gap;
    if (count > 0) held_.f0.slice(0, certain, given_up).fill_(before_);
    certain = given_up;
  }
  if (certain == 0) return {};
  const FeatureFrames out = slice(held_, 0, certain);
  held_ = certain < count ? slice(held_, certain, count) : FeatureFrames{};
  return out;
}

namespace {

SynthesisOptions synthesis_options(const ConvertOptions& options, std::uint64_t seed) {
  return {seed, options.formant, std::int64_t(options.speaker)};
}

/// Whether RVC's mix takes the place of LoudnessFollower, and has something to do.
bool mixes_rms(const ModelRequirements& requirements, const ConvertOptions& options) { return requirements.rms_mix && options.rms_mix < 1; }

constexpr std::int64_t resampler_frames = 1;  // behind a frame that the resampler of the result needs

}  // namespace

SongPlan plan_conversion(const Voice::Impl& voice, const ConversionInputs& inputs, const ConvertOptions& options) {
  SongPlan plan = plan_song(inputs.f0.get(), voice.device, options.chunk_s, voice.model->windows(synthesis_options(options, options.seed)));
  const ModelRequirements requirements = voice.model->requirements();
  const std::int64_t loudness = requirements.rms_mix ? 0 : LoudnessFollower::lookahead_frames;
  plan.after_voice = (mixes_rms(requirements, options) ? StreamRmsMix::lookahead_frames : loudness) + resampler_frames;
  return plan;
}

ChannelPipeline::ChannelPipeline(const Voice::Impl& voice, const ConversionInputs& inputs, const ConvertOptions& options,
                                 const SongPlan& plan, double key, int source_rate, int result_rate, std::uint64_t seed)
    : voice_(voice),
      inputs_(inputs),
      options_(options),
      requirements_(voice.model->requirements()),
      key_(key),
      analysis_(source_rate),
      features_(plan, inputs.content, inputs.track ? nullptr : inputs.f0, options.pause_db, inputs.track ? &*inputs.track : nullptr),
      stream_(voice.model->start(synthesis_options(options, seed))),
      follower_(options.loudness, voice.model->sample_rate() / frame_rate),
      up_(1, voice.model->sample_rate(), result_rate) {
  if (options.profile == "head" && requirements_.retrieval) bridge_.emplace();
  if (mixes_rms(requirements_, options)) rms_mix_.emplace(feature_rate, voice.model->sample_rate(), options.rms_mix);
}

std::vector<float> ChannelPipeline::push(const AudioBuffer& audio) {
  const StageScope stage(Stage::read);  // what belongs to no later one
  return synthesize(extract_features(analysis_.push(audio), false), false);
}

std::vector<float> ChannelPipeline::finish() {
  const StageScope stage(Stage::read);
  return synthesize(extract_features(analysis_.finish(), true), true);
}

/// 16 kHz audio -> frames as the voice model is to have them.
FeatureFrames ChannelPipeline::extract_features(const std::vector<float>& audio, bool last) {
  if (rms_mix_) rms_mix_->push_source(audio);
  FeatureFrames frames = features_.push(audio);
  if (last) frames = join({frames, features_.finish()});
  if (frames.size() > 0) {
    frames_ += frames.size();
    voiced_ += (frames.f0 > 0).sum().item<std::int64_t>();
    frames.f0 = frames.f0 * std::exp2(key_ / 12);
    if (const auto reach = reach_of(range_of(voice_.info)))
      out_of_reach_ += ((frames.f0 > 0) & ((frames.f0 < reach->first) | (frames.f0 > reach->second))).sum().item<std::int64_t>();
  }
  if (bridge_) frames = bridge_->push(frames, last);
  if (inputs_.keeps_plain && frames.size() > 0) {
    const auto both = frames.content.chunk(2, 1);
    frames.content = protect_unvoiced(both[0], both[1], frames.f0, options_.protect);
  }
  return frames;
}

/// Frames -> the voice's audio at result_rate, as loud as the source.
std::vector<float> ChannelPipeline::synthesize(FeatureFrames frames, bool last) {
  std::vector<float> audio;
  {
    const StageScope stage(Stage::synthesis);
    audio = stream_->push(frames, last);
  }
  const StageScope stage(Stage::post);
  check_samples(audio);
  audio = match_loudness(frames.loudness, audio, last);
  // A voice that has a level of its own, wholly or in part, keeps it.
  analysis_.level().restore(audio, voice_.model->sample_rate(), requirements_.rms_mix ? 1 - options_.rms_mix : 1);
  audio = up_.push(mono(std::move(audio), voice_.model->sample_rate())).channels[0];
  return last ? joined(std::move(audio), up_.finish().channels[0]) : audio;
}

void ChannelPipeline::check_samples(const std::vector<float>& audio) {
  for (const float sample : audio) {
    if (!std::isfinite(sample))
      fail(ErrorCode::bad_model, "The voice {} gives samples that are no numbers; its model is damaged, or not made for this precision.",
           voice_.info.name);
    if (std::abs(sample) > silent_peak) silent_ = false;
  }
}

std::vector<float> ChannelPipeline::match_loudness(const torch::Tensor& loudness, const std::vector<float>& audio, bool last) {
  if (rms_mix_) {
    std::vector<float> mixed = rms_mix_->push(audio);
    return last ? joined(std::move(mixed), rms_mix_->finish()) : mixed;
  }
  if (requirements_.rms_mix) return audio;
  std::vector<float> followed = follower_.push(values(loudness), audio);
  return last ? joined(std::move(followed), follower_.finish()) : followed;
}

}  // namespace voxconv
