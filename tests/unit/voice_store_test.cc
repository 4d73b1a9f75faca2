#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/atomic_file.h"
#include "features/retrieval/retrieval_index.h"
#include "models/bundle.h"
#include "models/bundle_zip.h"
#include "models/native/acoustic.h"
#include "models/native/config.h"
#include "models/native/difference.h"
#include "models/native/native_voice.h"
#include "models/native/vocoder.h"
#include "models/voice_model.h"
#include "nn/module.h"
#include "voxconv/error.h"
#include "voxconv/voice.h"

namespace voxconv {
namespace fs = std::filesystem;
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// A models folder, a user's folder, and a sound bundle with random weights.
class VoiceStoreTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    torch::manual_seed(3);
    root_ = fs::path(testing::TempDir()) / ("voxconv_voice_store_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_ / "models/native/vocoder");
    nn::save_safetensors((root_ / "models/native/vocoder/weights.safetensors").string(),
                         nn::named_tensors(*native::Vocoder(), "", torch::kHalf));
    ::setenv("VOXCONV_MODELS", (root_ / "models").c_str(), 1);

    VoiceInfo info;
    info.name = "alto";
    info.title = "Älto \"A\"";
    info.architecture = "native";
    info.sample_rate = 44100;
    info.f0_low = 120;
    info.f0_median = 180;
    info.f0_high = 260;
    info.licence = "CC0-1.0";
    info.tags = {"test"};
    auto tensors = nn::named_tensors(*native::AcousticModel(), "acoustic.", torch::kHalf);
    tensors["speaker"] = torch::ones({256}) / 16;
    write_bundle((root_ / "alto").string(), info, native::bundle_settings(native::Acoustic::own), tensors);
  }
  static void TearDownTestSuite() {
    ::unsetenv("VOXCONV_MODELS");
    fs::remove_all(root_);
  }

  void SetUp() override {
    fs::remove_all(root_ / "user");
    fs::remove_all(root_ / "work");
    fs::create_directories(root_ / "work");
  }

  static std::string bundle() { return (root_ / "alto").string(); }
  static std::string work(const std::string& name) { return (root_ / "work" / name).string(); }
  static std::string damaged_copy(const std::string& name) {
    fs::copy(bundle(), work(name));
    std::fstream file(work(name) + "/weights.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x7f');
    return work(name);
  }

  static inline fs::path root_;
  VoiceStore store_{(root_ / "user").string()};
};

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

TEST_F(VoiceStoreTest, AVoiceOfTheBaseAloneGoesWithEveryBase) {
  const std::string base = (root_ / "models/native/base/weights.safetensors").string();
  fs::create_directories(fs::path(base).parent_path());
  nn::save_safetensors(base, nn::named_tensors(*native::AcousticModel(), "acoustic.", torch::kHalf));
  VoiceInfo info = read_bundle(bundle()).info;
  write_bundle(work("alto"), info, native::bundle_settings(native::Acoustic::base), {{"speaker", torch::ones({256}) / 16}});
  EXPECT_THAT(VoiceStore::verify(work("alto")), IsEmpty());

  nn::save_safetensors(base, nn::named_tensors(*native::AcousticModel(), "acoustic.", torch::kHalf));  // another one
  EXPECT_THAT(VoiceStore::verify(work("alto")), IsEmpty());
  auto own = nn::named_tensors(*native::AcousticModel(), "acoustic.", torch::kHalf);
  own["speaker"] = torch::ones({256}) / 16;
  write_bundle(work("own"), info, native::bundle_settings(native::Acoustic::base), own);
  EXPECT_THAT(VoiceStore::verify(work("own")), Contains(HasSubstr("beside a base_sha256"))) << "weights that would not be used";
  fs::remove(base);
  EXPECT_THAT(VoiceStore::verify(work("alto")), Contains(HasSubstr("native/base")));

  nlohmann::json settings = {{"revision", 1}, {"content_encoder", "whisper-base"}, {"vocoder", "native/vocoder"}, {"base_sha256", nullptr}};
  write_bundle(work("null"), info, settings, {{"speaker", torch::ones({256}) / 16}});
  EXPECT_THAT(VoiceStore::verify(work("null")), Contains(HasSubstr("base_sha256 null")));
}

// Voices made before December 2026: a choice of content channels, and a random input.
TEST_F(VoiceStoreTest, EarlierVoicesAreRead) {
  native::AcousticModel earlier(128);
  auto tensors = nn::named_tensors(*earlier, "acoustic.");
  tensors["acoustic.variation.weight"] = torch::randn({native::AcousticModelImpl::channels, 4});
  tensors["speaker"] = torch::ones({256}) / 16;
  write_bundle(work("alto"), read_bundle(bundle()).info, native::bundle_settings(native::Acoustic::own), tensors);
  EXPECT_THAT(VoiceStore::verify(work("alto")), IsEmpty());
  native::AcousticModel loaded = native::load_acoustic_model(read_bundle(work("alto")));
  EXPECT_EQ(loaded->content_channels(), 128);
  loaded->eval();
  earlier->eval();
  torch::NoGradGuard no_grad;
  const torch::Tensor content = torch::randn({1, 20, native::content_dim}), f0 = torch::full({1, 20}, 200.f),
                      loudness = torch::full({1, 20}, -3.f), speaker = torch::ones({1, 256}) / 16;
  EXPECT_TRUE(torch::allclose(loaded(content, f0, loudness, speaker), earlier(content, f0, loudness, speaker), 1e-4, 1e-4));
}

TEST_F(VoiceStoreTest, ACompactVoiceIsTheBaseAndADifference) {
  const std::string base = (root_ / "models/native/base/weights.safetensors").string();
  fs::create_directories(fs::path(base).parent_path());
  native::AcousticModel trained;
  nn::save_safetensors(base, nn::named_tensors(*trained, "acoustic."));
  native::Difference difference(*trained);
  {
    torch::NoGradGuard no_grad;
    for (const auto& parameter : difference->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  }
  difference->apply();
  auto tensors = nn::named_tensors(*difference, native::difference_prefix);
  tensors["speaker"] = torch::ones({256}) / 16;
  VoiceInfo info = read_bundle(bundle()).info;
  write_bundle(work("alto"), info, native::bundle_settings(native::Acoustic::difference), tensors);
  EXPECT_THAT(VoiceStore::verify(work("alto")), IsEmpty());
  const native::AcousticModel loaded = native::load_acoustic_model(read_bundle(work("alto")));
  for (const auto& item : loaded->named_parameters())
    EXPECT_TRUE(torch::allclose(item.value(), trained->named_parameters()[item.key()], 1e-4, 1e-5)) << item.key();

  const auto problem_of = [&](const nlohmann::json& settings, const std::map<std::string, torch::Tensor>& weights) {
    fs::remove_all(work("odd"));
    write_bundle(work("odd"), info, settings, weights);
    const auto problems = VoiceStore::verify(work("odd"));
    return problems.empty() ? std::string() : problems.front();
  };
  const nlohmann::json sound = native::bundle_settings(native::Acoustic::difference);
  auto odd = tensors;
  odd["difference.output/bias"] = torch::full({native::envelope_bins}, 1e300, torch::kDouble);
  EXPECT_THAT(problem_of(sound, odd), HasSubstr("not finite")) << "a number beyond fp32";
  odd = tensors;
  odd["speaker"] = torch::ones({256});
  EXPECT_THAT(problem_of(sound, odd), HasSubstr("unit vector"));
  for (const auto& [key, value] :
       {std::pair<std::string, nlohmann::json>{"revision", 3}, {"revision", 2.9}, {"content_encoder", "contentvec"}}) {
    nlohmann::json other = sound;
    other[key] = value;
    EXPECT_THAT(problem_of(other, tensors), HasSubstr(value.dump())) << key;
  }
  tensors.erase("difference.output/bias");
  write_bundle(work("lacking"), info, native::bundle_settings(native::Acoustic::difference), tensors);
  EXPECT_THAT(VoiceStore::verify(work("lacking")), Contains(HasSubstr("difference.output/bias")));
  nn::save_safetensors(base, nn::named_tensors(*native::AcousticModel(), "acoustic.", torch::kHalf));  // another one
  EXPECT_THAT(VoiceStore::verify(work("alto")), Contains(HasSubstr("base model")));
}

TEST_F(VoiceStoreTest, ImportFindExportRemove) {
  const VoiceInfo info = store_.import_bundle(bundle());
  EXPECT_EQ(info.name, "alto");
  EXPECT_EQ(info.path, (root_ / "user/alto").string());
  EXPECT_EQ(store_.find("alto").title, "Älto \"A\"");
  EXPECT_EQ(store_.list().size(), 1u);

  store_.export_bundle("alto", work("alto.zip"));
  store_.remove("alto");
  EXPECT_EQ(store_.list().size(), 0u);
  EXPECT_EQ(code_of([&] { store_.find("alto"); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { store_.remove("alto"); }), ErrorCode::not_found);
  EXPECT_TRUE(fs::is_empty(store_.user_dir()));

  const VoiceInfo again = store_.import_bundle(work("alto.zip"), "alto-2");
  EXPECT_EQ(again.name, "alto-2");
  EXPECT_EQ(again.sha256, info.sha256);
  EXPECT_EQ(again.tags, info.tags);
  EXPECT_THAT(VoiceStore::verify(again.path), IsEmpty());
}

TEST_F(VoiceStoreTest, ShippedVoicesAreListedAndHiddenByTheUsers) {
  fs::create_directories(root_ / "models/voices");
  fs::copy(bundle(), root_ / "models/voices/alto");
  EXPECT_EQ(store_.find("alto").path, (root_ / "models/voices/alto").string());
  EXPECT_EQ(code_of([&] { store_.remove("alto"); }), ErrorCode::usage);
  store_.import_bundle(bundle());
  EXPECT_EQ(store_.find("alto").path, (root_ / "user/alto").string());
  EXPECT_EQ(store_.list().size(), 1u);
  fs::remove_all(root_ / "models/voices");
}

TEST_F(VoiceStoreTest, AFolderIsFoundByItsPath) { EXPECT_EQ(store_.find(bundle()).name, "alto"); }

TEST_F(VoiceStoreTest, AnUnknownVoiceNamesTheKnownOnes) {
  store_.import_bundle(bundle());
  try {
    store_.find("tenor");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("alto"));
  }
}

TEST_F(VoiceStoreTest, ATakenOrSenselessNameIsRefused) {
  store_.import_bundle(bundle());
  EXPECT_EQ(code_of([&] { store_.import_bundle(bundle()); }), ErrorCode::usage);
  for (const char* name : {"../up", "Big", "a/b", "-x", " "})
    EXPECT_EQ(code_of([&] { store_.import_bundle(bundle(), name); }), ErrorCode::usage) << name;
  EXPECT_EQ(code_of([&] { store_.remove("../alto"); }), ErrorCode::usage);
  EXPECT_TRUE(fs::exists(bundle()));
}

TEST_F(VoiceStoreTest, DamageIsFoundAndNotImported) {
  const std::string damaged = damaged_copy("damaged");
  EXPECT_THAT(VoiceStore::verify(damaged), Contains(HasSubstr("sha256")));
  EXPECT_EQ(code_of([&] { store_.import_bundle(damaged); }), ErrorCode::bad_model);
  EXPECT_TRUE(store_.list().empty());
  // Nothing half imported stays behind.
  EXPECT_TRUE(fs::is_empty(root_ / "user"));
}

TEST_F(VoiceStoreTest, EveryBrokenJsonIsOneSentence) {
  const std::string text = read_file(bundle() + "/voice.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  for (const std::string& broken :
       {std::string(), std::string("{"), std::string("[]"), text.substr(0, text.size() / 2), with("\"alto\"", "\"../alto\""),
        with("\"alto\"", "7"), with("44100", "0"), with("44100", "\"fast\""), with("\"native\"", "\"magic\""),
        with("\"format_version\": 1", "\"format_version\": 99"), with("120.0", "-1"), with("\"revision\": 1", "\"revision\": \"one\""),
        with("\"model\": {", "\"model\": 1, \"other\": {"), std::string(2 << 20, ' ') + text}) {
    fs::remove_all(work("broken"));
    fs::copy(bundle(), work("broken"));
    write_file(work("broken") + "/voice.json", broken);
    EXPECT_EQ(VoiceStore::verify(work("broken")).size(), 1u) << broken.substr(0, 60);
    EXPECT_EQ(code_of([&] { store_.import_bundle(work("broken")); }), ErrorCode::bad_model) << broken.substr(0, 60);
  }
}

/// Writes a zip with the given entries.
void make_zip(const std::string& path, const std::vector<std::pair<std::string, std::string>>& entries) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  ASSERT_NE(archive, nullptr);
  for (const auto& [name, text] : entries)
    ASSERT_GE(zip_file_add(archive, name.c_str(), zip_source_buffer(archive, text.data(), text.size(), 0), ZIP_FL_OVERWRITE), 0);
  ASSERT_EQ(zip_close(archive), 0);
}

TEST_F(VoiceStoreTest, ArchivesWriteNothingOutsideAndNothingForeign) {
  make_zip(work("evil.zip"), {{"../../README.md", "up"}, {"/README.md.sh", "root"}, {"x/run.sh", "code"}, {"a/voice.json", "{}"}});
  fs::create_directories(work("inner/target"));
  unpack_bundle(work("evil.zip"), work("inner/target"));
  EXPECT_TRUE(fs::exists(work("inner/target/README.md")));
  EXPECT_TRUE(fs::exists(work("inner/target/voice.json")));
  EXPECT_EQ(std::distance(fs::directory_iterator(work("inner/target")), {}), 2);
  EXPECT_EQ(std::distance(fs::directory_iterator(work("inner")), {}), 1);
}

TEST_F(VoiceStoreTest, BombsLinksAndRubbishAreRefused) {
  fs::create_directories(work("target"));
  const auto refused = [&](const std::string& zip) {
    EXPECT_EQ(code_of([&] { unpack_bundle(zip, work("target")); }), ErrorCode::bad_model) << zip;
    fs::remove_all(work("target"));
    fs::create_directories(work("target"));
  };
  make_zip(work("bomb.zip"), {{"weights.safetensors", std::string(64 << 20, '\0')}});
  refused(work("bomb.zip"));
  make_zip(work("two.zip"), {{"a/voice.json", "{}"}, {"b/voice.json", "{}"}});
  refused(work("two.zip"));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 100; ++i) many.emplace_back(fmt::format("d{}/x", i), "");
  make_zip(work("many.zip"), many);
  refused(work("many.zip"));
  write_file(work("rubbish.zip"), "PK this is no archive");
  refused(work("rubbish.zip"));

  int error = 0;
  zip_t* archive = zip_open(work("link.zip").c_str(), ZIP_CREATE, &error);
  const std::string link = "/etc/passwd";
  const auto index = zip_file_add(archive, "README.md", zip_source_buffer(archive, link.data(), link.size(), 0), 0);
  zip_file_set_external_attributes(archive, zip_uint64_t(index), 0, ZIP_OPSYS_UNIX, zip_uint32_t(0120777) << 16);
  ASSERT_EQ(zip_close(archive), 0);
  refused(work("link.zip"));
  EXPECT_EQ(code_of([&] { unpack_bundle(work("none.zip"), work("target")); }), ErrorCode::not_found);
}

TEST_F(VoiceStoreTest, ImportsAnRvcVoiceWithItsIndex) {
  const std::string singer = std::string(VOXCONV_TEST_DATA) + "/golden/rvc/v2_40k.pth";
  torch::manual_seed(3);
  build_retrieval_index(work("singer.index"), torch::randn({100, 768}));
  build_retrieval_index(work("other.index"), torch::randn({100, 256}));
  const VoiceInfo info = store_.import_voice(singer, {.name = "singer", .title = "A singer", .index = work("singer.index")});
  EXPECT_EQ(info.name, "singer");
  EXPECT_EQ(info.title, "A singer");
  EXPECT_EQ(info.architecture, "rvc");
  EXPECT_EQ(info.sample_rate, 40000);
  EXPECT_EQ(info.f0_high, 0);
  EXPECT_EQ(load_retrieval_index(info.path + "/index.faiss")->size(), 100);
  EXPECT_THAT(VoiceStore::verify(info.path), IsEmpty());
  store_.export_voice("singer", work("singer.zip"));
  EXPECT_TRUE(fs::exists(store_.import_voice(work("singer.zip"), {.name = "again"}).path + "/index.faiss"));

  EXPECT_EQ(code_of([&] { store_.import_voice(singer, {.name = "wrong", .index = work("other.index")}); }), ErrorCode::bad_model);
  EXPECT_EQ(code_of([&] { store_.import_voice(singer, {.name = "wrong", .index = work("singer.zip")}); }), ErrorCode::bad_model);
  EXPECT_EQ(code_of([&] { store_.import_voice(bundle(), {.name = "wrong", .title = "No"}); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { store_.export_voice(bundle(), work("native.pth")); }), ErrorCode::usage);
  EXPECT_FALSE(fs::exists(root_ / "user/wrong"));
}

TEST_F(VoiceStoreTest, TakesAnRvcFileByItsPath) {
  fs::copy_file(std::string(VOXCONV_TEST_DATA) + "/golden/rvc/v1_48k.pth", work("Änne & Bob_2.PTH"));
  const VoiceInfo info = store_.find(work("Änne & Bob_2.PTH"));
  EXPECT_EQ(info.name, "nne-bob_2");
  EXPECT_EQ(info.sample_rate, 48000);
  EXPECT_THAT(VoiceStore::verify(info.path), IsEmpty());
  EXPECT_EQ(load_voice_model(info.path, torch::kCPU, torch::kFloat)->sample_rate(), 48000);
}

}  // namespace
}  // namespace voxconv
