#include "nn/safetensors.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/atomic_file.h"
#include "nn/finite.h"
#include "nn/linear.h"
#include "nn/mapped_file.h"
#include "nn/module.h"
#include "nn/tensor_reader.h"
#include "voxconv/error.h"
#include "voxconv/weights.h"

namespace voxconv::nn {
namespace fs = std::filesystem;
namespace {

std::string scratch(const std::string& name) { return (fs::path(testing::TempDir()) / (std::to_string(::getpid()) + name)).string(); }

std::string file_with_header(const std::string& header, std::size_t payload) {
  const std::uint64_t bytes = header.size();
  return std::string(reinterpret_cast<const char*>(&bytes), 8) + header + std::string(payload, '\0');
}

void expect_bytes_refused(const std::string& bytes, const std::string& part_of_message) {
  const std::string path = scratch("refused.safetensors");
  write_file(path, bytes);
  try {
    Safetensors file(path);
    FAIL() << "accepted; expected: " << part_of_message;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_model);
    EXPECT_THAT(e.what(), testing::HasSubstr(part_of_message));
  }
}

TEST(MappedFile, ReadsTheSameAfterItsPagesAreReleased) {
  const std::string path = scratch("released.safetensors");
  const torch::Tensor written = torch::arange(20000, torch::kFloat);
  save_safetensors(path, {{"a", written}});
  const torch::Tensor mapped = Safetensors(path).get("a");
  release_pages(mapped.const_data_ptr(), mapped.nbytes());
  EXPECT_TRUE(torch::equal(mapped, written));
  release_pages(written.const_data_ptr(), written.nbytes());  // not of a file: stays as it is
  EXPECT_EQ(written[19999].item<float>(), 19999);
  fs::remove(path);
}

/// Memory of mapped files that this process holds.
std::int64_t resident_file_bytes() {
  std::int64_t size = 0, resident = 0, of_files = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> of_files;
  return of_files * ::sysconf(_SC_PAGESIZE);
}

TEST(TensorReader, GivesBackTheMemoryOfWhatWasTaken) {
  constexpr std::int64_t count = std::int64_t(1) << 24, bytes = count * 4, slack = bytes / 16;
  const std::string path = scratch("taken.safetensors");
  save_safetensors(path, {{"a", torch::ones({count})}});
  const std::int64_t before = resident_file_bytes();
  const StateDict tensors = Safetensors(path).tensors();
  TensorReader reader(tensors, path);
  const torch::Tensor taken = reader.take("a", {count});  // reads it: its numbers must be finite
  EXPECT_GT(resident_file_bytes() - before, bytes - slack);
  reader.release();
  EXPECT_LT(resident_file_bytes() - before, slack);
  EXPECT_EQ(taken.sum().item<double>(), double(count));
  fs::remove(path);
}

TEST(PackedLinear, ComputesTheSameAfterItsWeightsInTheFileAreReleased) {
  const std::string path = scratch("linear.safetensors");
  const torch::Tensor weight = torch::randn({300, 200}), bias = torch::randn({300}), x = torch::randn({7, 200});
  save_safetensors(path, {{"weight", weight}});
  const PackedLinear layer(Safetensors(path).get("weight"), bias, torch::kCPU, torch::kFloat, Activation::none, Packing::each_call);
  const torch::Tensor first = layer(x);
  layer.release();
  EXPECT_TRUE(torch::equal(layer(x), first));
  EXPECT_LT((first - torch::linear(x, weight, bias)).abs().max().item<double>(), 1e-4);
  fs::remove(path);
}

TEST(Weights, AreDescribedWithoutTheirNumbers) {
  const std::string path = scratch("described.safetensors");
  save_safetensors(path, {{"b", torch::zeros({3, 4})}, {"a", torch::zeros({2}, torch::kBFloat16)}}, {{"key", "value"}});
  const WeightsInfo info = inspect_weights(path);
  EXPECT_EQ(info.bytes, fs::file_size(path));
  EXPECT_EQ(info.parameters, 14u);
  EXPECT_EQ(info.metadata.at("key"), "value");
  ASSERT_EQ(info.tensors.size(), 2u);
  EXPECT_EQ(info.tensors[0].name, "a");
  EXPECT_EQ(info.tensors[0].type, "BF16");
  EXPECT_EQ(info.tensors[1].shape, (std::vector<std::int64_t>{3, 4}));
}

TEST(Safetensors, RoundTrip) {
  const std::string path = scratch("round_trip.safetensors");
  const torch::Tensor a = torch::randn({3, 4}), b = torch::arange(5), c = torch::randn({2}).to(torch::kHalf);
  save_safetensors(path, {{"a", a}, {"b", b}, {"c", c}}, {{"key", "value"}});
  const Safetensors file(path);
  EXPECT_TRUE(torch::equal(file.get("a"), a));
  EXPECT_TRUE(torch::equal(file.get("b"), b));
  EXPECT_TRUE(torch::equal(file.get("c"), c));
  EXPECT_EQ(file.metadata().at("key"), "value");
  EXPECT_THROW(file.get("d"), Error);
}

TEST(Safetensors, ViewsOutliveTheFile) {
  const std::string path = scratch("outlive.safetensors");
  save_safetensors(path, {{"a", torch::ones({1000})}});
  torch::Tensor view;
  { view = Safetensors(path).get("a"); }
  EXPECT_EQ(view.sum().item<float>(), 1000);
}

TEST(Safetensors, RefusesDamage) {
  expect_bytes_refused("short", "at least 8");
  expect_bytes_refused(std::string(8, '\xff') + "{}", "header claims");
  expect_bytes_refused(file_with_header("[1]", 0), "not a JSON object");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4), "larger than the file");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8), "do not fit");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8), "do not fit");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}})", 8), "unknown dtype");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 8),
                       "larger than the file");
  expect_bytes_refused(
      file_with_header(R"({"a":{"dtype":"F32","shape":[0,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9],"data_offsets":[0,0]}})", 8),
      "empty and yet too large");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 8), "larger than the file");
  expect_bytes_refused(file_with_header(R"({"a":{"dtype":"F32"}})", 8), "malformed");
  expect_bytes_refused(
      file_with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", 8),
      "overlap");
}

TEST(LoadParameters, IsStrict) {
  const std::string path = scratch("strict.safetensors");
  torch::nn::Linear source(3, 2), target(3, 2);
  save_safetensors(path, named_tensors(*source, "x."));
  load_parameters(*target, Safetensors(path), "x.");
  EXPECT_TRUE(torch::equal(source->weight, target->weight));

  auto tensors = named_tensors(*source, "x.");
  tensors["x.more"] = torch::ones(1);
  save_safetensors(path, tensors);
  EXPECT_THROW(load_parameters(*target, Safetensors(path), "x."), Error);
  tensors.erase("x.more");
  tensors.erase("x.bias");
  save_safetensors(path, tensors);
  EXPECT_THROW(load_parameters(*target, Safetensors(path), "x."), Error);
  torch::nn::Linear larger(4, 2);
  save_safetensors(path, named_tensors(*source, "x."));
  EXPECT_THROW(load_parameters(*larger, Safetensors(path), "x."), Error);
}

TEST(LoadParameters, RefusesNumbersThatAreNotFinite) {
  const std::string path = scratch("damaged.safetensors");
  torch::nn::Linear source(3, 2), target(3, 2);
  for (const double damage : {double(NAN), double(INFINITY), -double(INFINITY)}) {
    for (const torch::ScalarType type : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
      auto tensors = named_tensors(*source, "x.", type);
      save_safetensors(path, tensors);
      EXPECT_TRUE(finite_weight(Safetensors(path), "x.weight").defined());
      tensors["x.weight"] = tensors["x.weight"].clone();
      tensors["x.weight"][1][2] = damage;
      save_safetensors(path, tensors);
      for (const auto& load : std::initializer_list<std::function<void()>>{[&] { load_parameters(*target, Safetensors(path), "x."); },
                                                                           [&] { finite_weight(Safetensors(path), "x.weight"); }}) {
        try {
          load();
          ADD_FAILURE() << damage;
        } catch (const Error& e) {
          EXPECT_NE(std::string(e.what()).find("x.weight"), std::string::npos) << e.what();
        }
      }
    }
  }
}

}  // namespace
}  // namespace voxconv::nn
