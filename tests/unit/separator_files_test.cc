// Separators in files that people have: which are taken, and what is said of those that are not.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "models/separation/separator.h"
#include "nn/checkpoint/checkpoint.h"
#include "nn/safetensors.h"
#include "voxconv/error.h"
#include "voxconv/weights.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

const std::string package = VOXCONV_TEST_DATA "/golden/htdemucs/small.th";

class SeparatorFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("voxconv_separator_files_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    write_file(file(name), text);
    return file(name);
  }
  std::string copy(const std::string& name) const {
    fs::copy_file(package, file(name));
    return file(name);
  }
  /// The tensors of the package alone, as programs for training keep them.
  std::string tensors(const std::string& name) const {
    const nn::Checkpoint checkpoint = nn::open_checkpoint(package);
    nn::save_safetensors(file(name), checkpoint.state_dict(checkpoint.at("state")));
    return file(name);
  }

  static std::string complaint(const std::string& model, ErrorCode code, const std::string& settings = "") {
    try {
      load_separation_model(model, settings, torch::kCPU, torch::kFloat);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << model << " was taken";
    return "";
  }
  static void expect(const std::string& said, const std::string& part) { EXPECT_NE(said.find(part), std::string::npos) << said; }

  fs::path folder_;
};

/// What a model makes of a click and some ramps.
std::vector<AudioBuffer> stems_of(const SeparationModel& model, const std::vector<std::string>& wanted) {
  AudioBuffer song(model.sample_rate(), 2, 5000);
  for (std::size_t i = 0; i < song.frames(); ++i) {
    song.channels[0][i] = float(i % 100) / 200 - 0.25f;
    song.channels[1][i] = float(i % 37) / 100 - 0.18f;
  }
  const auto stream = model.start(wanted);
  std::vector<AudioBuffer> stems = stream->push(song);
  const std::vector<AudioBuffer> rest = stream->finish();
  for (std::size_t s = 0; s < stems.size(); ++s)
    for (std::size_t c = 0; c < 2; ++c)
      stems[s].channels[c].insert(stems[s].channels[c].end(), rest[s].channels[c].begin(), rest[s].channels[c].end());
  return stems;
}

const char* training_settings =
    "audio:\n  sample_rate: 44100\n"
    "training:\n  instruments: ['drums', 'bass', 'other', 'vocals']\n  samplerate: 44100\n  channels: 2\n  segment: 0.1\n"
    "model: htdemucs\n"
    "htdemucs:\n  channels: 8\n  nfft: 256\n  depth: 2\n  dconv_mode: 3\n  dconv_comp: 4\n  bottom_channels: 16\n  multi_freqs: []\n"
    "  t_layers: 3\n  t_heads: 4\n  t_hidden_scale: 2.0\n  t_cape_glob_loc_scale: !!python/tuple [5000.0, 1.0, 1.4]\n  t_lr:\n";

TEST_F(SeparatorFiles, TensorsGoWithTheSettingsBesideThem) {
  const auto whole = load_separation_model(package, "", torch::kCPU, torch::kFloat);
  const std::string alone = tensors("model.safetensors");
  const std::string said = complaint(alone, ErrorCode::not_found);
  expect(said, "model.yaml");
  expect(said, "config.yaml");
  expect(said, "--model-config");
  write("model.yaml", training_settings);
  const auto pair = load_separation_model(alone, "", torch::kCPU, torch::kFloat);
  EXPECT_EQ(pair.files, (std::vector{alone, file("model.yaml")}));
  EXPECT_EQ(pair.model->stems(), whole.model->stems());
  EXPECT_EQ(stems_of(*pair.model, {"vocals"})[0].channels, stems_of(*whole.model, {"vocals"})[0].channels);
  const auto named = load_separation_model(tensors("other.safetensors"), file("model.yaml"), torch::kCPU, torch::kFloat);
  EXPECT_EQ(named.model->stems(), whole.model->stems());
}

TEST_F(SeparatorFiles, SettingsThatDoNotFitAreNamed) {
  const std::string alone = tensors("model.safetensors");
  write("model.yaml", "training: {instruments: [vocals}\n");
  expect(complaint(alone, ErrorCode::bad_model), "model.yaml is no YAML that can be read: line 1");
  write("model.yaml", "training: {instruments: [vocals]}\n");
  expect(complaint(alone, ErrorCode::bad_model), "htdemucs");
  std::string settings = training_settings;
  write("model.yaml", settings.replace(settings.find("t_heads: 4"), 10, "t_emb: cape"));
  expect(complaint(alone, ErrorCode::bad_model), "t_emb = \"cape\"");
  settings = training_settings;
  write("model.yaml", settings.replace(settings.find("channels: 8"), 11, "channels: 9"));
  expect(complaint(alone, ErrorCode::bad_model), "does not fit its architecture");
  settings = training_settings;
  write("model.yaml", settings.replace(settings.find("'vocals'"), 8, "'../x'"));
  expect(complaint(alone, ErrorCode::bad_model), "a stem \"../x\"");
}

TEST_F(SeparatorFiles, WhatIsNoSeparatorIsSaidWhatItIs) {
  EXPECT_EQ(complaint(VOXCONV_TEST_DATA "/golden/rvc/v2_40k.pth", ErrorCode::bad_model),
            VOXCONV_TEST_DATA "/golden/rvc/v2_40k.pth is a voice of rvc, not a separator.");
  expect(complaint(VOXCONV_TEST_DATA "/golden/mel.safetensors", ErrorCode::bad_model),
         "is not a separator that voxconv can read (HTDemucs");
  expect(complaint(VOXCONV_TEST_DATA "/song.flac", ErrorCode::bad_model), "is no model file");
  expect(complaint(file("missing.ckpt"), ErrorCode::not_found), "missing.ckpt does not exist");
  expect(complaint(folder_.string(), ErrorCode::bad_model), "is no file");
  expect(complaint("nothing", ErrorCode::usage), "There is no separator \"nothing\"; use one of spleeter, htdemucs");
  const std::string cut = read_file(package).substr(0, 100'000);
  expect(complaint(write("cut.th", cut), ErrorCode::bad_model), "cut.th");
  EXPECT_EQ(inspect_model(package).architecture, "HTDemucs (separator)");
  EXPECT_FALSE(inspect_model(package).is_voice);
}

TEST_F(SeparatorFiles, ABagAveragesItsMembers) {
  const auto one = load_separation_model(copy("aaaa-11111111.th"), "", torch::kCPU, torch::kFloat);
  copy("bbbb.th");
  write("same.yaml", "models: ['aaaa', 'bbbb']\n");
  const auto same = load_separation_model(file("same.yaml"), "", torch::kCPU, torch::kFloat);
  EXPECT_EQ(same.files, (std::vector{file("aaaa-11111111.th"), file("bbbb.th"), file("same.yaml")}));
  EXPECT_EQ(same.model->stems(), one.model->stems());
  EXPECT_EQ(same.model->context_s(), one.model->context_s());
  const std::vector<std::string> wanted{"vocals", "bass"};
  const auto alone = stems_of(*one.model, wanted), averaged = stems_of(*same.model, wanted);
  for (std::size_t s = 0; s < 2; ++s) EXPECT_EQ(alone[s].channels, averaged[s].channels);  // halves of the same
  // One stem of each, as htdemucs_ft has it; of stems that nobody wants nothing is computed or loaded.
  write("bbbb.th", "damaged");
  write("each.yaml", "models: ['aaaa', 'bbbb']\nweights: [[1, 1, 0, 1], [0, 0, 1., 0]]\n");
  const auto each = load_separation_model(file("each.yaml"), "", torch::kCPU, torch::kFloat);
  EXPECT_EQ(stems_of(*each.model, wanted)[1].channels, alone[1].channels);
  EXPECT_THROW(each.model->start({"vocals", "other"}), Error);
}

TEST_F(SeparatorFiles, BagsThatCannotBeAreRefused) {
  copy("aaaa-11111111.th");
  expect(complaint(write("a.yaml", "models: ['aaaa', 'cccc']\n"), ErrorCode::not_found), "cccc-....th is not beside it");
  copy("aaaa-22222222.th");
  expect(complaint(write("a.yaml", "models: ['aaaa']\n"), ErrorCode::bad_model), "remove one");
  fs::remove(file("aaaa-22222222.th"));
  expect(complaint(write("a.yaml", "models: ['aaaa']\nweights: [[1, 1]]\n"), ErrorCode::bad_model), "2 weights for a model that finds 4");
  expect(complaint(write("a.yaml", "models: ['aaaa']\nweights: [[1, 1, 1, 0]]\n"), ErrorCode::bad_model), "no model a weight for vocals");
  expect(complaint(write("a.yaml", "audio: {chunk_size: 3}\n"), ErrorCode::bad_model), "is no bag of models");
  expect(complaint(write("a.yaml", "models: [[a]]\n"), ErrorCode::bad_model), "is no bag of models");
}

}  // namespace
}  // namespace voxconv
