// RoFormer separators in files that people have: the settings that are read, and what is said where they and the tensors do not fit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "core/atomic_file.h"
#include "models/separation/separator.h"
#include "nn/checkpoint/checkpoint.h"
#include "nn/safetensors.h"
#include "voxconv/error.h"

namespace voxconv::roformer {
namespace fs = std::filesystem;
namespace {

const std::string goldens = VOXCONV_TEST_DATA "/golden/roformer/";

class RoformerFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("voxconv_roformer_files_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  /// The settings of one of the goldens with a part of them replaced.
  std::string settings(const std::string& golden, const std::string& from = "", const std::string& to = "") const {
    std::string text = read_file(goldens + golden + ".yaml");
    const std::size_t place = text.find(from);
    if (place == std::string::npos) ADD_FAILURE() << golden << ".yaml has no " << from;
    write_file(file("settings.yaml"), text.replace(place, from.size(), to));
    return file("settings.yaml");
  }
  static LoadedSeparator load(const std::string& checkpoint, const std::string& settings) {
    return load_separation_model(checkpoint, settings, torch::kCPU, torch::kFloat);
  }
  static std::string complaint(const std::string& checkpoint, const std::string& settings) {
    try {
      load(checkpoint, settings);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_model) << error.what();
      return error.what();
    }
    ADD_FAILURE() << checkpoint << " was taken";
    return "";
  }
  std::string complaint_of(const std::string& golden, const std::string& from, const std::string& to) const {
    return complaint(goldens + golden + ".ckpt", settings(golden, from, to));
  }
  static void expect(const std::string& said, const std::string& part) { EXPECT_NE(said.find(part), std::string::npos) << said; }

  fs::path folder_;
};

AudioBuffer some_song(int rate) {
  AudioBuffer song(rate, 2, 5000);
  for (std::size_t i = 0; i < song.frames(); ++i) {
    song.channels[0][i] = float(i % 100) / 200 - 0.25f;
    song.channels[1][i] = float(i % 37) / 100 - 0.18f;
  }
  return song;
}

AudioBuffer stem_of(const SeparationModel& model, const std::string& stem) {
  const auto stream = model.start({stem});
  AudioBuffer all = stream->push(some_song(model.sample_rate()))[0];
  const AudioBuffer rest = stream->finish()[0];
  for (std::size_t c = 0; c < 2; ++c) all.channels[c].insert(all.channels[c].end(), rest.channels[c].begin(), rest.channels[c].end());
  return all;
}

TEST_F(RoformerFiles, SafetensorsAreTheSame) {
  const nn::Checkpoint checkpoint = nn::open_checkpoint(goldens + "bs.ckpt");
  nn::save_safetensors(file("bs.safetensors"), checkpoint.state_dict(checkpoint.root()));
  const LoadedSeparator original = load(goldens + "bs.ckpt", ""), copy = load(file("bs.safetensors"), goldens + "bs.yaml");
  EXPECT_EQ(copy.model->stems(), (std::vector<std::string>{"vocals", "drums"}));
  for (const std::string& stem : copy.model->stems())
    EXPECT_EQ(stem_of(*original.model, stem).channels, stem_of(*copy.model, stem).channels);
}

TEST_F(RoformerFiles, HalfPrecisionCheckpointsAreRead) {
  const nn::Checkpoint checkpoint = nn::open_checkpoint(goldens + "mel.ckpt");
  nn::StateDict tensors = checkpoint.state_dict(checkpoint.root());
  for (auto& [name, tensor] : tensors) tensor = tensor.to(torch::kHalf);
  nn::save_safetensors(file("half.safetensors"), tensors);
  const AudioBuffer whole = stem_of(*load(goldens + "mel.ckpt", "").model, "vocals"),
                    half = stem_of(*load(file("half.safetensors"), goldens + "mel.yaml").model, "vocals");
  double error = 0, power = 0;
  for (std::size_t i = 0; i < whole.frames(); ++i) {
    error += std::pow(half.channels[0][i] - whole.channels[0][i], 2);
    power += std::pow(whole.channels[0][i], 2);
  }
  EXPECT_GT(error, 0);
  EXPECT_LT(error, 1e-4 * power);
}

TEST_F(RoformerFiles, TheLeadVoiceOfAKaraokeModelIsItsVocals) {
  const LoadedSeparator vocals = load(goldens + "mel.ckpt", ""),
                        karaoke = load(goldens + "mel.ckpt", settings("mel", "target_instrument: vocals", "target_instrument: karaoke"));
  EXPECT_EQ(karaoke.model->stems(), std::vector<std::string>{"vocals"});
  EXPECT_EQ(stem_of(*karaoke.model, "vocals").channels, stem_of(*vocals.model, "vocals").channels);
}

TEST_F(RoformerFiles, OfAModelThatFindsTheMusicTheRestIsTheVocals) {
  const LoadedSeparator vocals = load(goldens + "mel.ckpt", "");
  const AudioBuffer song = some_song(44100), found = stem_of(*vocals.model, "vocals");
  for (const std::string name : {"other", "Instrumental", "music"}) {
    const LoadedSeparator music = load(goldens + "mel.ckpt", settings("mel", "target_instrument: vocals", "target_instrument: " + name));
    ASSERT_EQ(music.model->stems(), std::vector<std::string>{"vocals"});
    const AudioBuffer rest = stem_of(*music.model, "vocals");
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t i = 0; i < song.frames(); ++i)
        ASSERT_NEAR(rest.channels[c][i], song.channels[c][i] - found.channels[c][i], 1e-5) << name << " " << i;
  }
}

TEST_F(RoformerFiles, SettingsThatContradictTheTensorsAreNamed) {
  expect(complaint_of("mel", "dim: 16", "dim: 384"), "settings.yaml says dim = 384, and " + goldens + "mel.ckpt has 16");
  expect(complaint_of("mel", "  depth: 2", "  depth: 12"), "says depth = 12");
  expect(complaint_of("bs", "heads: 2", "heads: 8"), "heads = 8");
  expect(complaint_of("bs", "num_stems: 2", "num_stems: 4"), "num_stems = 4");
  expect(complaint_of("bs", "linear_transformer_depth: 1", "linear_transformer_depth: 0"), "linear_transformer_depth = 0");
  expect(complaint_of("bs", "- drums\n", "- drums\n  - bass\n"), "names 3 stems, and " + goldens + "bs.ckpt has 2");
  expect(complaint_of("mel", "stft_n_fft: 256\n", "stft_n_fft: 512\n"), "The 12 bands of " + goldens + "mel.ckpt are not those");
  expect(complaint_of("mel", "stereo: true", "stereo: false"), "mono");
  expect(complaint(goldens + "mel.ckpt", goldens + "bs.yaml"), "they do not belong together");
}

TEST_F(RoformerFiles, SettingsThatCannotBeAreNamed) {
  expect(complaint_of("mel", "stft_hop_length: 64", "stft_hop_length: 0"), "stft_hop_length = 0; it must be from 4 to 128");
  expect(complaint_of("mel", "chunk_size: 3200", "chunk_size: 32"), "chunk_size = 32");
  expect(complaint_of("mel", "chunk_size: 3200", "chunk_size: 9999999999"), "chunk_size = 9999999999");
  expect(complaint_of("mel", "num_overlap: 2", "num_overlap: 0"), "num_overlap = 0");
  expect(complaint_of("mel", "num_overlap: 2", "num_overlap: two"), "num_overlap = \"two\"; it must be a number");
  expect(complaint_of("mel", "target_instrument: vocals", "target_instrument: crowd"), "finds crowd; voxconv needs");
  expect(complaint_of("mel", "dim: 16", "dim: 16\n  use_pope: true"), "use_pope");
}

TEST_F(RoformerFiles, DamagedCheckpointsAreRefused) {
  const nn::Checkpoint checkpoint = nn::open_checkpoint(goldens + "mel.ckpt");
  const nn::StateDict tensors = checkpoint.state_dict(checkpoint.root());
  const std::string yaml = goldens + "mel.yaml", path = file("damaged.safetensors");
  const auto damage = [&](const std::string& name, const torch::Tensor& replacement) {
    nn::StateDict changed = tensors;
    if (replacement.defined())
      changed[name] = replacement;
    else
      changed.erase(name);
    nn::save_safetensors(path, changed);
    return complaint(path, yaml);
  };
  const std::string name = "layers.1.1.layers.0.1.net.4.weight";
  expect(damage(name, {}), "lacks the tensor(s) " + name);
  expect(damage(name, torch::zeros({3, 3})), name + " [3, 3]");
  expect(damage(name, torch::full_like(tensors.at(name), NAN)), "not finite");
  expect(damage("layers.0.0.layers.0.0.to_gates.weight", {}), "to_gates.weight");
  expect(damage("layers.0.0.layers.0.0.surprise", torch::zeros({1})), "unexpected tensor(s) layers.0.0.layers.0.0.surprise");
  expect(damage("mask_estimators.0.to_freqs.3.0.0.bias", torch::zeros({1})), "mask_estimators.0.to_freqs.3.0.0.bias");
  write_file(file("cut.ckpt"), read_file(goldens + "mel.ckpt").substr(0, 200'000));
  expect(complaint(file("cut.ckpt"), yaml), "cut.ckpt");
}

}  // namespace
}  // namespace voxconv::roformer
