#include "voxconv/converter.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "audio/limiter.h"
#include "audio/resampler.h"
#include "convert/feature_stream.h"
#include "convert/key_choice.h"
#include "convert/loudness_follower.h"
#include "convert/voice_impl.h"
#include "core/fail.h"
#include "voxconv/f0.h"
#include "voxconv/version.h"

namespace voxconv {
namespace {

constexpr double default_chunk_s = 4;
constexpr double ceiling_dbtp = -1;
/// --key auto listens to this much of the song before it decides; the features of no more than that are held back.
constexpr std::int64_t key_frames = 60 * frame_rate;

/// The source's audio where its pitch has been given: f0 of the frames from `first`, taken from a file.
torch::Tensor track_frames(const F0Track& track, std::int64_t first, std::int64_t count) {
  torch::Tensor f0 = torch::zeros(count);
  for (std::int64_t t = 0; t < count && first + t < std::int64_t(track.hz.size()); ++t) f0[t] = track.hz[std::size_t(first + t)];
  return f0;
}

/// One channel on its way from the source to the voice: everything that has a state, in order.
class Lane {
 public:
  Lane(const Voice::Impl& voice, std::shared_ptr<const F0Estimator> f0, const ConvertOptions& options, const F0Track* track,
       int source_rate, std::uint64_t seed)
      : options_(options),
        track_(track),
        voice_(voice),
        down_(1, source_rate, feature_rate, ResamplerQuality::medium),
        features_(voice.content, track ? nullptr : std::move(f0), options.pause_db),
        stream_(voice.model->start({seed, options.formant})),
        follower_(options.loudness, voice.model->sample_rate() / frame_rate),
        key_(options.key),
        key_known_(!options.key_auto) {}

  /// The next samples of the source; returns the converted samples that are now certain.
  std::vector<float> push(const AudioBuffer& mono) { return sing(features_.push(down_.push(mono).channels[0]), false); }

  std::vector<float> finish() {
    std::vector<FeatureFrames> rest = {features_.push(down_.finish().channels[0]), features_.finish()};
    std::vector<float> out = sing(join(rest), true);
    const std::vector<float> tail = follower_.finish();
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
  }

  /// Takes the key another lane has chosen: the channels of a song stay together.
  void follow(const Lane& leader) {
    if (key_known_ || !leader.key_known_) return;
    key_ = leader.key_;
    key_known_ = true;
  }

  double key() const { return key_; }
  std::int64_t frames() const { return frames_; }
  std::int64_t voiced() const { return voiced_; }

 private:
  std::vector<float> sing(FeatureFrames frames, bool last) {
    if (track_ && frames.size() > 0) frames.f0 = track_frames(*track_, frames_ + held_.size(), frames.size());
    held_ = join({held_, frames});
    if (!key_known_) {
      if (held_.size() < key_frames && !last) return {};
      if (held_.size() > 0) key_ = choose_key(held_.f0, voice_.info);
      key_known_ = true;
    }
    frames = std::exchange(held_, {});
    std::vector<float> levels;
    if (frames.size() > 0) {
      frames_ += frames.size();
      voiced_ += (frames.f0 > 0).sum().item<std::int64_t>();
      frames.f0 = frames.f0 * std::exp2(key_ / 12);
      const torch::Tensor loudness = frames.loudness.contiguous();
      levels.assign(loudness.data_ptr<float>(), loudness.data_ptr<float>() + loudness.numel());
    }
    return follower_.push(levels, stream_->push(frames, last));
  }

  const ConvertOptions& options_;
  const F0Track* track_;
  const Voice::Impl& voice_;
  StreamResampler down_;
  FeatureStream features_;
  std::unique_ptr<VoiceStream> stream_;
  LoudnessFollower follower_;
  double key_;
  bool key_known_;
  FeatureFrames held_;
  std::int64_t frames_ = 0, voiced_ = 0;
};

AudioBuffer one_channel(const AudioBuffer& audio, std::size_t channel) {
  AudioBuffer result(audio.rate, 0);
  result.channels.push_back(audio.channels[channel]);
  return result;
}

AudioBuffer mid(const AudioBuffer& audio) {
  AudioBuffer result(audio.rate, 1, audio.frames());
  for (const auto& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i) result.channels[0][i] += channel[i] / float(audio.channel_count());
  return result;
}

/// Joins the converted channels with the dry source, sample by sample, and sends them on: mix, gain, limiter, writer.
class Output {
 public:
  Output(const ConvertOptions& options, int channels, int source_rate, int rate, AudioWriter& writer)
      : options_(options),
        rate_(rate),
        writer_(writer),
        dry_resampler_(channels, source_rate, rate),
        limiter_(channels, rate, ceiling_dbtp),
        wet_(std::size_t(channels)),
        dry_(std::size_t(channels)) {}

  void add_dry(const AudioBuffer& audio) {
    if (options_.wet < 1) append(dry_, dry_resampler_.push(audio).channels);
  }
  void finish_dry() {
    if (options_.wet < 1) append(dry_, dry_resampler_.finish().channels);
  }
  void add_wet(std::size_t channel, const std::vector<float>& samples) {
    wet_[channel].insert(wet_[channel].end(), samples.begin(), samples.end());
  }

  /// Writes what is there on all sides, up to `length` samples in all; returns whether anything was written.
  bool write(std::int64_t length) {
    std::size_t ready = std::size_t(std::max<std::int64_t>(0, length - done_));
    for (const auto& samples : wet_) ready = std::min(ready, samples.size());
    if (options_.wet < 1)
      for (const auto& samples : dry_) ready = std::min(ready, samples.size());
    if (ready == 0) return false;
    AudioBuffer mixed(rate_, wet_.size(), ready);
    const float gain = float(std::pow(10, options_.gain_db / 20)), wet = float(options_.wet) * gain, dry = float(1 - options_.wet) * gain;
    for (std::size_t c = 0; c < wet_.size(); ++c) {
      for (std::size_t i = 0; i < ready; ++i) mixed.channels[c][i] = wet * wet_[c][i] + (options_.wet < 1 ? dry * dry_[c][i] : 0);
      wet_[c].erase(wet_[c].begin(), wet_[c].begin() + std::ptrdiff_t(ready));
      if (options_.wet < 1) dry_[c].erase(dry_[c].begin(), dry_[c].begin() + std::ptrdiff_t(ready));
    }
    done_ += std::int64_t(ready);
    const AudioBuffer safe = limiter_.push(mixed);
    if (!safe.empty()) writer_.write(safe);
    return true;
  }

  double finish() {
    const AudioBuffer safe = limiter_.finish();
    if (!safe.empty()) writer_.write(safe);
    writer_.finish();
    return limiter_.largest_reduction_db();
  }

 private:
  static void append(std::vector<std::vector<float>>& kept, const std::vector<std::vector<float>>& more) {
    for (std::size_t c = 0; c < kept.size(); ++c) kept[c].insert(kept[c].end(), more[c].begin(), more[c].end());
  }

  const ConvertOptions& options_;
  int rate_;
  AudioWriter& writer_;
  StreamResampler dry_resampler_;
  TruePeakLimiter limiter_;
  std::vector<std::vector<float>> wet_, dry_;
  std::int64_t done_ = 0;
};

}  // namespace

struct Converter::Impl {
  Voice voice;
  ConvertOptions options;
  std::shared_ptr<const F0Estimator> f0;
  std::optional<F0Track> track;
};

Converter::Converter(Voice voice, ConvertOptions options) {
  options.validate();
  const Voice::Impl& parts = voice.impl();
  auto f0 = options.f0_file.empty() ? load_f0_estimator(options.f0, {options.f0_min, options.f0_max}, parts.device) : nullptr;
  std::optional<F0Track> track;
  if (!options.f0_file.empty()) track = read_f0_file(options.f0_file);
  impl_ = std::unique_ptr<Impl>(new Impl{std::move(voice), std::move(options), std::move(f0), std::move(track)});
}

Converter::~Converter() = default;
Converter::Converter(Converter&&) noexcept = default;
Converter& Converter::operator=(Converter&&) noexcept = default;

const VoiceInfo& Converter::voice() const { return impl_->voice.info(); }

const ConvertOptions& Converter::options() const { return impl_->options; }

int Converter::output_rate() const { return impl_->voice.impl().model->sample_rate(); }

int Converter::output_channels(int source_channels) const { return impl_->options.keep_stereo ? source_channels : 1; }

ConvertReport Converter::run(AudioReader& reader, AudioWriter& writer, const ProgressFn& on_progress, const CancelToken& cancel) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const ConvertOptions& options = impl_->options;
  const AudioInfo& info = reader.info();
  const int channels = output_channels(info.channels), rate = output_rate();
  std::vector<Lane> lanes;
  for (int c = 0; c < channels; ++c)
    lanes.emplace_back(impl_->voice.impl(), impl_->f0, options, impl_->track ? &*impl_->track : nullptr, info.rate,
                       options.seed + std::uint64_t(c));
  Output output(options, channels, info.rate, rate, writer);

  ConvertReport report;
  std::int64_t frames_read = 0;
  const auto wanted_length = [&] { return std::int64_t(std::llround(double(frames_read) * rate / info.rate)); };
  const auto chunk = std::size_t(std::max(1.0, (options.chunk_s > 0 ? options.chunk_s : default_chunk_s) * info.rate));
  AudioBuffer audio;
  while (reader.read(audio, chunk)) {
    cancel.check();
    frames_read += std::int64_t(audio.frames());
    if (!options.keep_stereo && audio.channel_count() > 1) audio = mid(audio);
    for (std::size_t c = 0; c < lanes.size(); ++c) {
      lanes[c].follow(lanes.front());
      output.add_wet(c, lanes[c].push(one_channel(audio, c)));
    }
    output.add_dry(audio);
    if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
    if (on_progress)
      on_progress({"convert", double(frames_read) / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""});
  }
  for (std::size_t c = 0; c < lanes.size(); ++c) {
    cancel.check();
    lanes[c].follow(lanes.front());
    output.add_wet(c, lanes[c].finish());
  }
  output.finish_dry();
  if (output.write(wanted_length()) && report.first_audio_s == 0) report.first_audio_s = elapsed();
  report.limiter_gain_db = output.finish();

  std::int64_t frames = 0, voiced = 0;
  for (const Lane& lane : lanes) {
    frames += lane.frames();
    voiced += lane.voiced();
  }
  report.key = lanes.front().key();
  report.voiced = frames ? double(voiced) / double(frames) : 0;
  report.source_s = double(frames_read) / info.rate;
  report.wall_s = elapsed();
  return report;
}

Tags provenance_tags(const Tags& source, const VoiceInfo& voice, const ConvertOptions& options) {
  Tags tags = source;
  const std::string note =
      fmt::format("AI-converted vocal: voice {} {}, voxconv {}, seed {}", voice.name, voice.version, version(), options.seed);
  std::string& comment = tags["comment"];
  comment = comment.empty() ? note : comment + "\n" + note;
  tags["voxconv_ai_converted"] = "yes";
  tags["voxconv_voice"] = voice.name;
  tags["voxconv_voice_version"] = voice.version;
  tags["voxconv_version"] = version();
  tags["voxconv_seed"] = std::to_string(options.seed);
  return tags;
}

}  // namespace voxconv
