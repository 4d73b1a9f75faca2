#include "voxconv/converter.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "audio/caller_writer.h"
#include "audio/checked_reader.h"
#include "audio/downmix.h"
#include "audio/resampler.h"
#include "convert/channel_pipeline.h"
#include "convert/denoise_reader.h"
#include "convert/key_choice.h"
#include "convert/output.h"
#include "convert/spool.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/log.h"
#include "core/stage_clock.h"
#include "voxconv/batch.h"

namespace voxconv {
namespace {

AudioBuffer one_channel(const AudioBuffer& audio, std::size_t channel) {
  AudioBuffer result(audio.rate, 0);
  result.channels.push_back(audio.channels[channel]);
  return result;
}

/// Tells a singer's voice from a few frames that only seem to have a pitch.
constexpr std::int64_t least_voiced = frame_rate / 5;
constexpr double out_of_reach_share = 0.25;  // of the voiced frames: from there on it is said

PitchRange range_of(const F0Track& track) {
  PitchHistogram histogram;
  for (const float hz : track.hz)
    if (hz > 0) histogram.add(double(hz));
  return histogram.range();
}

/// A voice that gives nothing where somebody sings is broken; its result must not pass for one.
void check_not_silent(const std::vector<ChannelPipeline>& pipelines, const VoiceInfo& voice) {
  for (const ChannelPipeline& pipeline : pipelines)
    if (pipeline.silent() && pipeline.voiced() >= least_voiced)
      fail(ErrorCode::bad_model, "The voice {} gives silence for a source that is sung for {:.1f} s; its model is probably damaged.",
           voice.name, double(pipeline.voiced()) / frame_rate);
}

/// Tells what cannot sound as it should: notes without a pitch, and those beyond the voice.
void warn_of_pitch(const std::vector<ChannelPipeline>& pipelines, const ConvertOptions& options, const VoiceInfo& voice) {
  std::int64_t voiced = 0, out_of_reach = 0;
  const MissedNotes* most = nullptr;
  for (const ChannelPipeline& pipeline : pipelines) {
    voiced += pipeline.voiced();
    out_of_reach += pipeline.out_of_reach();
    if (pipeline.missed() && (!most || pipeline.missed()->seconds() > most->seconds())) most = pipeline.missed();
  }
  if (most) most->warn({options.f0_min, options.f0_max});
  if (voiced < least_voiced || double(out_of_reach) < out_of_reach_share * double(voiced)) return;
  const auto reach = reach_of(range_of(voice));
  log_warning("{:.0f} % of what is sung lies beyond what the voice {} reaches ({:.0f} to {:.0f} Hz); another key may suit it better.",
              100 * double(out_of_reach) / double(voiced), voice.name, reach->first, reach->second);
}

StageSeconds seconds_of(const StageClock& clock) {
  return {clock.seconds(Stage::read),      clock.seconds(Stage::content),   clock.seconds(Stage::f0),
          clock.seconds(Stage::retrieval), clock.seconds(Stage::synthesis), clock.seconds(Stage::post)};
}

// Of the exact mode.
constexpr double highest_peak = 0.99, steps = 32768;  // of RVC's 16-bit result
constexpr float audible_peak = 1e-2f;

/// The whole source at 16 kHz; the mean of its channels, as RVC reads it.
std::vector<float> read_whole(AudioReader& reader, const SongPlan& plan, const CancelToken& cancel) {
  StreamResampler down(1, reader.info().rate, feature_rate);
  std::vector<float> all;
  const auto append = [&](const AudioBuffer& more) { all.insert(all.end(), more.channels[0].begin(), more.channels[0].end()); };
  for (AudioBuffer audio; reader.read(audio, plan.read_frames(reader.info().rate));) {
    cancel.check();
    append(down.push(channel_mean(audio)));
  }
  append(down.finish());
  return all;
}

/// The largest magnitude; not finite where a sample is not.
float peak_of(const std::vector<float>& audio) {
  float peak = 0;
  for (const float sample : audio) {
    if (!std::isfinite(sample)) return sample;
    peak = std::max(peak, std::abs(sample));
  }
  return peak;
}

/// Lowers what is too loud and rounds towards zero to 16 bits.
void to_16_bits(std::vector<float>& audio) {
  const double scale = steps / std::max(1.0, peak_of(audio) / highest_peak);
  for (float& sample : audio) sample = float(std::trunc(double(sample) * scale) / steps);
}

/// The exact mode: all of `reader` (channels mixed) through VoiceModel::convert_whole(), which gives what the model's original gives. The
/// result at `rate`, on the 16-bit steps that RVC writes. Throws Error.
std::vector<float> convert_exactly(const Voice::Impl& voice, const ConversionInputs& inputs, const ConvertOptions& options,
                                   const SongPlan& plan, int rate, AudioReader& reader, const ProgressFn& on_progress,
                                   const CancelToken& cancel) {
  const StageScope stage(Stage::read);  // what belongs to no later one
  std::vector<float> source = read_whole(reader, plan, cancel);
  if (source.empty()) return {};
  const double seconds = double(source.size()) / feature_rate;
  WholeSong song;
  song.audio = torch::from_blob(source.data(), {std::int64_t(source.size())});
  song.content = voice.content.get();
  song.f0 = inputs.f0.get();
  song.index = inputs.index.get();
  if (inputs.track) song.given_f0 = inputs.track->hz;
  song.key = options.key;
  song.index_rate = options.index_rate;
  song.protect = options.protect;
  song.rms_mix = options.rms_mix;
  song.bridge = options.profile == "head";
  song.speaker = std::int64_t(options.speaker);
  song.seed = options.seed;
  song.on_second = [&](double done) {
    cancel.check();
    if (on_progress) on_progress({"convert", done, seconds, "s", ""});
  };
  AudioBuffer result(voice.model->sample_rate(), 0);
  result.channels.push_back(voice.model->convert_whole(song));
  const float peak = peak_of(result.channels[0]);
  if (!std::isfinite(peak) || (peak < silent_peak && peak_of(source) > audible_peak))
    fail(ErrorCode::bad_model, "The voice {} gives {} for a source that is not silent; its model is probably damaged.", voice.info.name,
         std::isfinite(peak) ? "silence" : "samples that are no numbers");
  const StageScope last(Stage::post);
  result = resample(result, rate);
  to_16_bits(result.channels[0]);
  return std::move(result.channels[0]);
}

}  // namespace

struct Converter::Impl {
  Voice voice;
  ConvertOptions options;
  ConversionInputs inputs;
  SongPlan plan;
};

Converter::Converter(Voice voice, ConvertOptions options) try {
  options.validate();
  ConversionInputs inputs = load_conversion_inputs(voice.impl(), options);
  const SongPlan plan = plan_conversion(voice.impl(), inputs, options);
  impl_ = std::unique_ptr<Impl>(new Impl{std::move(voice), std::move(options), std::move(inputs), plan});
} catch (...) {
  throw_as_error();
}

Converter::Converter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Converter Converter::another() const { return Converter(std::make_unique<Impl>(*impl_)); }

Converter::~Converter() = default;
Converter::Converter(Converter&&) noexcept = default;
Converter& Converter::operator=(Converter&&) noexcept = default;

const VoiceInfo& Converter::voice() const { return impl_->voice.info(); }

const ConvertOptions& Converter::options() const { return impl_->options; }

int Converter::output_rate() const {
  return impl_->options.resample ? int(impl_->options.resample) : impl_->voice.impl().model->sample_rate();
}

int Converter::output_channels(int source_channels) const { return impl_->options.keep_stereo ? source_channels : 1; }

ConvertReport Converter::run(AudioReader& reader, AudioWriter& writer, const ProgressFn& on_progress, const CancelToken& cancel) {
  return run(reader, nullptr, writer, on_progress, cancel);
}

ConvertReport Converter::run(AudioReader& original, AudioReader* ahead, AudioWriter& target, const ProgressFn& progress,
                             const CancelToken& cancel) try {
  CheckedReader reader(original);
  CallerWriter writer(target);
  const ProgressFn on_progress = of_caller(progress);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return seconds_since(start); };
  const ConvertOptions& options = impl_->options;
  const AudioInfo& info = reader.info();
  const int channels = output_channels(info.channels), rate = output_rate();
  const torch::NoGradGuard no_grad;
  StageClock clock;
  const StageWatch watch(&clock);
  ConvertReport report;
  if (options.exact) {
    AudioBuffer result(rate, 0);
    result.channels.push_back(convert_exactly(impl_->voice.impl(), impl_->inputs, options, impl_->plan, rate, reader, on_progress, cancel));
    report.first_audio_s = elapsed();
    if (!result.empty()) writer.write(result);
    writer.finish();
    report.key = options.key;
    report.source_s = info.frames > 0 ? double(info.frames) / info.rate : result.seconds();
    report.wall_s = elapsed();
    report.stages = seconds_of(clock);
    return report;
  }
  DownmixReader mixed(reader);
  AudioReader* source = options.keep_stereo ? &reader : static_cast<AudioReader*>(&mixed);
  std::optional<DenoisingReader> denoised;
  if (impl_->inputs.denoiser) {
    source = &denoised.emplace(*source, impl_->inputs.denoiser, options.denoise_limit);
    ahead = nullptr;  // the pitch for the key is that of the denoised source, which is better kept than made twice
  }
  std::optional<Spool> spool;
  report.key = options.key;
  if (options.key_auto && impl_->inputs.track) {
    report.key = choose_key(range_of(*impl_->inputs.track), voice());
  } else if (options.key_auto && impl_->inputs.f0) {
    const StageScope stage(Stage::read);  // what belongs to no other one
    if (!ahead) source = &spool.emplace(*source);
    const PitchRange song = pitch_range_of(ahead ? *ahead : *source, impl_->inputs.f0, impl_->plan, on_progress, cancel);
    report.key = choose_key(song, voice());
    if (spool) spool->rewind();
  }
  std::vector<ChannelPipeline> pipelines;
  for (int c = 0; c < channels; ++c)
    pipelines.emplace_back(impl_->voice.impl(), impl_->inputs, options, impl_->plan, report.key, info.rate, rate,
                           options.seed + std::uint64_t(c));
  Output output(options, channels, info.rate, rate, writer);

  std::int64_t frames_read = 0;
  const auto wanted_length = [&] {
    const auto length = std::int64_t(std::llround(double(frames_read) * rate / info.rate));
    return frames_read > 0 ? std::max<std::int64_t>(1, length) : 0;
  };
  AudioBuffer audio;
  const auto read = [&] {
    const StageScope stage(Stage::read);
    return source->read(audio, impl_->plan.read_frames(info.rate));
  };
  while (read()) {
    cancel.check();
    frames_read += std::int64_t(audio.frames());
    for (std::size_t c = 0; c < pipelines.size(); ++c) output.add_wet(c, pipelines[c].push(one_channel(audio, c)));
    output.add_dry(audio);
    if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
    if (on_progress)
      on_progress({"convert", double(frames_read) / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""});
  }
  for (std::size_t c = 0; c < pipelines.size(); ++c) {
    cancel.check();
    output.add_wet(c, pipelines[c].finish());
  }
  if (options.wet > 0) {
    check_not_silent(pipelines, impl_->voice.info());
    warn_of_pitch(pipelines, options, impl_->voice.info());
  }
  output.finish_dry();
  output.pad(wanted_length());
  if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
  report.limiter_gain_db = output.finish();

  std::int64_t frames = 0, voiced = 0;
  for (const ChannelPipeline& pipeline : pipelines) {
    frames += pipeline.frames();
    voiced += pipeline.voiced();
  }
  report.voiced = frames ? double(voiced) / double(frames) : 0;
  report.source_s = double(frames_read) / info.rate;
  report.wall_s = elapsed();
  report.stages = seconds_of(clock);
  return report;
} catch (...) {
  throw_as_error();
}

ConvertReport convert_file(Converter& converter, const FileJob& job, const ProgressFn& on_progress, const CancelToken& cancel) try {
  const auto reader = open_reader(job.source, job.read);
  const AudioInfo& info = reader->info();
  WriteOptions target;
  target.rate = converter.output_rate();
  target.channels = converter.output_channels(info.channels);
  target.format = job.format;
  target.raw = job.raw;
  target.bitrate_kbps = job.bitrate_kbps;
  target.tags = provenance_tags(info.tags, converter.voice(), converter.options());
  target.cover = info.cover;
  const auto writer = open_writer(job.target, target);
  std::error_code none;
  // A file is read once more rather than kept decoded, as a pipe must be.
  const bool again = converter.options().key_auto && job.source != "-" && std::filesystem::is_regular_file(job.source, none);
  const auto ahead = again ? open_reader(job.source, job.read) : nullptr;
  return converter.run(*reader, ahead.get(), *writer, on_progress, cancel);
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
