#include <algorithm>
#include <chrono>
#include <filesystem>

#include "audio/find_audio.h"
#include "convert/voice_impl.h"
#include "core/boundary.h"
#include "core/caller.h"
#include "core/fail.h"
#include "core/stage_clock.h"
#include "features/analysis_audio.h"
#include "features/loudness.h"
#include "features/retrieval/retrieval_index.h"
#include "nn/device.h"
#include "voxconv/audio_io.h"
#include "voxconv/retrieval.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t piece = 10 * feature_rate;  // encoded at a time; RVC's pieces are 3 to 4 s
constexpr std::int64_t shortest = feature_rate / 4;
constexpr double silent = -5.0;  // ln(RMS), -43 dB: where RVC's slicer finds silence too

std::vector<std::string> files_of(const std::vector<std::string>& recordings) {
  std::vector<std::string> files;
  for (const std::string& path : recordings) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> found = find_audio(path);
    if (found.empty()) fail(ErrorCode::usage, "There are no recordings in {}.", path);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

/// Collects the encoder's frames of recordings, each recording by itself.
class FeatureCollector {
 public:
  FeatureCollector(std::shared_ptr<const ContentEncoder> encoder, torch::Device device)
      : encoder_(std::move(encoder)), plan_(plan_song(nullptr, device)) {}

  void add(const std::string& file, const ProgressFn& on_progress, const CancelToken& cancel) {
    const auto reader = open_reader(file);
    WindowSequence windows({.hop = piece});
    SignalBuffer audio;
    read_analysis_audio(*reader, plan_, [&](std::span<const float> more, std::int64_t) {
      cancel.check();
      audio.append(more);
      samples_ += std::int64_t(more.size());
      for (auto next = windows.next(audio.end()); !next.empty(); next = windows.next(audio.end())) {
        encode(audio.view(next[0].from, next[0].to).clone());
        audio.drop_before(windows.needed_from());
      }
      if (on_progress) on_progress({"encode", seconds(), 0, "s", file});
    });
    for (const Window& last : windows.rest(audio.end(), audio.end())) encode(audio.view(last.from, last.to).clone());
  }

  double seconds() const { return double(samples_) / feature_rate; }
  torch::Tensor features() const { return features_.empty() ? torch::zeros({0, encoder_->dim()}) : torch::cat(features_); }

 private:
  /// Keeps the frames of a piece that are not silent.
  void encode(const torch::Tensor& audio) {
    if (audio.size(0) < shortest) return;
    const torch::Tensor frames = encoder_->encode_frames(audio).to(torch::kCPU, torch::kFloat);
    const torch::Tensor loudness = rms_loudness(audio);
    const torch::Tensor centre = (torch::arange(frames.size(0)) * encoder_->repeats()).clamp_max(loudness.size(0) - 1);
    features_.push_back(frames.index_select(0, (loudness.index_select(0, centre) > silent).nonzero().view(-1)));
  }

  std::shared_ptr<const ContentEncoder> encoder_;
  SongPlan plan_;
  std::int64_t samples_ = 0;
  std::vector<torch::Tensor> features_;
};

}  // namespace

std::vector<std::string> IndexOptions::problems() const {
  std::vector<std::string> result;
  if (recordings.empty()) result.push_back("There are no recordings to make an index of.");
  if (encoder.empty() == voice.empty())
    result.push_back("Name the content encoder or the voice that is to use the index: one of the two, as an index fits one encoder alone.");
  return result;
}

IndexReport build_index(const std::string& path, const IndexOptions& options, const ProgressFn& progress, const CancelToken& cancel) try {
  const ProgressFn on_progress = of_caller(progress);
  if (const auto found = options.problems(); !found.empty()) throw Error(ErrorCode::usage, found.front());
  const auto start = std::chrono::steady_clock::now();
  const torch::NoGradGuard no_grad;
  const std::vector<std::string> files = files_of(options.recordings);
  IndexReport report;
  const torch::Device device = nn::select_device(options.load.device);
  std::shared_ptr<const ContentEncoder> encoder;
  if (options.voice.empty()) {
    nn::set_threads(options.load.threads);
    report.encoder = options.encoder;
    encoder = load_content_encoder(options.encoder, device, nn::select_precision(options.load.precision, device));
  } else {
    const Voice voice = Voice::load(options.voice, options.load);
    report.encoder = voice.impl().model->content_encoder();
    encoder = voice.impl().content;
  }
  FeatureCollector collector(encoder, device);
  for (const std::string& file : files) collector.add(file, on_progress, cancel);
  const torch::Tensor features = collector.features();
  if (features.size(0) == 0) fail(ErrorCode::usage, "The recordings hold nothing but silence, of which no index can be made.");
  if (on_progress) on_progress({"cluster", 0, 0, "", ""});
  build_retrieval_index(path, features, options.seed);
  report.index = inspect_retrieval_index(path);
  report.recorded_s = collector.seconds();
  report.wall_s = seconds_since(start);
  return report;
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
