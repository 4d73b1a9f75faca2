// Against librosa, with the settings of well-known models; made by scripts/goldens/mel.py.
#include "features/mel.h"

#include <gtest/gtest.h>

#include "golden.h"

namespace voxconv {
namespace {

MelConfig hifigan() {
  MelConfig config;
  config.sample_rate = 44100;
  config.n_fft = 2048;
  config.hop = 512;
  config.bins = 128;
  config.f_min = 40;
  config.f_max = 16000;
  config.power = 1;
  config.log = MelConfig::Log::natural;
  config.floor = 1e-5;
  config.padding = MelConfig::Padding::same;
  return config;
}

MelConfig rmvpe() {
  MelConfig config;
  config.sample_rate = 16000;
  config.n_fft = 1024;
  config.hop = 160;
  config.bins = 128;
  config.f_min = 30;
  config.f_max = 8000;
  config.scale = MelConfig::Scale::htk;
  config.power = 1;
  config.log = MelConfig::Log::natural;
  config.floor = 1e-5;
  return config;
}

MelConfig short_window() {
  MelConfig config;
  config.sample_rate = 16000;
  config.n_fft = 512;
  config.window = 400;
  config.hop = 160;
  config.bins = 64;
  config.f_max = 8000;
  config.scale = MelConfig::Scale::htk;
  config.norm = MelConfig::Norm::none;
  config.log = MelConfig::Log::log10;
  config.floor = 1e-10;
  config.padding = MelConfig::Padding::zero;
  return config;
}

double largest_error(const MelConfig& config, const std::string& name) {
  const torch::Tensor reference = golden::open("mel").get(name);
  const torch::Tensor mel = MelSpectrogram(config)(golden::clip()).slice(1, 0, torch::nullopt, 20);
  EXPECT_EQ(mel.sizes(), reference.sizes());
  return (mel - reference).abs().max().item<double>();
}

TEST(MelFilters, EqualLibrosa) {
  MelConfig slaney;
  slaney.sample_rate = 44100;
  slaney.f_min = 30;
  slaney.f_max = 20000;
  EXPECT_LT(golden::relative_error(mel_filters(slaney).slice(0, 0, 128, 16), golden::open("mel").get("filters_slaney")), 1e-6);
  MelConfig htk;
  htk.sample_rate = 16000;
  htk.n_fft = 1024;
  htk.bins = 64;
  htk.f_min = 30;
  htk.scale = MelConfig::Scale::htk;
  htk.norm = MelConfig::Norm::none;
  EXPECT_LT(golden::relative_error(mel_filters(htk).slice(0, 0, 64, 16), golden::open("mel").get("filters_htk")), 1e-6);
}

TEST(MelSpectrogram, EqualsLibrosa) {
  MelConfig defaults;
  defaults.padding = MelConfig::Padding::zero;
  const torch::Tensor mel = MelSpectrogram(defaults)(golden::clip()).slice(1, 0, torch::nullopt, 20);
  EXPECT_LT(golden::relative_error(mel, golden::open("mel").get("librosa")), 1e-5);
}

TEST(MelSpectrogram, EqualsTheHifiGanFamily) { EXPECT_LT(largest_error(hifigan(), "hifigan"), 2e-4); }
TEST(MelSpectrogram, EqualsRmvpe) { EXPECT_LT(largest_error(rmvpe(), "rmvpe"), 2e-4); }
TEST(MelSpectrogram, EqualsWithAShortWindow) { EXPECT_LT(largest_error(short_window(), "short_window"), 2e-4); }

}  // namespace
}  // namespace voxconv
