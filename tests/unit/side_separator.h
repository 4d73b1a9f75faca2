#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert/separator_impl.h"

namespace voxconv {

/// A separation model without weights: what is on the left are vocals, what is on the right the stem "right". It holds back what a network
/// would.
class SideModel : public SeparationModel {
 public:
  static constexpr std::size_t held_back = 5000;  ///< samples

  int sample_rate() const override { return 44100; }
  double context_s() const override { return double(held_back) / sample_rate(); }
  const std::vector<std::string>& stems() const override {
    static const std::vector<std::string> names{"right", "vocals"};
    return names;
  }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>& wanted) const override {
    return std::make_unique<Stream>(wanted);
  }

 private:
  class Stream : public SeparationStream {
   public:
    explicit Stream(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}
    std::vector<AudioBuffer> push(const AudioBuffer& stereo) override {
      for (std::size_t c = 0; c < 2; ++c) waiting_[c].insert(waiting_[c].end(), stereo.channels[c].begin(), stereo.channels[c].end());
      return take(waiting_[0].size() - std::min(waiting_[0].size(), held_back));
    }
    std::vector<AudioBuffer> finish() override { return take(waiting_[0].size()); }

   private:
    std::vector<AudioBuffer> take(std::size_t count) {
      std::vector<AudioBuffer> stems;
      for (const std::string& name : wanted_) {
        stems.emplace_back(44100, 2, count);
        const std::size_t side = name == "vocals" ? 0 : 1;
        std::copy_n(waiting_[side].begin(), count, stems.back().channels[side].begin());
      }
      for (auto& channel : waiting_) channel.erase(channel.begin(), channel.begin() + std::ptrdiff_t(count));
      return stems;
    }
    std::vector<std::string> wanted_;
    std::vector<float> waiting_[2];
  };
};

inline Separator side_separator() {
  return Separator(std::make_shared<const Separator::Impl>(
      Separator::Impl{torch::kCPU, torch::kFloat, LoadedSeparator{std::make_shared<SideModel>(), "side", {}}}));
}

}  // namespace voxconv
