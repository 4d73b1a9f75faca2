// Against Demucs' own code with a small network of random numbers; made by scripts/goldens/htdemucs.py.
#include "models/separation/htdemucs/htdemucs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "golden.h"
#include "voxconv/audio_io.h"

namespace voxconv::htdemucs {
namespace {

constexpr double tolerance = 1e-4;  // both compute in fp32
const std::string small_package = VOXCONV_TEST_DATA "/golden/htdemucs/small.th";

nn::Safetensors reference() { return golden::open("htdemucs/small"); }

Network network(torch::ScalarType type = torch::kFloat) {
  const nn::Checkpoint checkpoint = nn::open_checkpoint(small_package);
  const SeparatorFile file{checkpoint, checkpoint.state_dict(checkpoint.at("state")), ""};
  return Network(file.tensors, file.path(), read_config(file), torch::kCPU, type);
}

/// Two places of the sample recording, one on each side, of the script's length.
AudioBuffer mixture() {
  const AudioBuffer song = read_all(*open_reader(VOXCONV_TEST_DATA "/song.flac"));
  AudioBuffer audio(song.rate, 2, 14553);
  for (std::size_t c = 0; c < 2; ++c)
    std::copy_n(song.channels[0].begin() + 44100 + std::ptrdiff_t(1000 * c), audio.frames(), audio.channels[c].begin());
  return audio;
}

torch::Tensor first_segment(const Config& config) {
  const AudioBuffer song = mixture();
  const torch::Tensor samples = torch::empty({2, config.segment});
  for (std::int64_t c = 0; c < 2; ++c) std::copy_n(song.channels[std::size_t(c)].begin(), config.segment, samples[c].data_ptr<float>());
  return samples;
}

/// The reference's [C, rows, time] or [C, time] as [rows, time, C].
torch::Tensor as_rows(const std::string& name) {
  const torch::Tensor x = reference().get(name);
  return (x.dim() == 2 ? x.unsqueeze(1) : x).permute({1, 2, 0}).contiguous();
}

TEST(HTDemucs, EveryPartEqualsTheReference) {
  const torch::NoGradGuard guard;
  const Network net = network();
  EXPECT_EQ(net.config().segment, 4410);
  EXPECT_EQ(net.config().sources, (std::vector<std::string>{"drums", "bass", "other", "vocals"}));
  const torch::Tensor samples = first_segment(net.config()), spectrum = net.spectrogram(samples);
  // There and back, but for the highest frequency and the ends, of which some frames are left out.
  const std::int64_t inner = net.config().segment - 2 * net.config().fft;
  EXPECT_LT(golden::relative_error(net.sound(spectrum).narrow(1, net.config().fft, inner), samples.narrow(1, net.config().fft, inner)),
            1e-3);
  const auto even = [](const torch::Tensor& x) { return (x - x.mean()) / (x.std() + 1e-5); };
  const auto expect = [](const Branches& found, const std::string& spectrogram, const std::string& sound) {
    EXPECT_EQ(found.spectrogram.sizes(), as_rows(spectrogram).sizes()) << spectrogram;
    EXPECT_LT(golden::relative_error(found.spectrogram, as_rows(spectrogram)), tolerance) << spectrogram;
    EXPECT_EQ(found.sound.sizes(), as_rows(sound).sizes()) << sound;
    EXPECT_LT(golden::relative_error(found.sound, as_rows(sound)), tolerance) << sound;
  };
  expect(net.encode(0, {even(spectrum), even(samples).t().unsqueeze(0).contiguous()}), "encoder.0", "tencoder.0");
  const Branches top{as_rows("encoder.0"), as_rows("tencoder.0")}, low{as_rows("encoder.1"), as_rows("tencoder.1")};
  expect(net.encode(1, top), "encoder.1", "tencoder.1");
  expect(net.cross(low), "cross", "cross_t");
  expect(net.decode(1, {as_rows("cross"), as_rows("cross_t")}, low), "decoder.0", "tdecoder.0");
}

TEST(HTDemucs, ASegmentEqualsTheReference) {
  const torch::Tensor expected = reference().get("result");
  const Network net = network();
  EXPECT_LT(golden::relative_error(net(first_segment(net.config()), {0, 1, 2, 3}), expected), tolerance);
  EXPECT_LT(golden::relative_error(net(first_segment(net.config()), {3, 1})[0], expected[3]), tolerance);
  EXPECT_LT(golden::relative_error(network(torch::kBFloat16)(first_segment(net.config()), {0, 1, 2, 3}), expected), 0.05);
}

TEST(HTDemucs, AWholeSongEqualsTheReference) {
  const AudioBuffer song = mixture();
  const torch::Tensor expected = reference().get("vocals");
  const LoadedSeparator loaded = load_separation_model(small_package, "", torch::kCPU, torch::kFloat);
  EXPECT_EQ(loaded.name, "small.th");
  for (const std::size_t piece : {std::size_t(14553), std::size_t(1000)}) {
    const auto stream = loaded.model->start({"bass", vocals_stem});
    std::vector<std::vector<float>> vocals(2);
    const auto take = [&](const std::vector<AudioBuffer>& stems) {
      ASSERT_EQ(stems.size(), 2u);
      for (std::size_t c = 0; c < 2; ++c) vocals[c].insert(vocals[c].end(), stems[1].channels[c].begin(), stems[1].channels[c].end());
    };
    for (std::size_t begin = 0; begin < song.frames(); begin += piece) {
      AudioBuffer part(song.rate, 0);
      const auto end = std::ptrdiff_t(std::min(song.frames(), begin + piece));
      for (const auto& channel : song.channels) part.channels.emplace_back(channel.begin() + std::ptrdiff_t(begin), channel.begin() + end);
      take(stream->push(part));
    }
    take(stream->finish());
    ASSERT_EQ(vocals[0].size(), song.frames());
    const torch::Tensor found = torch::stack({torch::from_blob(vocals[0].data(), {14553}), torch::from_blob(vocals[1].data(), {14553})});
    EXPECT_LT(golden::relative_error(found, expected), tolerance) << piece;
  }
}

}  // namespace
}  // namespace voxconv::htdemucs
