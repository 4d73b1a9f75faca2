#include "train/native/corpus.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "audio/resampler.h"
#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/log.h"
#include "features/highpass.h"
#include "features/loudness.h"
#include "models/native/config.h"
#include "models/native/envelope.h"
#include "nn/safetensors.h"
#include "train/native/perturbation.h"
#include "train/native/recordings.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

namespace F = torch::nn::functional;
using native::hop;

// Rises when the same recordings give other clips or other features: what was kept before is of no use then.
constexpr std::size_t cut_revision = 6;

torch::Tensor to_tensor(const AudioBuffer& buffer) { return torch::tensor(at::ArrayRef<float>(buffer.channels[0])); }

/// 16 kHz audio as the features of a song are taken from it: without what lies below a voice.
torch::Tensor without_rumble(const AudioBuffer& audio) {
  return torch::tensor(highpass(std::vector<double>(audio.channels[0].begin(), audio.channels[0].end()))).to(torch::kFloat);
}

/// Frames [T', C] to exactly `frames` of them by linear interpolation, frame t of the result taken at t * step.
torch::Tensor retime(const torch::Tensor& x, std::int64_t frames, double step) {
  const torch::Tensor position = (torch::arange(frames, torch::kDouble) * step).clamp_max(double(x.size(0) - 1));
  const torch::Tensor low = position.floor().to(torch::kLong), high = (low + 1).clamp_max(x.size(0) - 1);
  const torch::Tensor part = (position - low).to(torch::kFloat).unsqueeze(1);
  return x.index_select(0, low) * (1 - part) + x.index_select(0, high) * part;
}

/// Content at 50 Hz of a clip played `speed` times as fast, on the clock of the clip itself. Another speed is another vocal tract and
/// pitch: what stays the same in the content is the phonetic part.
torch::Tensor content_at_speed(const ContentEncoder& encoder, const torch::Tensor& audio16, std::int64_t frames, double speed) {
  const int claimed_rate = int(std::lround(feature_rate * speed));
  const torch::Tensor audio =
      speed == 1 ? audio16 : to_tensor(resample(to_buffer(audio16, claimed_rate), feature_rate, ResamplerQuality::fastest));
  return retime(encoder.encode(audio), frames / 2, 2.0 * feature_rate / claimed_rate).to(torch::kHalf);
}

/// Content at 50 Hz [T / 2, C] at 100 Hz [T, C].
torch::Tensor on_frame_clock(const torch::Tensor& content) {
  const torch::Tensor half = content.to(torch::kFloat);
  const torch::Tensor next = torch::cat({half.slice(0, 1), half.slice(0, -1)});
  return torch::stack({half, (half + next) / 2}, 1).flatten(0, 1);
}

/// The frequency above which a band-limited recording has nothing: the steepest drop of the long-term spectrum, if there is one. The end
/// of a full-band codec (17 to 20 kHz) is none: what little there is above it is learned as it is.
double find_band_limit(const torch::Tensor& envelope) {
  const torch::Tensor mean = envelope.to(torch::kFloat).mean(0), hz = native::envelope_centres();
  const auto level = mean.accessor<float, 1>();
  const auto centre = hz.accessor<float, 1>();
  const std::int64_t bins = native::envelope_bins;
  double steepest = 1.2;  // nepers (10 dB) within three points, about a sixth of an octave
  double limit = native::sample_rate / 2.0;
  for (std::int64_t k = 3; k < bins; ++k) {
    const double drop = level[k - 3] - level[k];
    if (centre[k - 3] > 3000 && centre[k - 3] < 16200 && drop > steepest) {
      steepest = drop;
      limit = centre[k - 3] * 0.97;
    }
  }
  return limit;
}

/// The recordings in an order of which every beginning is spread over the whole (golden ratio): where not all are used, those that are
/// come from all of a sorted list, which often is one of styles or pitches.
std::vector<std::string> spread(const std::vector<std::string>& recordings) {
  std::vector<std::pair<double, std::string>> keyed;
  for (std::size_t i = 0; i < recordings.size(); ++i) keyed.emplace_back(std::fmod(double(i) * std::numbers::phi, 1.0), recordings[i]);
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::string> result;
  for (auto& [key, recording] : keyed) result.push_back(std::move(recording));
  return result;
}

SpeakerData read_cache(const std::string& path, const std::string& name) {
  const nn::Safetensors file(path);
  SpeakerData data{name};
  const torch::Tensor bounds = file.get("bounds");
  data.bounds.assign(bounds.data_ptr<std::int64_t>(), bounds.data_ptr<std::int64_t>() + bounds.numel());
  data.audio = file.get("audio");
  data.f0 = file.get("f0");
  data.loudness = file.get("loudness");
  data.envelope = file.get("envelope");
  if (file.has("content")) data.content = file.get("content");
  data.embeddings = file.get("embeddings");
  data.band_hz = file.get("band_hz").item<double>();
  return data;
}

void write_cache(const std::string& path, const SpeakerData& data) {
  std::map<std::string, torch::Tensor> tensors = {{"bounds", torch::tensor(data.bounds)},
                                                  {"audio", data.audio},
                                                  {"f0", data.f0},
                                                  {"loudness", data.loudness},
                                                  {"envelope", data.envelope},
                                                  {"embeddings", data.embeddings},
                                                  {"band_hz", torch::tensor(data.band_hz, torch::kDouble)}};
  if (data.content.defined()) tensors["content"] = data.content;
  nn::save_safetensors(path, tensors);
}

/// Of every how many clips one is held out. Of few recordings a larger share is: without held-out clips there is no measure of whether
/// training helps.
std::int64_t held_out_every(const SpeakerData& speaker) { return speaker.clips() >= 20 ? 20 : 5; }

bool is_held_out(const SpeakerData& speaker, std::int64_t clip) {
  const std::int64_t every = held_out_every(speaker);
  return speaker.clips() >= every && clip % every == every / 2;
}

std::int64_t length(const SpeakerData& speaker, std::int64_t clip) {
  return speaker.bounds[std::size_t(clip) + 1] - speaker.bounds[std::size_t(clip)];
}

}  // namespace

AudioBuffer to_buffer(const torch::Tensor& audio, int rate) {
  const torch::Tensor samples = audio.to(torch::kCPU).contiguous();
  AudioBuffer buffer(rate, 1);
  buffer.channels[0].assign(samples.data_ptr<float>(), samples.data_ptr<float>() + samples.numel());
  return buffer;
}

torch::Tensor SpeakerData::embedding() const { return F::normalize(embeddings.mean(0), F::NormalizeFuncOptions().dim(0)); }

torch::Tensor SpeakerData::content_of(std::int64_t variant, std::int64_t frame, std::int64_t frames) const {
  return on_frame_clock(content[variant].slice(0, frame / 2, (frame + frames) / 2));
}

std::string recordings_hash(const std::vector<std::string>& recordings, double max_minutes, bool denoise) {
  std::size_t hash = std::hash<double>{}(max_minutes);
  const auto mix = [&](std::size_t value) { hash ^= value + 0x9E3779B97F4A7C15ull + (hash << 6) + (hash >> 2); };
  mix(cut_revision);
  if (denoise) mix(1);
  for (const std::string& path : recordings) {
    mix(std::hash<std::string>{}(fs::canonical(path).string()));  // one hash for all ways to name a file
    mix(std::size_t(fs::file_size(path)));
    mix(std::size_t(fs::last_write_time(path).time_since_epoch().count()));
  }
  return fmt::format("{:016x}", hash);
}

SpeakerData prepare_speaker(const std::string& name, const std::vector<std::string>& recordings, const FeatureTools& tools,
                            const std::string& cache_dir, double max_minutes, const ProgressFn& on_progress, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  make_folder(cache_dir);
  const std::string path = (fs::path(cache_dir) / fmt::format("{}{}.{}.safetensors", name, tools.content ? "" : ".audio",
                                                              recordings_hash(recordings, max_minutes, tools.denoiser != nullptr)))
                               .string();
  if (fs::exists(path)) return read_cache(path, name);

  SpeakerData data{name};
  data.bounds = {0};
  std::vector<torch::Tensor> audio, f0, loudness, envelope, embeddings, content[content_variants];
  const auto enough = [&] { return double(data.frames()) / frame_rate >= max_minutes * 60; };
  std::size_t done = 0;
  for (const std::string& recording : spread(recordings)) {
    cancel.check();
    if (enough()) break;
    std::vector<torch::Tensor> clips;
    try {
      clips = load_clips(recording, tools.denoiser);
    } catch (const Error& e) {
      log_warning("Left out {}: {}", recording, e.what());
    }
    for (const torch::Tensor& clip : clips) {
      cancel.check();
      if (enough()) break;
      const std::int64_t frames = clip.size(0) / hop;
      const torch::Tensor audio16 = without_rumble(resample(to_buffer(clip, native::sample_rate), feature_rate, ResamplerQuality::fastest));
      const torch::Tensor pitch = estimate_pitch(audio16, tools.f0, tools.plan).hz.slice(0, 0, frames);
      audio.push_back((clip * 32767).round().clamp(-32768, 32767).to(torch::kShort));
      f0.push_back(pitch);
      loudness.push_back(rms_loudness(audio16).slice(0, 0, frames));
      envelope.push_back(native::analyse_envelope(clip, pitch).to(torch::kHalf));
      embeddings.push_back(tools.speaker->embed(audio16));
      if (tools.content) {
        const auto place = std::uint64_t(data.clips());
        content[0].push_back(content_at_speed(*tools.content, audio16, frames, 1));
        content[1].push_back(
            content_at_speed(*tools.content, equalise(audio16, 2 * place, 10), frames, 1.12 + 0.23 * hash_fraction(2 * place)));
        content[2].push_back(
            content_at_speed(*tools.content, equalise(audio16, 2 * place + 1, 10), frames, 0.72 + 0.18 * hash_fraction(2 * place + 1)));
        content[3].push_back(content_at_speed(*tools.content, in_noisy_room(audio16, place), frames, 1));
      }
      data.bounds.push_back(data.frames() + frames);
    }
    if (on_progress) on_progress({"prepare", double(++done), double(recordings.size()), "files", name});
  }
  if (data.clips() == 0)
    fail(ErrorCode::bad_audio, "No usable recordings of {}: found {} file(s), none with a second of sound.", name, recordings.size());
  data.audio = torch::cat(audio);
  data.f0 = torch::cat(f0);
  data.loudness = torch::cat(loudness);
  data.envelope = torch::cat(envelope);
  data.embeddings = torch::stack(embeddings);
  if (tools.content) {
    std::vector<torch::Tensor> variants;
    for (const auto& clips : content) variants.push_back(torch::cat(clips));
    data.content = torch::stack(variants);
  }
  data.band_hz = find_band_limit(data.envelope);
  write_cache(path, data);
  return data;
}

Corpus::Corpus(std::vector<SpeakerData> speakers, double length_power) : speakers_(std::move(speakers)) {
  double sum = 0;
  for (const SpeakerData& speaker : speakers_) cumulative_.push_back(sum += std::pow(double(speaker.frames()), length_power));
}

Crop Corpus::draw(RandomSource& random, std::int64_t frames) const {
  for (int attempt = 0; attempt < 10000; ++attempt) {
    const double ticket = random.uniform() * cumulative_.back();
    const auto which = std::min<std::size_t>(
        std::size_t(std::upper_bound(cumulative_.begin(), cumulative_.end(), ticket) - cumulative_.begin()), speakers_.size() - 1);
    const SpeakerData& speaker = speakers_[which];
    // A random frame, then the clip around it: long clips are drawn as often as their length deserves.
    const std::int64_t frame = random.below(speaker.frames());
    const std::int64_t clip = std::upper_bound(speaker.bounds.begin(), speaker.bounds.end(), frame) - speaker.bounds.begin() - 1;
    const std::int64_t room = length(speaker, clip) - frames;
    const std::int64_t start = random.below(std::max<std::int64_t>(room, 0) / 2 + 1) * 2;
    if (room < 0 || is_held_out(speaker, clip)) continue;
    return {&speaker, clip, speaker.bounds[std::size_t(clip)] + start};
  }
  fail(ErrorCode::bad_audio, "The recordings hold no passage of {:.1f} s without a pause; training needs some.",
       double(frames) / frame_rate);
}

std::vector<Crop> Corpus::held_out(std::int64_t frames, std::size_t count) const {
  std::vector<Crop> crops;
  for (std::int64_t i = 0; crops.size() < count; ++i) {
    bool any = false;
    for (const SpeakerData& speaker : speakers_) {
      const std::int64_t every = held_out_every(speaker), clip = every / 2 + i * every;
      if (clip >= speaker.clips() || crops.size() >= count) continue;
      any = true;
      if (is_held_out(speaker, clip) && length(speaker, clip) >= frames)
        crops.push_back({&speaker, clip, speaker.bounds[std::size_t(clip)]});
    }
    if (!any) break;
  }
  return crops;
}

}  // namespace voxconv::train
