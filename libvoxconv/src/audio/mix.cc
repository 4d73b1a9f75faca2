#include "voxconv/mix.h"

#include <algorithm>

#include "audio/limiter.h"
#include "audio/resampler.h"
#include "core/boundary.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr double ceiling_dbtp = -1;
constexpr double block_s = 0.5;

AudioBuffer with_channels(const AudioBuffer& audio, std::size_t count) {
  if (audio.channel_count() == count) return audio;
  AudioBuffer result(audio.rate, count, audio.frames());
  for (const auto& channel : audio.channels)
    for (std::size_t i = 0; i < channel.size(); ++i) result.channels[0][i] += channel[i] / float(audio.channel_count());
  for (std::size_t c = 1; c < count; ++c) result.channels[c] = result.channels[0];
  return result;
}

/// One source at the mix's rate and channel count: what was read of it and not yet added.
class Strand {
 public:
  Strand(const MixSource& source, int rate, int channels)
      : source_(source),
        block_(std::size_t(std::max(1.0, block_s * source.reader->info().rate))),
        resampler_(channels, source.reader->info().rate, rate),
        kept_(rate, std::size_t(channels)) {}

  /// Reads until `frames` are there or the source is at its end.
  void fill(std::size_t frames) {
    AudioBuffer audio;
    while (!ended_ && kept_.frames() < frames) {
      ended_ = !source_.reader->read(audio, block_);
      read_ += ended_ ? 0 : double(audio.frames());
      const AudioBuffer more = ended_ ? resampler_.finish() : resampler_.push(with_channels(audio, kept_.channel_count()));
      for (std::size_t c = 0; c < kept_.channel_count(); ++c)
        kept_.channels[c].insert(kept_.channels[c].end(), more.channels[c].begin(), more.channels[c].end());
    }
  }
  std::size_t ready() const { return kept_.frames(); }

  void add_to(AudioBuffer& sum) {
    const std::size_t count = std::min(sum.frames(), kept_.frames());
    for (std::size_t c = 0; c < kept_.channel_count(); ++c) {
      for (std::size_t i = 0; i < count; ++i) sum.channels[c][i] += float(source_.gain) * kept_.channels[c][i];
      kept_.channels[c].erase(kept_.channels[c].begin(), kept_.channels[c].begin() + std::ptrdiff_t(count));
    }
  }

  Progress progress() const {
    const AudioInfo& info = source_.reader->info();
    return {"mix", read_ / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""};
  }

 private:
  MixSource source_;
  std::size_t block_;
  StreamResampler resampler_;
  AudioBuffer kept_;
  double read_ = 0;
  bool ended_ = false;
};

}  // namespace

double mix(const std::vector<MixSource>& sources, AudioWriter& writer, int rate, int channels, const ProgressFn& on_progress,
           const CancelToken& cancel) try {
  if (sources.empty()) fail(ErrorCode::usage, "A mix needs at least one source.");
  std::vector<Strand> strands;
  for (const MixSource& source : sources) strands.emplace_back(source, rate, channels);
  TruePeakLimiter limiter(channels, rate, ceiling_dbtp);
  const auto write = [&](const AudioBuffer& safe) {
    if (!safe.empty()) writer.write(safe);
  };
  const auto block = std::size_t(std::max(1.0, block_s * rate));
  for (;;) {
    cancel.check();
    std::size_t length = 0;
    for (Strand& strand : strands) {
      strand.fill(block);
      length = std::max(length, std::min(block, strand.ready()));
    }
    if (length == 0) break;
    AudioBuffer sum(rate, std::size_t(channels), length);
    for (Strand& strand : strands) strand.add_to(sum);
    write(limiter.push(sum));
    if (on_progress) on_progress(strands.front().progress());
  }
  write(limiter.finish());
  writer.finish();
  return limiter.largest_reduction_db();
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
