// Against the package speechmos; made by scripts/goldens/dnsmos.py.
#include "eval/dnsmos.h"

#include <gtest/gtest.h>

#include <cmath>

#include "golden.h"

namespace voxconv::eval {
namespace {

const Dnsmos& judge() {
  static const Dnsmos instance;
  return instance;
}

torch::Tensor noisy(const torch::Tensor& wave) {
  return wave + 0.02 * torch::sin(torch::arange(wave.size(0), torch::kDouble) * (2 * M_PI * 1000 / 16000)).to(torch::kFloat);
}

void expect_reference(const torch::Tensor& wave, const char* name) {
  const DnsmosScores scores = judge().score(wave);
  const torch::Tensor reference = golden::open("dnsmos").get(name);
  EXPECT_NEAR(scores.sig, reference[0].item<double>(), 1e-3) << name;
  EXPECT_NEAR(scores.bak, reference[1].item<double>(), 1e-3) << name;
  EXPECT_NEAR(scores.ovrl, reference[2].item<double>(), 1e-3) << name;
}

TEST(Dnsmos, EqualsTheReference) {
  const torch::Tensor speech = golden::clip();
  expect_reference(speech, "speech");
  expect_reference(torch::cat({speech, 0.1 * speech, noisy(speech), speech.slice(0, 0, 500)}), "varied");
}

TEST(Dnsmos, LeavesOutTheSegmentsThatTheReferenceLeavesOut) {
  const torch::Tensor speech = golden::clip();
  expect_reference(torch::cat({noisy(speech), 0.3 * speech, speech, noisy(speech.slice(0, 0, 48000))}), "left_out");
}

TEST(Dnsmos, NothingHasNoScore) {
  const DnsmosScores scores = judge().score(torch::zeros({0}));
  EXPECT_TRUE(std::isnan(scores.sig) && std::isnan(scores.bak) && std::isnan(scores.ovrl));
}

}  // namespace
}  // namespace voxconv::eval
