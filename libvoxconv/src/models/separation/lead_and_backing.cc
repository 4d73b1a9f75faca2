#include "models/separation/lead_and_backing.h"

#include <algorithm>
#include <functional>

#include "audio/samples.h"
#include "core/fail.h"

namespace voxconv {
namespace {

bool is_found_by_karaoke(const std::string& stem) { return stem == lead_stem || stem == backing_stem; }

class LeadAndBacking : public SeparationModel {
 public:
  LeadAndBacking(std::shared_ptr<const SeparationModel> vocals, std::shared_ptr<const SeparationModel> karaoke)
      : vocals_(std::move(vocals)), karaoke_(std::move(karaoke)), stems_(vocals_->stems()) {
    if (vocals_->sample_rate() != karaoke_->sample_rate())
      fail(ErrorCode::usage, "One separator finds vocals at {} Hz, the other one a lead voice at {} Hz; use two of one rate.",
           vocals_->sample_rate(), karaoke_->sample_rate());
    if (std::ranges::any_of(stems_, is_found_by_karaoke))
      fail(ErrorCode::usage, "The separator that finds the vocals has a stem {} or {} of its own; use another one.", lead_stem,
           backing_stem);
    stems_.emplace_back(lead_stem);
    stems_.emplace_back(backing_stem);
  }

  int sample_rate() const override { return vocals_->sample_rate(); }
  const std::vector<std::string>& stems() const override { return stems_; }
  double context_s() const override { return vocals_->context_s() + karaoke_->context_s(); }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override;

 private:
  std::shared_ptr<const SeparationModel> vocals_, karaoke_;
  std::vector<std::string> stems_;
};

class LeadAndBackingStream : public SeparationStream {
 public:
  /// `found`: the stems that `vocals` gives; the vocals are the first of them.
  LeadAndBackingStream(int rate, std::vector<std::string> wanted, std::vector<std::string> found, std::unique_ptr<SeparationStream> vocals,
                       std::unique_ptr<SeparationStream> karaoke)
      : wanted_(std::move(wanted)),
        found_(std::move(found)),
        waiting_(found_.size(), AudioBuffer(rate, 2)),
        vocals_(std::move(vocals)),
        karaoke_(std::move(karaoke)) {}

  std::vector<AudioBuffer> push(const AudioBuffer& stereo) override {
    const std::vector<AudioBuffer> found = vocals_->push(stereo);
    wait(found);
    return stems(karaoke_->push(found.front())[0]);
  }

  std::vector<AudioBuffer> finish() override {
    const std::vector<AudioBuffer> found = vocals_->finish();
    wait(found);
    AudioBuffer lead = karaoke_->push(found.front())[0];
    append(lead, karaoke_->finish()[0]);
    return stems(lead);
  }

 private:
  void wait(const std::vector<AudioBuffer>& found) {
    for (std::size_t i = 0; i < found.size(); ++i) append(waiting_[i], found[i]);
  }

  /// What is wanted, as far as the lead voice is known.
  std::vector<AudioBuffer> stems(const AudioBuffer& lead) {
    std::vector<AudioBuffer> found;
    for (AudioBuffer& all : waiting_) found.push_back(take_first(all, lead.frames()));
    AudioBuffer backing = found.front();
    for (std::size_t c = 0; c < backing.channel_count(); ++c)
      std::ranges::transform(backing.channels[c], lead.channels[c], backing.channels[c].begin(), std::minus<>());
    std::vector<AudioBuffer> result;
    for (const std::string& stem : wanted_)
      result.push_back(stem == lead_stem      ? lead
                       : stem == backing_stem ? backing
                                              : found[std::size_t(std::ranges::find(found_, stem) - found_.begin())]);
    return result;
  }

  std::vector<std::string> wanted_, found_;
  std::vector<AudioBuffer> waiting_;  ///< of `found_`, where the lead voice is not known yet
  std::unique_ptr<SeparationStream> vocals_, karaoke_;
};

std::unique_ptr<SeparationStream> LeadAndBacking::start(const std::vector<std::string>& wanted) const {
  if (std::ranges::none_of(wanted, is_found_by_karaoke)) return vocals_->start(wanted);
  std::vector<std::string> found{vocals_stem};
  for (const std::string& stem : wanted)
    if (stem != vocals_stem && !is_found_by_karaoke(stem)) found.push_back(stem);
  return std::make_unique<LeadAndBackingStream>(sample_rate(), wanted, found, vocals_->start(found), karaoke_->start({vocals_stem}));
}

}  // namespace

std::shared_ptr<const SeparationModel> lead_and_backing(std::shared_ptr<const SeparationModel> vocals,
                                                        std::shared_ptr<const SeparationModel> karaoke) {
  return std::make_shared<const LeadAndBacking>(std::move(vocals), std::move(karaoke));
}

}  // namespace voxconv
