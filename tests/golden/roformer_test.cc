// Against the public code of MelBand-RoFormer and BS-RoFormer on two small networks; made by scripts/goldens/roformer.py.
#include "models/separation/roformer/roformer.h"

#include <gtest/gtest.h>

#include "golden.h"

namespace voxconv::roformer {
namespace {

constexpr double tolerance = 1e-4;  // fp32 on both sides

const std::string folder = VOXCONV_TEST_DATA "/golden/roformer/";

torch::Tensor values(const std::string& name) {
  static const nn::Safetensors file(folder + "values.safetensors");
  return file.get(name);
}

SeparatorFile separator_file(const std::string& name) {
  nn::Checkpoint checkpoint = nn::open_checkpoint(folder + name + ".ckpt");
  nn::StateDict tensors = checkpoint.state_dict(checkpoint.root());
  return {std::move(checkpoint), std::move(tensors), folder + name + ".yaml"};
}

SegmentSeparator segment_separator(const std::string& name, torch::ScalarType precision = torch::kFloat) {
  const SeparatorFile file = separator_file(name);
  return {file, read_settings(file), torch::kCPU, precision};
}

std::vector<std::int64_t> all_stems(const Network& network) {
  std::vector<std::int64_t> stems;
  for (std::int64_t s = 0; s < network.config().stems; ++s) stems.push_back(s);
  return stems;
}

class RoformerReference : public testing::TestWithParam<const char*> {
 protected:
  torch::Tensor reference(const std::string& part) const { return values(std::string(GetParam()) + "." + part); }
};

INSTANTIATE_TEST_SUITE_P(Networks, RoformerReference, testing::Values("mel", "bs"));

TEST_P(RoformerReference, EveryPartIsTheSame) {
  const torch::NoGradGuard guard;
  const SegmentSeparator separator = segment_separator(GetParam());
  const Network& network = separator.network();
  torch::Tensor tokens = network.split(separator.spectrum(reference("segment")));
  EXPECT_LT(golden::relative_error(tokens, reference("split")), tolerance);
  // Each part gets what the reference's part before it gave. [bands, frames, dim] or [frames, bands, dim] or [frames * bands, dim].
  tokens = reference("split").clone();
  torch::Tensor sum = torch::zeros_like(tokens);
  for (std::int64_t i = 0; i < network.config().depth; ++i) {
    const std::string block = "." + std::to_string(i);
    if (network.has_linear()) {
      tokens = network.linear(i, tokens);
      EXPECT_LT(golden::relative_error(tokens, reference("linear" + block).view(tokens.sizes())), tolerance) << block;
      tokens = reference("linear" + block).view(tokens.sizes()).clone();
    }
    if (network.config().skip_connection) tokens += sum;
    EXPECT_LT(golden::relative_error(network.along_time(i, tokens), reference("time" + block).transpose(0, 1)), tolerance) << block;
    tokens = reference("time" + block).transpose(0, 1).contiguous();
    EXPECT_LT(golden::relative_error(network.along_bands(i, tokens), reference("bands" + block)), tolerance) << block;
    tokens = reference("bands" + block).clone();
    sum += tokens;
  }
  EXPECT_LT(golden::relative_error(separator(reference("segment"), all_stems(network)), reference("separated").view({-1, 2, 3200})),
            tolerance);
}

TEST_P(RoformerReference, MasksAreTheSame) {
  const torch::NoGradGuard guard;
  const SegmentSeparator separator = segment_separator(GetParam());
  const NetworkConfig& config = separator.network().config();
  const torch::Tensor last = reference("bands." + std::to_string(config.depth - 1));
  const torch::Tensor masks = separator.network().masks(last.clone(), all_stems(separator.network()));
  for (std::int64_t s = 0; s < config.stems; ++s) {
    // [frames, numbers], band by band; where bands overlap, their mean.
    const torch::Tensor expected = reference("masks." + std::to_string(s));
    torch::Tensor sum = torch::zeros_like(masks[s]), count = torch::zeros_like(sum);
    std::int64_t at = 0;
    for (const Band& band : config.bands) {
      sum.narrow(1, band.first, band.count) += expected.narrow(1, at, 4 * band.count).view({-1, band.count, 2, 2});
      count.narrow(1, band.first, band.count) += 1;
      at += 4 * band.count;
    }
    EXPECT_EQ(at, expected.size(1));
    EXPECT_LT(golden::relative_error(masks[s], sum / count), tolerance) << s;
  }
}

TEST_P(RoformerReference, WholeSongsAreTheSame) {
  const Settings settings = read_settings(separator_file(GetParam()));
  const auto model = architecture().load(separator_file(GetParam()), torch::kCPU, torch::kFloat);
  ASSERT_EQ(model->stems(), settings.stems);
  for (const std::int64_t samples : {9000, 2000}) {
    const std::string name = "song." + std::to_string(samples);
    const torch::Tensor song = reference(name);
    AudioBuffer audio(settings.sample_rate, 2);
    for (std::size_t c = 0; c < 2; ++c) {
      const float* channel = song[std::int64_t(c)].const_data_ptr<float>();
      audio.channels[c].assign(channel, channel + samples);
    }
    const auto stream = model->start(model->stems());
    std::vector<AudioBuffer> stems = stream->push(audio);
    const std::vector<AudioBuffer> rest = stream->finish();
    for (std::size_t s = 0; s < stems.size(); ++s) {
      torch::Tensor stem = torch::empty({2, samples});
      for (std::size_t c = 0; c < 2; ++c) {
        std::vector<float>& channel = stems[s].channels[c];
        channel.insert(channel.end(), rest[s].channels[c].begin(), rest[s].channels[c].end());
        ASSERT_EQ(std::ssize(channel), samples);
        std::copy(channel.begin(), channel.end(), stem[std::int64_t(c)].data_ptr<float>());
      }
      EXPECT_LT(golden::relative_error(stem, reference(name + "." + model->stems()[s])), tolerance) << name << " " << model->stems()[s];
    }
  }
}

TEST_P(RoformerReference, HalfPrecisionIsNear) {
  const SegmentSeparator separator = segment_separator(GetParam(), torch::kBFloat16);
  EXPECT_LT(
      golden::relative_error(separator(reference("segment"), all_stems(separator.network())), reference("separated").view({-1, 2, 3200})),
      0.05);
}

/// The sizes that librosa's filters give.
TEST(Roformer, MelBandsAreThoseOfTheReference) {
  for (const std::int64_t n_fft : {2048, 4096}) {
    const torch::Tensor expected = values("mel_bands." + std::to_string(n_fft));  // [60, first and count]
    const std::vector<Band> bands = mel_bands(44100, n_fft, 60);
    ASSERT_EQ(std::ssize(bands), expected.size(0));
    for (std::int64_t b = 0; b < expected.size(0); ++b)
      EXPECT_EQ(bands[std::size_t(b)], (Band{expected[b][0].item<std::int64_t>(), expected[b][1].item<std::int64_t>()})) << b;
  }
}

}  // namespace
}  // namespace voxconv::roformer
