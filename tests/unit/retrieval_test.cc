#include "voxconv/retrieval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "features/retrieval/retrieval_index.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

namespace fs = std::filesystem;

const std::string tiny = VOXCONV_TEST_DATA "/golden/added_tiny.index";
constexpr std::int64_t all_lists = 1 << 20;

class Retrieval : public testing::Test {
 protected:
  Retrieval() : folder_(fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(folder_);
    torch::manual_seed(1);
  }
  ~Retrieval() override { fs::remove_all(folder_); }
  std::string file(const std::string& name = "a.index") const { return (folder_ / name).string(); }
  fs::path folder_;
};

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return (std::stringstream() << in.rdbuf()).str();
}

void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Mean of the 8 nearest by (1 / squared distance)^2, the plain way.
torch::Tensor plain_blend(const torch::Tensor& vectors, const torch::Tensor& frames) {
  const torch::Tensor distances = (frames.to(torch::kDouble).unsqueeze(1) - vectors.to(torch::kDouble).unsqueeze(0)).square().sum(2);
  const auto [nearest, ids] = distances.topk(std::min<std::int64_t>(8, vectors.size(0)), 1, false);
  const torch::Tensor weights = nearest.square().reciprocal();
  const torch::Tensor shares = weights / weights.sum(1, true);
  return (vectors.to(torch::kDouble).index_select(0, ids.reshape({-1})).view({frames.size(0), -1, vectors.size(1)}) * shares.unsqueeze(2))
      .sum(1)
      .to(torch::kFloat);
}

TEST_F(Retrieval, AllListsTogetherAreAPlainSearch) {
  const torch::Tensor vectors = torch::randn({3000, 96}), frames = torch::randn({70, 96});
  build_retrieval_index(file(), vectors);
  const auto index = load_retrieval_index(file(), {.probes = all_lists});
  EXPECT_EQ(index->dim(), 96);
  EXPECT_EQ(index->size(), 3000);
  EXPECT_TRUE(torch::allclose(index->nearest(frames), plain_blend(vectors, frames), 1e-5, 1e-6));
}

TEST_F(Retrieval, KnownFramesComeBackAsThemselves) {
  const torch::Tensor vectors = torch::randn({500, 32});
  build_retrieval_index(file(), vectors);
  EXPECT_TRUE(torch::equal(load_retrieval_index(file())->nearest(vectors.slice(0, 100, 160)), vectors.slice(0, 100, 160)));
}

TEST_F(Retrieval, FewerVectorsThanNeighboursAreEnough) {
  const torch::Tensor vectors = torch::randn({3, 32}), frames = torch::randn({5, 32});
  build_retrieval_index(file(), vectors);
  EXPECT_TRUE(torch::allclose(load_retrieval_index(file())->nearest(frames), plain_blend(vectors, frames), 1e-5, 1e-6));
}

TEST_F(Retrieval, VeryNearFramesStayFinite) {
  const torch::Tensor vectors = torch::randn({400, 16}) * 1e-12;
  build_retrieval_index(file(), vectors);
  EXPECT_TRUE(load_retrieval_index(file())->nearest(vectors + 1e-14).isfinite().all().item<bool>());
}

TEST_F(Retrieval, TheNearerOfTwoListsIsFoundFarFromZero) {
  // Two clouds of vectors, 2 apart, where float32's |x|^2 has steps of 0.25; frames between them are 0.04 nearer to the one or the other.
  torch::manual_seed(1);
  const torch::Tensor first = 300 + 0.005 * torch::randn({100, 32}), step = torch::eye(32)[0] * 2;
  build_retrieval_index(file(), torch::cat({first, first + step}));
  const auto index = load_retrieval_index(file(), {.probes = 1});
  for (int i = 0; i < 20; ++i) {
    const double place = i % 2 ? 0.49 : 0.51;  // 0: the first cloud, 1: the second
    const torch::Tensor found = index->nearest((300 + 0.005 * torch::randn(32) + step * place).unsqueeze(0));
    EXPECT_NEAR(found[0][0].item<double>(), place < 0.5 ? 300 : 302, 0.1);
  }
}

TEST_F(Retrieval, TheSameSeedGivesTheSameFile) {
  const torch::Tensor vectors = torch::randn({1000, 24});
  build_retrieval_index(file("a"), vectors, 3);
  build_retrieval_index(file("b"), vectors, 3);
  build_retrieval_index(file("c"), vectors, 4);
  EXPECT_EQ(bytes_of(file("a")), bytes_of(file("b")));
  EXPECT_NE(bytes_of(file("a")), bytes_of(file("c")));
}

TEST_F(Retrieval, TellsWhatAFileHolds) {
  const RetrievalInfo info = inspect_retrieval_index(tiny);
  EXPECT_TRUE(info.inverted_lists);
  EXPECT_EQ(info.dim, 24);
  EXPECT_EQ(info.vectors, 800);
  EXPECT_EQ(info.lists, 20);
  EXPECT_EQ(info.probes, 1);
}

TEST_F(Retrieval, FramesOfAnotherEncoderAreRefused) { EXPECT_THROW(load_retrieval_index(tiny)->nearest(torch::randn({4, 25})), Error); }

TEST_F(Retrieval, AShortenedFileIsRefused) {
  const std::string whole = bytes_of(tiny);
  for (const std::size_t length : {std::size_t(0), std::size_t(3), std::size_t(20), std::size_t(60), whole.size() / 2, whole.size() - 1}) {
    write(file(), whole.substr(0, length));
    EXPECT_THROW(load_retrieval_index(file()), Error) << length;
  }
}

TEST_F(Retrieval, SizesBeyondTheFileAreRefusedBeforeMemoryIsTaken) {
  const std::string whole = bytes_of(tiny);
  const std::uint64_t huge = 1ull << 40;
  // Of the index and of its centres: dim, vectors, lists, numbers; then direct map, lists, bytes a vector, list sizes.
  for (const std::size_t at : {4, 8, 37, 57, 61, 90, 2019, 2031, 2039, 2051, 2059}) {
    std::string bad = whole;
    std::memcpy(bad.data() + at, &huge, sizeof huge);
    write(file(), bad);
    EXPECT_THROW(load_retrieval_index(file()), Error) << at;
  }
}

TEST_F(Retrieval, OtherKindsAreNamedAndRefused) {
  std::string other = bytes_of(tiny);
  other.replace(0, 4, "IwPQ");
  write(file(), other);
  try {
    load_retrieval_index(file());
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_model);
    EXPECT_THAT(e.what(), testing::HasSubstr("IVFn,Flat"));
  }
  EXPECT_THROW(load_retrieval_index(file("none")), Error);
}

TEST_F(Retrieval, NothingIsBuiltOfNothing) {
  EXPECT_THROW(build_retrieval_index(file(), torch::zeros({0, 8})), Error);
  EXPECT_THROW(build_retrieval_index(file(), torch::full({9, 8}, std::nanf(""))), Error);
  EXPECT_FALSE(fs::exists(file()));
}

}  // namespace
}  // namespace voxconv
