#include "core/yaml_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "core/atomic_file.h"
#include "voxconv/error.h"

namespace voxconv {
namespace {

using nlohmann::json;

json parsed(const std::string& text) {
  const std::string path = testing::TempDir() + "yaml_file_test_" + std::to_string(::getpid()) + ".yaml";
  write_file(path, text);
  json value;
  try {
    value = read_yaml(path);
  } catch (...) {
    std::remove(path.c_str());
    throw;
  }
  std::remove(path.c_str());
  return value;
}

void expect_refused(const std::string& text, const std::string& reason) {
  try {
    FAIL() << parsed(text).dump().substr(0, 200);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_model);
    EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
  }
}

TEST(Yaml, GivesPlainData) {
  const json value = parsed(
      "text: a b\nquoted: '12'\nwhole: -7\nplus: +3\nreal: 1.5e-05\nshort: 5.\nyes: on\nno: False\nnone: ~\nempty:\n"
      "list: [1, two, 3.0, [x]]\nmap: {a: 1, b: {c: d}}\nhex: 0x10\nnan: .nan\n12: twelve\nblock:\n  - 1\n  - k: v\n");
  const json expected{{"text", "a b"},
                      {"quoted", "12"},
                      {"whole", -7},
                      {"plus", 3},
                      {"real", 1.5e-05},
                      {"short", 5.0},
                      {"yes", true},
                      {"no", false},
                      {"none", nullptr},
                      {"empty", nullptr},
                      {"list", {1, "two", 3.0, json::array({"x"})}},
                      {"map", {{"a", 1}, {"b", {{"c", "d"}}}}},
                      {"hex", "0x10"},
                      {"nan", ".nan"},
                      {"12", "twelve"},
                      {"block", json::array({1, {{"k", "v"}}})}};
  EXPECT_EQ(value, expected) << value.dump();
}

TEST(Yaml, TagsOfPythonAreOnlyData) {
  EXPECT_EQ(parsed("a: !!python/tuple [1, 2]\nb: !!python/object/apply:os.system ['rm -rf x']\nc: !!str 12\n"),
            (json{{"a", {1, 2}}, {"b", json::array({"rm -rf x"})}, {"c", "12"}}));
}

TEST(Yaml, AliasesRepeatWhatTheyNameWithinBounds) {
  EXPECT_EQ(parsed("a: &x [1, 2]\nb: *x\nc: {d: *x}\n"), (json{{"a", {1, 2}}, {"b", {1, 2}}, {"c", {{"d", {1, 2}}}}}));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  expect_refused(bomb, "too many values");
  expect_refused("a: &x [1, *x]\n", "inside what it is the alias of");
}

TEST(Yaml, WhatIsNoneIsRefused) {
  expect_refused("a: [1, 2\n", "line ");
  expect_refused("? [1]\n: 2\n", "a key is no text");
  expect_refused("a: " + std::string(40, '[') + std::string(40, ']'), "nested too deeply");
  expect_refused(std::string(2 << 20, '#'), "bytes");
  EXPECT_EQ(parsed(""), json());
  EXPECT_THROW(read_yaml("/no/such.yaml"), Error);
}

}  // namespace
}  // namespace voxconv
