#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "core/atomic_file.h"
#include "models/rvc/checkpoint.h"
#include "nn/checkpoint/checkpoint.h"
#include "nn/checkpoint/torch_writer.h"
#include "nn/weight_norm.h"
#include "voxconv/error.h"
#include "voxconv/weights.h"

namespace voxconv::rvc {
namespace fs = std::filesystem;
namespace {

using nlohmann::ordered_json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string golden(const std::string& name) { return std::string(VOXCONV_TEST_DATA) + "/golden/rvc/" + name + ".pth"; }

void expect_same(const nn::StateDict& found, const nn::StateDict& wanted) {
  EXPECT_EQ(found.size(), wanted.size());
  for (const auto& [name, tensor] : wanted) {
    ASSERT_TRUE(found.count(name)) << name;
    EXPECT_TRUE(torch::equal(found.at(name), tensor)) << name;
  }
}

/// Variants of a good file, in a folder of this process.
class RvcCheckpoint : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string written(const ordered_json& values, const std::string& key = "weight") const {
    nn::save_torch_zip(path("variant.pth"), key, tensors_, values);
    return path("variant.pth");
  }
  void expect_refused(const std::string& file, const std::string& reason) const {
    try {
      read_checkpoint(file);
      ADD_FAILURE() << "accepted; expected: " << reason;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::bad_model);
      EXPECT_THAT(e.what(), AllOf(HasSubstr(reason), HasSubstr(file)));
    }
  }

  fs::path folder_ = fs::path(testing::TempDir()) / ("voxconv_rvc." + std::to_string(::getpid()));
  nn::StateDict tensors_ = read_checkpoint(golden("v2_40k")).stored;
  ordered_json values_{{"config",
                        {1025,
                         32,
                         16,
                         16,
                         32,
                         2,
                         2,
                         3,
                         0,
                         "1",
                         {3, 7, 11},
                         {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}},
                         {10, 10, 2, 2},
                         16,
                         {16, 16, 4, 4},
                         109,
                         8,
                         40000}},
                       {"info", "7epoch"},
                       {"sr", "40k"},
                       {"f0", 1},
                       {"version", "v2"}};
};

TEST_F(RvcCheckpoint, RefusesNumbersThatAreNotFinite) {
  torch::Tensor& bias = tensors_["enc_p.proj.bias"];
  bias = bias.clone();
  bias[0] = NAN;
  expect_refused(written(values_), "enc_p.proj.bias");
}

TEST_F(RvcCheckpoint, IsReadFromTheOriginalsFile) {
  const Checkpoint v2 = read_checkpoint(golden("v2_40k"));
  EXPECT_EQ(v2.config.version, "v2");
  EXPECT_TRUE(v2.config.f0);
  EXPECT_EQ(v2.config.content_dim, 768);
  EXPECT_EQ(v2.config.content_encoder, "contentvec/layer12");
  EXPECT_EQ(v2.config.sample_rate, 40000);
  EXPECT_EQ(v2.config.hop(), 400);
  EXPECT_EQ(v2.config.speakers, 3);  // rows of the table
  EXPECT_THAT(v2.config.upsample_rates, ElementsAre(10, 10, 2, 2));
  EXPECT_TRUE(v2.weights.count("dec.ups.0.weight"));
  EXPECT_TRUE(v2.stored.count("dec.ups.0.weight_g"));
  for (const auto& [name, tensor] : v2.weights) EXPECT_THAT(name, testing::Not(testing::StartsWith("enc_q")));

  const Checkpoint v1 = read_checkpoint(golden("v1_40k_nono"));
  EXPECT_EQ(v1.config.version, "v1");
  EXPECT_FALSE(v1.config.f0);
  EXPECT_EQ(v1.config.content_dim, 256);
  EXPECT_EQ(v1.config.content_encoder, "contentvec/layer9-projection");
  EXPECT_EQ(v1.config.resblock, "2");
}

TEST_F(RvcCheckpoint, IsWrittenAsItWasRead) {
  for (const char* name : {"v2_40k", "v1_48k", "v2_32k_nono"}) {
    const Checkpoint original = read_checkpoint(golden(name));
    write_checkpoint(path("again.pth"), original);
    const Checkpoint again = read_checkpoint(path("again.pth"));
    EXPECT_EQ(to_json(again.config), to_json(original.config));
    expect_same(again.stored, original.stored);
  }
}

TEST_F(RvcCheckpoint, IsWrittenWithWeightNormFromFusedWeights) {
  Checkpoint original = read_checkpoint(golden("v2_40k"));
  const nn::StateDict stored = std::exchange(original.stored, {});
  write_checkpoint(path("again.pth"), original);
  const Checkpoint again = read_checkpoint(path("again.pth"));
  EXPECT_EQ(again.stored.size(), stored.size());
  for (const auto& [name, tensor] : stored) EXPECT_TRUE(again.stored.count(name)) << name;
  for (const auto& [name, tensor] : original.weights)
    EXPECT_TRUE(torch::allclose(again.weights.at(name).to(torch::kFloat), tensor.to(torch::kFloat), 2e-3, 1e-5)) << name;
}

TEST_F(RvcCheckpoint, KnowsApplioAdditions) {
  values_["sr"] = 40000;
  values_["f0"] = true;
  values_["vocoder"] = "HiFi-GAN";
  values_["embedder_model"] = "spin";
  values_["epoch"] = 200;
  values_["model_name"] = "声";
  const Checkpoint read = read_checkpoint(written(values_));
  EXPECT_EQ(read.config.content_encoder, "spin/layer12");
  EXPECT_EQ(read.notes.at("epoch"), "200");
  EXPECT_EQ(read.notes.at("model_name"), "声");
  write_checkpoint(path("again.pth"), read);
  const nn::Checkpoint again = nn::open_checkpoint(path("again.pth"));
  EXPECT_EQ(again.at("epoch").integer, 200);
  EXPECT_EQ(again.at("embedder_model").text, "spin");
  EXPECT_EQ(again.at("vocoder").text, "HiFi-GAN");
}

TEST_F(RvcCheckpoint, TakesMissingSettingsFromTheTensors) {
  for (const char* key : {"version", "f0", "sr", "info"}) values_.erase(key);
  const Checkpoint read = read_checkpoint(written(values_));
  EXPECT_EQ(read.config.version, "v2");
  EXPECT_TRUE(read.config.f0);
}

TEST_F(RvcCheckpoint, OfATrainingNeedsItsSettingsBeside) {
  nn::StateDict training;
  for (const auto& [name, tensor] : tensors_) {
    std::string modern = name;
    if (const std::size_t at = name.rfind(".weight_g"); at != std::string::npos)
      modern = name.substr(0, at) + ".parametrizations.weight.original0";
    if (const std::size_t at = name.rfind(".weight_v"); at != std::string::npos)
      modern = name.substr(0, at) + ".parametrizations.weight.original1";
    training[modern] = tensor.to(torch::kFloat);
  }
  training["enc_q.pre.weight"] = torch::ones({1});
  std::swap(tensors_, training);
  const std::string file = written({{"iteration", 7}, {"learning_rate", 1e-4}}, "model");
  expect_refused(file, "config.json");
  write_file(path("config.json"), R"({"train": {}, "data": {"filter_length": 2048, "sampling_rate": 40000}, "model": {"inter_channels": 16,
    "hidden_channels": 16, "filter_channels": 32, "n_heads": 2, "n_layers": 2, "kernel_size": 3, "p_dropout": 0, "resblock": "1",
    "resblock_kernel_sizes": [3,7,11], "resblock_dilation_sizes": [[1,3,5],[1,3,5],[1,3,5]], "upsample_rates": [10,10,2,2],
    "upsample_initial_channel": 16, "upsample_kernel_sizes": [16,16,4,4], "gin_channels": 8, "spk_embed_dim": 109}})");
  const Checkpoint read = read_checkpoint(file);
  EXPECT_EQ(to_json(read.config), to_json(read_checkpoint(golden("v2_40k")).config));
  EXPECT_EQ(read.stored.size(), training.size());
  EXPECT_TRUE(read.stored.count("dec.ups.0.weight_g"));
  EXPECT_EQ(read.notes.at("iteration"), "7");
}

TEST_F(RvcCheckpoint, IsRefusedWithAReason) {
  const auto with = [&](const char* key, ordered_json value) {
    ordered_json values = values_;
    values[key] = std::move(value);
    return written(values);
  };
  const auto with_setting = [&](std::size_t at, ordered_json value) {
    ordered_json values = values_;
    values["config"][at] = std::move(value);
    return written(values);
  };
  expect_refused(with("config", ordered_json::array({1, 2, 3})), "list of 18 settings");
  expect_refused(with("vocoder", "WaveNet"), "vocoder \"WaveNet\"");
  expect_refused(with("embedder_model", "../../etc/passwd"), "content encoder");
  expect_refused(with("version", "v9"), "version");
  expect_refused(with_setting(17, 44100), "44100 Hz");
  expect_refused(with_setting(12, ordered_json::array({10, 10, 4})), "upsample_rates");
  expect_refused(with_setting(5, 0), "heads = 0");
  expect_refused(with_setting(2, "16"), "position 2");
  expect_refused(with_setting(3, 4611686018427387904), "hidden_channels");
  expect_refused(written(values_, "net"), "neither \"weight\" nor \"model\"");
  tensors_.erase("emb_g.weight");
  expect_refused(written(values_), "emb_g.weight");
}

TEST_F(RvcCheckpoint, IsDescribed) {
  const WeightsInfo weights = inspect_weights(golden("v2_40k"));
  EXPECT_EQ(weights.format, "torch zip");
  EXPECT_EQ(weights.verdict, "safe: only tensors and plain data");
  EXPECT_EQ(weights.metadata.at("version"), "v2");
  const ModelInfo model = inspect_model(golden("v1_48k"));
  EXPECT_TRUE(model.is_voice);
  EXPECT_EQ(model.architecture, "rvc");
  EXPECT_EQ(model.version, "v1");
  EXPECT_EQ(model.sample_rate, 48000);
  EXPECT_EQ(model.speakers, 3);
  EXPECT_EQ(model.vocoder, "hifigan");

  tensors_ = {{"unet.encoder.bn.weight", torch::ones({1})}};
  EXPECT_THAT(inspect_model(written({}, "model")).architecture, HasSubstr("RMVPE"));
  tensors_ = {{"something", torch::ones({1})}};
  EXPECT_EQ(inspect_model(written({}, "model")).architecture, "");
}

TEST(RvcConfig, GoesThroughJson) {
  Config config;
  config.vocoder = Vocoder::refinegan;
  config.speakers = 3;
  config.f0 = false;
  EXPECT_EQ(to_json(config_from_json(to_json(config))), to_json(config));
  nlohmann::json broken = to_json(config);
  broken["vocoder"] = "vocos";
  EXPECT_THROW(config_from_json(broken), Error);
  broken = to_json(config);
  broken.erase("heads");
  EXPECT_THROW(config_from_json(broken), nlohmann::json::exception);
}

}  // namespace
}  // namespace voxconv::rvc
