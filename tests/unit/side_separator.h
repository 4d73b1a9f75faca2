#pragma once
#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert/separator_impl.h"
#include "models/separation/lead_and_backing.h"

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

/// Takes the mean of each sample and the five before and after it for the vocals: tones of whole 44100 / 11 Hz are music.
class LowModel : public SeparationModel {
 public:
  static constexpr std::ptrdiff_t reach = 5;
  static constexpr double music_hz = 44100.0 / (2 * reach + 1);

  int sample_rate() const override { return 44100; }
  double context_s() const override { return double(reach) / sample_rate(); }
  const std::vector<std::string>& stems() const override {
    static const std::vector<std::string> names{"vocals"};
    return names;
  }
  std::unique_ptr<SeparationStream> start(const std::vector<std::string>&) const override { return std::make_unique<Stream>(); }

 private:
  class Stream : public SeparationStream {
   public:
    std::vector<AudioBuffer> push(const AudioBuffer& stereo) override {
      AudioBuffer out(44100, 2);
      for (std::size_t c = 0; c < 2; ++c)
        for (const float x : stereo.channels[c]) add(c, x, out);
      return {out};
    }
    std::vector<AudioBuffer> finish() override {
      AudioBuffer out(44100, 2);
      for (std::size_t c = 0; c < 2; ++c)
        for (std::ptrdiff_t i = 0; i < reach; ++i) add(c, 0, out);
      return {out};
    }

   private:
    void add(std::size_t c, float x, AudioBuffer& out) {
      std::deque<float>& near = near_[c];
      near.push_back(x);
      if (std::ssize(near) > 2 * reach + 1) near.pop_front();
      if (std::ssize(near) <= reach) return;
      double sum = 0;
      for (const float y : near) sum += y;
      out.channels[c].push_back(float(sum / (2 * reach + 1)));
    }
    std::deque<float> near_[2];
  };
};

/// The lead voice is on the left.
class KaraokeModel : public SideModel {
 public:
  bool vocals_are_lead() const override { return true; }
};

/// Low sounds are vocals, on the left the lead voice and on the right backing vocals; high ones are music.
inline Separator backing_separator() {
  const auto vocals = std::make_shared<const Separator::Impl>(
      Separator::Impl{torch::kCPU, torch::kFloat, LoadedSeparator{std::make_shared<LowModel>(), "low", {}}});
  const auto karaoke = std::make_shared<const Separator::Impl>(
      Separator::Impl{torch::kCPU, torch::kFloat, LoadedSeparator{std::make_shared<KaraokeModel>(), "karaoke", {}}});
  return Separator(std::make_shared<const Separator::Impl>(Separator::Impl{
      torch::kCPU, torch::kFloat, LoadedSeparator{lead_and_backing(vocals->loaded.model, karaoke->loaded.model), "low with karaoke", {}},
      vocals, karaoke}));
}

inline Separator side_separator() {
  return Separator(std::make_shared<const Separator::Impl>(
      Separator::Impl{torch::kCPU, torch::kFloat, LoadedSeparator{std::make_shared<SideModel>(), "side", {}}}));
}

}  // namespace voxconv
