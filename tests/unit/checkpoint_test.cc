#include "nn/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/atomic_file.h"
#include "nn/safetensors.h"
#include "voxconv/error.h"

namespace voxconv::nn {
namespace fs = std::filesystem;
namespace {

using Kind = PickleValue::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path folder = fs::path(VOXCONV_TEST_DATA) / "checkpoints";

/// Opens and copies every tensor, so that a sanitizer sees what lies outside.
void read_everything(const std::string& path) {
  const Checkpoint file = open_checkpoint(path);
  if (!file.root().is(Kind::dict)) return;
  for (const auto& [name, tensor] : file.state_dict(file.root())) tensor.clone();
}

void expect_refused(const std::string& path, const std::string& reason) {
  try {
    read_everything(path);
    ADD_FAILURE() << path << " was accepted; expected: " << reason;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_model) << path;
    EXPECT_THAT(e.what(), HasSubstr(reason)) << path;
    EXPECT_THAT(e.what(), HasSubstr(path));
  }
}

/// A file in memory that can be written thousands of times.
class Scratch {
 public:
  ~Scratch() { ::close(file_); }
  const std::string& path() const { return path_; }
  void write(const std::string& content) const {
    ASSERT_EQ(::ftruncate(file_, 0), 0);
    ASSERT_EQ(::pwrite(file_, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  }

 private:
  int file_ = ::memfd_create("checkpoint", MFD_CLOEXEC);
  std::string path_ = "/proc/self/fd/" + std::to_string(file_);
};

class GoodCheckpoint : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(GoodCheckpoint, GivesItsTensors) {
  const Checkpoint file = open_checkpoint((folder / GetParam().first).string());
  EXPECT_EQ(file.format(), GetParam().second);
  StateDict tensors = file.state_dict(file.at("weight"));
  ASSERT_EQ(tensors.size(), 13u);
  const auto expect = [&](const char* name, const torch::Tensor& wanted) {
    const torch::Tensor& found = tensors.at(name);
    EXPECT_EQ(found.scalar_type(), wanted.scalar_type()) << name;
    EXPECT_EQ(found.sizes(), wanted.sizes()) << name;
    EXPECT_TRUE(torch::equal(found, wanted)) << name << ": " << found;
  };
  expect("single", torch::arange(12.0, torch::kFloat).reshape({3, 4}));
  expect("half", torch::arange(5.0, torch::kHalf) / 2);
  expect("brain", torch::arange(4.0, torch::kBFloat16).reshape({2, 2}));
  expect("double", torch::arange(3.0, torch::kDouble) / 3);
  expect("long", torch::arange(4, torch::kLong) - 2);
  expect("int", torch::arange(3, torch::kInt));
  expect("byte", torch::arange(250, 255, torch::kByte));
  expect("bool", torch::tensor({true, false, true}));
  expect("scalar", torch::tensor(3.5f));
  expect("empty", torch::empty({0, 3}));
  expect("transposed", torch::arange(6.0, torch::kFloat).reshape({2, 3}).t());
  expect("shared_a", torch::arange(2.0, 5.0, torch::kFloat));
  expect("shared_b", torch::arange(4.0, 10.0, 2.0, torch::kFloat));
}

TEST_P(GoodCheckpoint, GivesItsValues) {
  const Checkpoint file = open_checkpoint((folder / GetParam().first).string());
  const PickleValue& config = file.at("config");
  ASSERT_EQ(config.items.size(), 8u);
  EXPECT_EQ(config.items[0]->integer, 1025);
  EXPECT_EQ(config.items[1]->integer, -7);
  EXPECT_EQ(config.items[2]->text, "1");
  EXPECT_EQ(config.items[4]->items[1]->items[2]->integer, 5);
  EXPECT_EQ(config.items[5]->real, 2.5);
  EXPECT_TRUE(config.items[6]->is(Kind::none));
  EXPECT_TRUE(config.items[7]->is(Kind::boolean));
  EXPECT_EQ(file.at("name").text, "声");
  EXPECT_EQ(file.at("scalar").real, 0.25);
  EXPECT_TRUE(torch::equal(file.at("array").tensor, torch::arange(6.0, torch::kFloat).reshape({2, 3})));
  EXPECT_TRUE(torch::equal(file.at("columns").tensor, torch::arange(6.0, torch::kFloat).reshape({2, 3})));
  EXPECT_EQ(file.at("settings").find("layers")->integer, 12);
  EXPECT_THAT(file.records(), testing::Contains("argparse.Namespace"));
  EXPECT_TRUE(torch::equal(file.state_dict(file.root()).at("parameter.deep.w"), torch::ones({2})));
  EXPECT_THROW(file.at("missing"), Error);
}

INSTANTIATE_TEST_SUITE_P(Formats, GoodCheckpoint,
                         testing::Values(std::pair{"plain_zip.pth", "torch zip"}, std::pair{"plain_protocol4.pth", "torch zip"},
                                         std::pair{"plain_deflated.pth", "torch zip"}, std::pair{"plain_legacy.pth", "torch legacy"}));

TEST(Checkpoint, ReadsSafetensorsLikeTheRest) {
  const fs::path path = fs::path(testing::TempDir()) / ("voxconv_checkpoint." + std::to_string(::getpid()));
  save_safetensors(path.string(), {{"a.b", torch::ones({2})}});
  const Checkpoint checkpoint = open_checkpoint(path.string());
  fs::remove(path);
  EXPECT_EQ(checkpoint.format(), "safetensors");
  EXPECT_TRUE(torch::equal(checkpoint.state_dict(checkpoint.root()).at("a.b"), torch::ones({2})));
}

TEST(Checkpoint, TensorsOutliveIt) {
  torch::Tensor tensor;
  {
    const Checkpoint file = open_checkpoint((folder / "plain_zip.pth").string());
    tensor = file.state_dict(file.at("weight")).at("single");
  }
  EXPECT_EQ(tensor.sum().item<float>(), 66);
}

TEST(Checkpoint, RefusesWhatIsNotDataAndSaysWhy) {
  std::ifstream table(folder / "refused.tsv");
  int files = 0;
  for (std::string line; std::getline(table, line); ++files) {
    const std::size_t tab = line.find('\t');
    expect_refused((folder / line.substr(0, tab)).string(), line.substr(tab + 1));
  }
  EXPECT_GT(files, 70);
}

TEST(Checkpoint, RefusesWhatIsCutShortAnywhere) {
  const Scratch file;
  for (const char* name : {"plain_zip.pth", "plain_deflated.pth", "plain_legacy.pth"}) {
    const std::string whole = read_file((folder / name).string());
    for (std::size_t length = 0; length < whole.size(); ++length) {
      file.write(whole.substr(0, length));
      EXPECT_THROW(read_everything(file.path()), Error) << name << " of " << length << " bytes";
    }
  }
}

TEST(Checkpoint, SurvivesAnyChangedByte) {
  const Scratch file;
  for (const char* name : {"plain_zip.pth", "plain_deflated.pth", "plain_legacy.pth"}) {
    const std::string whole = read_file((folder / name).string());
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string changed = whole;
      changed[at] = static_cast<char>(~changed[at]);
      file.write(changed);
      try {
        read_everything(file.path());  // a number may have changed; nothing worse
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::bad_model) << e.what();
      }
    }
  }
}

TEST(Checkpoint, RefusesNestingAndSizeWithinBoundedMemory) {
  const Scratch file;
  const auto legacy = [](const std::string& pickle) {
    const std::string whole = read_file((folder / "refused_huge_storage_legacy.pth").string());
    return whole.substr(0, whole.find("}q", 0) + 4) + pickle;  // up to the end of the system's description
  };
  file.write(legacy("\x80\x02" + std::string(3'000'000, ']')));
  expect_refused(file.path(), "values");
  file.write(legacy("\x80\x02N" + std::string(20'000'000, '2')));
  expect_refused(file.path(), "steps");
  // A list in itself, told as an argument.
  file.write(legacy(std::string("\x80\x02") + "cos\nsystem\n(]q\x01h\x01" + "atR."));
  expect_refused(file.path(), "os.system([[[");
}

TEST(Checkpoint, GivesPlainTextsOfALimitedSize) {
  PickleTree tree;
  const auto value = [&](const std::string& text) {
    tree.push_back({Kind::text});
    tree.back().text = text;
    return &tree.back();
  };
  PickleValue dict{Kind::dict};
  const PickleValue *lengthy = value(std::string(5000, 'x')), *note = value("300epoch"), *number = value("");
  const_cast<PickleValue*>(number)->kind = Kind::integer;
  dict.items = {value("long"), lengthy, lengthy, note, value("info"), note, value("none"), &dict, value("epoch"), number};
  EXPECT_THAT(plain_texts(dict), ElementsAre(testing::Pair("epoch", "0"), testing::Pair("info", "300epoch")));
  for (int i = 0; i < 5000; ++i) dict.items.insert(dict.items.end(), {value(std::to_string(i)), note});
  EXPECT_EQ(plain_texts(dict).size(), 1000u);
  EXPECT_TRUE(plain_texts(*note).empty());
}

/// Writes CTranslate2's format.
class Ctranslate2Bytes {
 public:
  template <typename Number>
  Ctranslate2Bytes& number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Ctranslate2Bytes& name(const std::string& text) {
    number(static_cast<std::uint16_t>(text.size() + 1));
    bytes_ += text + '\0';
    return *this;
  }
  Ctranslate2Bytes& begin(std::uint32_t variables, std::uint32_t version = 6) {
    return number(version).name("WhisperSpec").number(std::uint32_t{3}).number(variables);
  }
  Ctranslate2Bytes& variable(const std::string& text, const std::vector<std::uint32_t>& shape, std::uint8_t type, const std::string& data) {
    name(text).number(static_cast<std::uint8_t>(shape.size()));
    for (const std::uint32_t extent : shape) number(extent);
    number(type).number(static_cast<std::uint32_t>(data.size()));
    bytes_ += data;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string ctranslate2_model() {
  return Ctranslate2Bytes()
      .begin(3)
      .variable("embeddings/weight", {2, 3}, 4, std::string("\0\x3c\0\x40\0\x42\0\x44\0\x45\0\x46", 12))
      .variable("num_heads", {}, 2, std::string("\x08\0", 2))
      .variable("empty", {0, 7}, 0, "")
      .number(std::uint32_t{1})
      .name("projection/weight")
      .name("embeddings/weight")
      .bytes();
}

TEST(Ctranslate2, GivesItsTensors) {
  const Scratch file;
  file.write(ctranslate2_model());
  const Checkpoint model = open_checkpoint(file.path());
  EXPECT_EQ(model.format(), "ctranslate2");
  EXPECT_EQ(model.metadata().at("spec"), "WhisperSpec");
  EXPECT_EQ(model.metadata().at("revision"), "3");
  const StateDict tensors = model.state_dict(model.root());
  ASSERT_EQ(tensors.size(), 4u);
  EXPECT_TRUE(torch::equal(tensors.at("embeddings/weight"), torch::arange(1, 7, torch::kHalf).reshape({2, 3})));
  EXPECT_TRUE(torch::equal(tensors.at("projection/weight"), tensors.at("embeddings/weight")));
  EXPECT_EQ(tensors.at("num_heads").item<int>(), 8);
  EXPECT_EQ(tensors.at("empty").sizes(), torch::IntArrayRef({0, 7}));
}

TEST(Ctranslate2, DamageIsRefused) {
  const Scratch file;
  const std::string whole = ctranslate2_model();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    file.write(whole.substr(0, length));
    EXPECT_THROW(read_everything(file.path()), Error) << length;
  }
  const auto refused = [&](const std::string& bytes, const char* reason) {
    file.write(bytes);
    expect_refused(file.path(), reason);
  };
  const auto with = [](const std::vector<std::uint32_t>& shape, std::uint8_t type, const std::string& data) {
    return Ctranslate2Bytes().begin(1).variable("a", shape, type, data).number(std::uint32_t{0}).bytes();
  };
  refused(Ctranslate2Bytes().begin(0, 5).number(std::uint32_t{0}).bytes(), "version 5");
  refused(Ctranslate2Bytes().begin(70000).bytes(), "70000 tensors");
  refused(with({3}, 0, "12345678"), "do not fit its shape");
  refused(with({0xffffffff, 0xffffffff, 0xffffffff}, 0, "1234"), "do not fit its shape");
  refused(with({0x80000000, 0x80000000, 4}, 0, ""), "do not fit its shape");
  refused(with({0, 0xffffffff, 0xffffffff}, 0, ""), "do not fit its shape");
  refused(with({1}, 9, "1234"), "unknown type 9");
  refused(with({1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, "1234"), "9 dimensions");
  refused(Ctranslate2Bytes().begin(2).variable("a", {}, 1, "1").variable("a", {}, 1, "1").number(std::uint32_t{0}).bytes(), "a twice");
  refused(Ctranslate2Bytes().begin(0).number(std::uint32_t{1}).name("b").name("a").bytes(), "b stands for a");
  refused(whole + "x", "1 bytes follow");
}

TEST(Checkpoint, SaysThatThereIsNoFile) {
  try {
    open_checkpoint("/nowhere/voice.pth");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
  }
  const fs::path pipe = fs::path(testing::TempDir()) / ("voxconv_checkpoint_pipe." + std::to_string(::getpid()));
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_refused(pipe.string(), "no model file but");  // at once: nobody is waited for
  fs::remove(pipe);
}

}  // namespace
}  // namespace voxconv::nn
