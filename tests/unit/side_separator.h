#pragma once
#include <memory>
#include <utility>

#include "convert/separator_impl.h"

namespace voxconv {

/// A separation model without weights: what is on the left are vocals, what is on the right is music. It holds back what a network would.
class SideModel : public SeparationModel {
 public:
  static constexpr std::size_t held_back = 5000;  ///< samples

  int sample_rate() const override { return 44100; }
  double context_s() const override { return double(held_back) / sample_rate(); }
  std::unique_ptr<SeparationStream> start() const override { return std::make_unique<Stream>(); }

 private:
  class Stream : public SeparationStream {
   public:
    AudioBuffer push(const AudioBuffer& stereo) override {
      waiting_.insert(waiting_.end(), stereo.channels[0].begin(), stereo.channels[0].end());
      return take(waiting_.size() - std::min(waiting_.size(), held_back));
    }
    AudioBuffer finish() override { return take(waiting_.size()); }

   private:
    AudioBuffer take(std::size_t count) {
      AudioBuffer vocals(44100, 2, count);
      std::copy_n(waiting_.begin(), count, vocals.channels[0].begin());
      waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(count));
      return vocals;
    }
    std::vector<float> waiting_;
  };
};

inline Separator side_separator() {
  return Separator(std::make_shared<const Separator::Impl>(Separator::Impl{torch::kCPU, torch::kFloat, std::make_shared<SideModel>()}));
}

}  // namespace voxconv
