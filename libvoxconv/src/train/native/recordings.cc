#include "train/native/recordings.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "audio/downmix.h"
#include "audio/find_audio.h"
#include "audio/resampler.h"
#include "convert/denoise_reader.h"
#include "core/boundary.h"
#include "core/fail.h"
#include "models/native/config.h"
#include "voxconv/audio_io.h"
#include "voxconv/options.h"
#include "voxconv/trainer.h"

namespace voxconv::train {
namespace fs = std::filesystem;
namespace {

using native::hop;

constexpr std::int64_t longest_clip = 10 * frame_rate, shortest_clip = frame_rate;  // frames
constexpr std::int64_t pause = 30, margin = 8;                                      // frames: what ends a clip, what stays around it

bool lies_below(const fs::path& path, const fs::path& dir) {
  const fs::path relative = fs::weakly_canonical(path).lexically_relative(fs::weakly_canonical(dir));
  return !relative.empty() && relative != "." && *relative.begin() != "..";
}

/// The beginning of a recording, as one channel.
AudioBuffer read_mono(AudioReader& reader, std::shared_ptr<const Denoiser> denoiser, double max_seconds) {
  AudioBuffer mono(reader.info().rate, 1), block;
  std::vector<float>& samples = mono.channels[0];
  const auto limit = std::size_t(max_seconds * mono.rate);
  DownmixReader mixed(reader);
  std::optional<DenoisingReader> denoised;
  AudioReader& source =
      denoiser ? denoised.emplace(mixed, std::move(denoiser), ConvertOptions().denoise_limit) : static_cast<AudioReader&>(mixed);
  while (samples.size() < limit && source.read(block, std::min<std::size_t>(65536, limit - samples.size())))
    samples.insert(samples.end(), block.channels[0].begin(), block.channels[0].end());
  return mono;
}

/// Level of each hop in dB.
std::vector<double> levels(const std::vector<float>& audio) {
  std::vector<double> result(audio.size() / hop);
  for (std::size_t t = 0; t < result.size(); ++t) {
    double power = 0;
    for (int i = 0; i < hop; ++i) power += std::pow(audio[t * hop + std::size_t(i)], 2) / hop;
    result[t] = 10 * std::log10(power + 1e-10);
  }
  return result;
}

/// Frames from .. to of the parts that sound, apart by pauses.
std::vector<std::pair<std::int64_t, std::int64_t>> sounding_parts(const std::vector<double>& level) {
  std::vector<double> sorted = level;
  std::sort(sorted.begin(), sorted.end());
  const double threshold = std::max(-60.0, sorted[sorted.size() * 95 / 100] - 40);
  std::vector<std::pair<std::int64_t, std::int64_t>> parts;
  for (std::int64_t t = 0; t < std::int64_t(level.size()); ++t) {
    if (level[std::size_t(t)] < threshold) continue;
    if (parts.empty() || t - parts.back().second > pause) parts.emplace_back(t, t + 1);
    parts.back().second = t + 1;
  }
  return parts;
}

}  // namespace

std::vector<std::string> find_recordings(const std::string& dir, const std::vector<std::string>& except) {
  auto files = find_audio(dir);
  for (const std::string& folder : except)
    if (lies_below(folder, dir)) std::erase_if(files, [&](const std::string& file) { return lies_below(file, folder); });
  if (files.empty()) fail(ErrorCode::not_found, "{} holds no recordings; expected wav, flac, mp3, ogg, opus, m4a ... files.", dir);
  return files;
}

std::vector<torch::Tensor> load_clips(const std::string& path, std::shared_ptr<const Denoiser> denoiser, double max_seconds) {
  const auto reader = open_reader(path);
  const AudioBuffer mono = resample(read_mono(*reader, std::move(denoiser), max_seconds), native::sample_rate, ResamplerQuality::fastest);
  const std::vector<float>& audio = mono.channels[0];
  const std::vector<double> level = levels(audio);
  std::vector<torch::Tensor> clips;
  if (level.empty()) return clips;
  const std::int64_t frames = std::int64_t(level.size());
  const auto add = [&](std::int64_t from, std::int64_t to) {
    from = std::max<std::int64_t>(0, from - margin);
    to = std::min(frames, to + margin);
    to -= (to - from) % 2;
    if (to - from < shortest_clip) return;
    clips.push_back(torch::tensor(at::ArrayRef<float>(audio.data() + from * hop, std::size_t((to - from) * hop))));
  };
  std::int64_t from = -1, to = -1;  // parts joined so far
  for (auto [begin, end] : sounding_parts(level)) {
    if (from >= 0 && end - from > longest_clip - 2 * margin) {
      add(from, to);
      from = -1;
    }
    if (from < 0) from = begin;
    to = end;
    while (to - from > longest_clip - 2 * margin) {  // no pause: cut at the quietest frame of the second half
      const auto half = level.begin() + from + longest_clip / 2, last = level.begin() + from + longest_clip - 2 * margin;
      const std::int64_t cut = std::min_element(half, last) - level.begin();
      add(from, cut);
      from = cut;
    }
  }
  if (from >= 0) add(from, to);
  return clips;
}

}  // namespace voxconv::train

double voxconv::usable_seconds(const std::string& recording) try {
  std::int64_t samples = 0;
  for (const torch::Tensor& clip : train::load_clips(recording)) samples += clip.size(0);
  return double(samples) / native::sample_rate;
} catch (...) {
  throw_as_error();
}
