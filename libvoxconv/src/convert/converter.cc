#include "voxconv/converter.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "audio/downmix.h"
#include "convert/exact.h"
#include "convert/key_choice.h"
#include "convert/lane.h"
#include "convert/output.h"
#include "convert/spool.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "core/stage_clock.h"
#include "voxconv/version.h"

namespace voxconv {
namespace {

/// Seconds that are read at a time: on a GPU as many as are analysed together.
double default_chunk_s(torch::Device device) {
  return device.is_cpu() ? 4 : double(windows_together(device) * FeatureStream::hop_frames) / frame_rate;
}

AudioBuffer one_channel(const AudioBuffer& audio, std::size_t channel) {
  AudioBuffer result(audio.rate, 0);
  result.channels.push_back(audio.channels[channel]);
  return result;
}

/// Tells a singer's voice from a few frames that only seem to have a pitch.
constexpr std::int64_t least_voiced = frame_rate / 5;

PitchRange range_of(const F0Track& track) {
  PitchHistogram histogram;
  for (const float hz : track.hz)
    if (hz > 0) histogram.add(double(hz));
  return histogram.range();
}

/// A voice that gives nothing where somebody sings is broken; its result must not pass for one.
void check_heard(const std::vector<Lane>& lanes, const VoiceInfo& voice) {
  for (const Lane& lane : lanes)
    if (lane.silent() && lane.voiced() >= least_voiced)
      fail(ErrorCode::bad_model, "The voice {} gives silence for a source that is sung for {:.1f} s; its model is probably damaged.",
           voice.name, double(lane.voiced()) / frame_rate);
}

StageSeconds seconds_of(const StageClock& clock) {
  return {clock.seconds(Stage::read),      clock.seconds(Stage::content),   clock.seconds(Stage::f0),
          clock.seconds(Stage::retrieval), clock.seconds(Stage::synthesis), clock.seconds(Stage::post)};
}

}  // namespace

struct Converter::Impl {
  Voice voice;
  ConvertOptions options;
  Ingredients with;
};

Converter::Converter(Voice voice, ConvertOptions options) try {
  options.validate();
  Ingredients with = gather_ingredients(voice.impl(), options);
  impl_ = std::unique_ptr<Impl>(new Impl{std::move(voice), std::move(options), std::move(with)});
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

ConvertReport Converter::run(AudioReader& reader, AudioWriter& writer, const ProgressFn& on_progress, const CancelToken& cancel) try {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const ConvertOptions& options = impl_->options;
  const AudioInfo& info = reader.info();
  const int channels = output_channels(info.channels), rate = output_rate();
  const torch::NoGradGuard no_grad;
  StageClock clock;
  const StageWatch watch(&clock);
  ConvertReport report;
  if (options.exact) {
    AudioBuffer result(rate, 0);
    result.channels.push_back(convert_exactly(impl_->voice.impl(), impl_->with, options, rate, reader, on_progress, cancel));
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
  std::optional<Spool> spool;
  report.key = options.key;
  if (options.key_auto && impl_->with.track) {
    report.key = choose_key(range_of(*impl_->with.track), range_of(voice()));
  } else if (options.key_auto && impl_->with.f0) {
    const StageScope stage(Stage::read);  // what belongs to no other one
    source = &spool.emplace(*source);
    const PitchRange song = pitch_range_of(*source, impl_->with.f0, impl_->voice.impl().device, on_progress, cancel);
    report.key = choose_key(song, range_of(voice()));
    spool->rewind();
  }
  std::vector<Lane> lanes;
  for (int c = 0; c < channels; ++c)
    lanes.emplace_back(impl_->voice.impl(), impl_->with, options, report.key, info.rate, rate, options.seed + std::uint64_t(c));
  Output output(options, channels, info.rate, rate, writer);

  std::int64_t frames_read = 0;
  const auto wanted_length = [&] { return std::int64_t(std::llround(double(frames_read) * rate / info.rate)); };
  const auto chunk =
      std::size_t(std::max(1.0, (options.chunk_s > 0 ? options.chunk_s : default_chunk_s(impl_->voice.impl().device)) * info.rate));
  AudioBuffer audio;
  const auto read = [&] {
    const StageScope stage(Stage::read);
    return source->read(audio, chunk);
  };
  while (read()) {
    cancel.check();
    frames_read += std::int64_t(audio.frames());
    for (std::size_t c = 0; c < lanes.size(); ++c) output.add_wet(c, lanes[c].push(one_channel(audio, c)));
    output.add_dry(audio);
    if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
    if (on_progress)
      on_progress({"convert", double(frames_read) / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""});
  }
  for (std::size_t c = 0; c < lanes.size(); ++c) {
    cancel.check();
    output.add_wet(c, lanes[c].finish());
  }
  if (options.wet > 0) check_heard(lanes, impl_->voice.info());
  output.finish_dry();
  if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
  report.limiter_gain_db = output.finish();

  std::int64_t frames = 0, voiced = 0;
  for (const Lane& lane : lanes) {
    frames += lane.frames();
    voiced += lane.voiced();
  }
  report.voiced = frames ? double(voiced) / double(frames) : 0;
  report.source_s = double(frames_read) / info.rate;
  report.wall_s = elapsed();
  report.stages = seconds_of(clock);
  return report;
} catch (...) {
  throw_as_error();
}

Tags provenance_tags(const Tags& source, const VoiceInfo& voice, const ConvertOptions& options) {
  Tags tags = source;
  const std::string note = fmt::format("AI-converted vocal: voice {}{}{}, voxconv {}, seed {}", voice.name,
                                       voice.version.empty() ? "" : " ", voice.version, version(), options.seed);
  std::string& comment = tags["comment"];
  comment = comment.empty() ? note : comment + "\n" + note;
  tags["voxconv_ai_converted"] = "yes";
  tags["voxconv_voice"] = voice.name;
  if (!voice.version.empty()) tags["voxconv_voice_version"] = voice.version;
  tags["voxconv_version"] = version();
  tags["voxconv_seed"] = std::to_string(options.seed);
  return tags;
}

}  // namespace voxconv
