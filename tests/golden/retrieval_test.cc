#include <gtest/gtest.h>

#include "features/retrieval/retrieval_index.h"
#include "golden.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

const std::string folder = VOXCONV_TEST_DATA "/golden/";

void expect_blend(const std::string& file, std::int64_t probes, const std::string& expected) {
  const auto golden = golden::open("retrieval");
  const torch::Tensor blended = load_retrieval_index(folder + file, {.probes = probes})->nearest(golden.get("frames"));
  EXPECT_LT(golden::relative_error(blended, golden.get(expected)), 1e-5);
}

TEST(RetrievalGolden, BlendsAsRvcDoesByWhatTheFileSays) { expect_blend("added_tiny.index", 0, "probes1"); }

TEST(RetrievalGolden, SearchesMoreListsWhenAsked) { expect_blend("added_tiny.index", 4, "probes4"); }

TEST(RetrievalGolden, ReadsAnIndexWithoutLists) { expect_blend("flat_tiny.index", 0, "flat"); }

TEST(RetrievalGolden, RefusesTheFileWithoutVectors) { EXPECT_THROW(load_retrieval_index(folder + "trained_tiny.index"), Error); }

}  // namespace
}  // namespace voxconv
