// Against scipy's and librosa's results as RVC asks for them; made by scripts/goldens/rvc_signal.py.
#include <gtest/gtest.h>

#include "features/highpass.h"
#include "features/pitch/smooth.h"
#include "features/rms_mix.h"
#include "golden.h"

namespace voxconv {
namespace {

torch::Tensor golden_tensor(const std::string& name) { return golden::open("rvc_signal").get(name); }

template <typename Number>
std::vector<Number> numbers(const torch::Tensor& tensor) {
  const torch::Tensor x = tensor.to(torch::CppTypeToScalarType<Number>::value).contiguous();
  return {x.template data_ptr<Number>(), x.template data_ptr<Number>() + x.numel()};
}

TEST(RvcSignal, HighpassEqualsFiltfilt) {
  const std::vector<double> noise = numbers<double>(golden_tensor("noise"));
  EXPECT_LT(golden::relative_error(torch::tensor(highpass(noise), torch::kDouble), golden_tensor("highpass")), 1e-6);
  EXPECT_LT(golden::relative_error(torch::tensor(highpass(std::span(noise).first(19)), torch::kDouble), golden_tensor("highpass_short")),
            1e-6);
}

TEST(RvcSignal, RmsMixEqualsRvcs) {
  const std::vector<double> source = numbers<double>(golden_tensor("source"));
  std::vector<float> result = numbers<float>(golden_tensor("result"));
  mix_rms(source, 160, result, 400, 0.25);
  EXPECT_LT(golden::relative_error(torch::tensor(result), golden_tensor("mixed")), 1e-5);
}

TEST(RvcSignal, BridgedAndSmoothedPitchEqualNumpyAndScipy) {
  EXPECT_TRUE(torch::allclose(bridge_gaps(golden_tensor("f0")), golden_tensor("bridged"), 1e-6));
  EXPECT_TRUE(torch::equal(median_filter(golden_tensor("f0"), 3), golden_tensor("median3")));
}

}  // namespace
}  // namespace voxconv
