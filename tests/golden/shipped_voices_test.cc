// The voices that ship, on a song none of them was trained on: the full band of what a listener gets.
#include <gtest/gtest.h>

#include <cmath>

#include "eval/memory_audio.h"
#include "nn/torch.h"
#include "voxconv/converter.h"

namespace voxconv {
namespace {

/// The first `seconds` of tests/data/song.flac.
AudioBuffer song(double seconds) {
  const auto reader = open_reader(VOXCONV_TEST_DATA "/song.flac");
  AudioBuffer audio;
  reader->read(audio, std::size_t(seconds * reader->info().rate));
  return audio;
}

/// Energy above 16 kHz against all below, in dB.
double upper_band_db(const AudioBuffer& audio) {
  const torch::Tensor power = torch::fft::rfft(torch::tensor(at::ArrayRef<float>(audio.channels[0])).to(torch::kDouble)).abs().square();
  const auto split = std::int64_t(16000.0 / (audio.rate / 2.0) * double(power.size(0)));
  return 10 * std::log10(power.slice(0, split).sum().item<double>() / power.slice(0, 0, split).sum().item<double>());
}

double level_db(const AudioBuffer& audio) {
  double power = 0;
  for (const float x : audio.channels[0]) power += double(x) * x;
  return 10 * std::log10(power / double(audio.frames()));
}

TEST(ShippedVoices, HaveTheLevelOfTheSourceAndNoHissAbove16kHz) {
  const AudioBuffer source = song(1.4);
  int native = 0;
  for (const VoiceInfo& info : VoiceStore("/nonexistent").list()) {
    if (info.architecture != "native") continue;
    ++native;
    Converter converter(Voice::load(info.name, {.device = "cpu", .precision = "fp32"}), {.key_auto = true});
    eval::MemoryReader reader(source);
    eval::CapturingWriter writer;
    converter.run(reader, writer);
    EXPECT_LT(upper_band_db(writer.audio()), -18) << info.name;
    EXPECT_NEAR(level_db(writer.audio()), level_db(source), 1.5) << info.name;
  }
  EXPECT_GE(native, 5);
}

}  // namespace
}  // namespace voxconv
