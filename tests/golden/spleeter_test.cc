// Against Deezer's Spleeter on TensorFlow with its own weights; made by scripts/goldens/spleeter.py.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/paths.h"
#include "golden.h"
#include "models/separation/separator.h"
#include "models/separation/spleeter/unet.h"
#include "voxconv/audio_io.h"

namespace voxconv {
namespace {

constexpr double tolerance = 1e-3;  // the original's weights are fp32, the shipped ones fp16

nn::Safetensors reference() { return golden::open("spleeter"); }

spleeter::UNet network(const std::string& name) {
  const nn::Safetensors file(model_file("separation/spleeter/weights.safetensors"));
  const nn::StateDict tensors = file.tensors();
  nn::TensorReader reader(tensors, file.path(), name + ".");
  spleeter::UNet result(reader, torch::kCPU, torch::kFloat);
  reader.finish();
  return result;
}

TEST(Spleeter, EveryLayerEqualsTheReference) {
  const torch::NoGradGuard guard;
  const spleeter::UNet vocals = network("vocals");
  const auto down = [](std::int64_t i) { return reference().get("down." + std::to_string(i)); };
  for (std::int64_t i = 0; i < spleeter::UNet::layers; ++i) {
    const torch::Tensor before = i == 0 ? spleeter::UNet::padded(reference().get("spectrogram")) : vocals.activate(i - 1, down(i - 1));
    EXPECT_LT(golden::relative_error(vocals.down(i, before.contiguous(torch::MemoryFormat::ChannelsLast)), down(i)), tolerance)
        << "down " << i;
    const torch::Tensor expected = reference().get("up." + std::to_string(i));
    const torch::Tensor below = i == 0 ? down(5) : torch::cat({down(5 - i), reference().get("up." + std::to_string(i - 1))}, 1);
    const torch::Tensor result = torch::empty_like(expected, torch::MemoryFormat::ChannelsLast);
    vocals.up(i, below.contiguous(torch::MemoryFormat::ChannelsLast), result);
    EXPECT_LT(golden::relative_error(result, expected), tolerance) << "up " << i;
  }
}

TEST(Spleeter, NetworksEqualTheReference) {
  for (const std::string name : {"vocals", "music"})
    EXPECT_LT(golden::relative_error(network(name)(reference().get("spectrogram")), reference().get(name + ".output")), tolerance) << name;
}

/// The song of the script: three times over, with a chord on each side.
AudioBuffer mixture() {
  const AudioBuffer song = read_all(*open_reader(VOXCONV_TEST_DATA "/song.flac"));
  AudioBuffer audio(song.rate, 2, 3 * song.frames());
  const double chords[2][2] = {{110, 277.2}, {164.8, 220}};
  for (std::size_t c = 0; c < 2; ++c)
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      double sum = 0;
      for (const double hz : chords[c])
        for (int k = 1; k < 30; ++k) sum += std::sin(2 * std::numbers::pi * hz * k * double(i) / song.rate) / k;
      audio.channels[c][i] = float(song.channels[0][i % song.frames()] + 0.03 * sum);
    }
  return audio;
}

TEST(Spleeter, AWholeSongEqualsTheReference) {
  const AudioBuffer song = mixture();
  const auto stream = load_separation_model("spleeter", "", torch::kCPU, torch::kFloat).model->start({vocals_stem});
  AudioBuffer vocals = stream->push(song).front();
  const AudioBuffer rest = stream->finish().front();
  for (std::size_t c = 0; c < 2; ++c) vocals.channels[c].insert(vocals.channels[c].end(), rest.channels[c].begin(), rest.channels[c].end());
  ASSERT_EQ(vocals.frames(), song.frames());
  const torch::Tensor places = reference().get("places");
  const auto pieces = [&](const AudioBuffer& audio) {
    torch::Tensor result = torch::empty_like(reference().get("vocals"));
    for (std::int64_t i = 0; i < places.size(0); ++i)
      for (std::int64_t c = 0; c < 2; ++c)
        std::copy_n(audio.channels[std::size_t(c)].begin() + places[i].item<std::int64_t>(), result.size(2),
                    result[i][c].data_ptr<float>());
    return result;
  };
  EXPECT_LT(golden::relative_error(pieces(vocals), reference().get("vocals")), tolerance);
  // The original computes the accompaniment by itself; here it is what remains.
  EXPECT_LT(golden::relative_error(pieces(song) - pieces(vocals), reference().get("music")), tolerance);
}

}  // namespace
}  // namespace voxconv
