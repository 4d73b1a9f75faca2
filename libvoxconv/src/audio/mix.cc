#include "voxconv/mix.h"

#include <algorithm>
#include <optional>

#include "audio/caller_writer.h"
#include "audio/checked_reader.h"
#include "audio/downmix.h"
#include "audio/limiter.h"
#include "audio/limits.h"
#include "audio/resampler.h"
#include "core/boundary.h"
#include "core/fail.h"

namespace voxconv {
namespace {

constexpr double ceiling_dbtp = -1;
constexpr double block_s = 0.5;

constexpr int high_rate = 96000;  // from here on the best filter costs more than it gives

/// One source at the mix's rate and channel count: what was read of it and not yet added.
class MixInput {
 public:
  MixInput(const MixSource& source, int rate, int channels)
      : reader_(*source.reader),
        gain_(float(source.gain)),
        block_(std::size_t(std::max(1.0, block_s * reader_.info().rate))),
        resampler_(reader_.info().channels == channels ? channels : 1, reader_.info().rate, rate,
                   reader_.info().rate > high_rate ? ResamplerQuality::medium : ResamplerQuality::best),
        kept_(rate, std::size_t(channels)) {
    // Channels that are not kept apart are mixed before the costly part.
    if (reader_.info().channels != channels) downmix_.emplace(std::size_t(reader_.info().channels), reader_.info().rate);
  }

  /// Reads until `frames` are there or the source is at its end.
  void fill(std::size_t frames) {
    AudioBuffer audio;
    while (!ended_ && kept_.frames() < frames) {
      ended_ = !reader_.read(audio, block_);
      read_ += ended_ ? 0 : double(audio.frames());
      if (!ended_) {
        keep(resampler_.push(downmix_ ? downmix_->push(audio) : audio));
      } else {
        if (downmix_) keep(resampler_.push(downmix_->finish()));
        keep(resampler_.finish());
      }
    }
  }
  std::size_t ready() const { return kept_.frames(); }

  void add_to(AudioBuffer& sum) {
    const std::size_t count = std::min(sum.frames(), kept_.frames());
    for (std::size_t c = 0; c < kept_.channel_count(); ++c) {
      for (std::size_t i = 0; i < count; ++i) sum.channels[c][i] += gain_ * kept_.channels[c][i];
      kept_.channels[c].erase(kept_.channels[c].begin(), kept_.channels[c].begin() + std::ptrdiff_t(count));
    }
  }

  Progress progress() const {
    const AudioInfo& info = reader_.info();
    return {"mix", read_ / info.rate, info.frames > 0 ? double(info.frames) / info.rate : 0, "s", ""};
  }

 private:
  /// A mixed source has one channel, which goes to all of the mix.
  void keep(const AudioBuffer& more) {
    for (std::size_t c = 0; c < kept_.channel_count(); ++c) {
      const std::vector<float>& from = more.channels[downmix_ ? 0 : c];
      kept_.channels[c].insert(kept_.channels[c].end(), from.begin(), from.end());
    }
  }

  CheckedReader reader_;
  float gain_;
  std::size_t block_;
  std::optional<StreamDownmix> downmix_;  ///< of a source with another number of channels
  StreamResampler resampler_;
  AudioBuffer kept_;
  double read_ = 0;
  bool ended_ = false;
};

}  // namespace

double mix(const std::vector<MixSource>& sources, AudioWriter& target, int rate, int channels, const ProgressFn& progress,
           const CancelToken& cancel) try {
  CallerWriter writer(target);
  const ProgressFn on_progress = of_caller(progress);
  if (sources.empty()) fail(ErrorCode::usage, "A mix needs at least one source.");
  check_stream(ErrorCode::usage, "the mix", rate, channels);
  std::vector<MixInput> inputs;
  for (const MixSource& source : sources) inputs.emplace_back(source, rate, channels);
  TruePeakLimiter limiter(channels, rate, ceiling_dbtp);
  const auto write = [&](const AudioBuffer& safe) {
    if (!safe.empty()) writer.write(safe);
  };
  const auto block = std::size_t(std::max(1.0, block_s * rate));
  for (;;) {
    cancel.check();
    std::size_t length = 0;
    for (MixInput& input : inputs) {
      input.fill(block);
      length = std::max(length, std::min(block, input.ready()));
    }
    if (length == 0) break;
    AudioBuffer sum(rate, std::size_t(channels), length);
    for (MixInput& input : inputs) input.add_to(sum);
    write(limiter.push(sum));
    if (on_progress) on_progress(inputs.front().progress());
  }
  write(limiter.finish());
  writer.finish();
  return limiter.largest_reduction_db();
} catch (...) {
  throw_as_error();
}

}  // namespace voxconv
