#include "voxconv/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "voxconv/error.h"

namespace voxconv {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ConvertOptions, DefaultsAreValid) { EXPECT_THAT(ConvertOptions().problems(), IsEmpty()); }

TEST(ConvertOptions, EveryBadFieldIsNamed) {
  ConvertOptions options;
  options.key = 40;
  options.f0 = "guess";
  options.wet = std::numeric_limits<double>::quiet_NaN();
  options.f0_min = 800;
  options.f0_max = 400;
  options.chunk_s = 0.01;
  options.protect = 0.6;
  options.f0_median = 4;
  options.resample = 100;
  options.speaker = 70000;
  options.profile = "new";
  const auto problems = options.problems();
  for (const char* name : {"key", "f0 is \"guess\"", "wet", "f0_min", "chunk_s", "protect", "f0_median", "resample", "speaker", "profile"})
    EXPECT_THAT(problems, Contains(HasSubstr(name)));
  EXPECT_EQ(problems.size(), 10u);
  try {
    options.validate();
    FAIL() << "the options were accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_THAT(e.what(), HasSubstr("-36 to 36 semitones"));
  }
}

/// Gives each field a value other than its default.
ConvertOptions changed() {
  ConvertOptions options;
  options.key_auto = options.keep_stereo = true;
  options.key = -3.5;
  options.f0 = "pyin";
  options.f0_file = "pitch \"a\".csv";
  options.f0_min = 60;
  options.f0_max = 900;
  options.formant = 1.5;
  options.seed = 18446744073709551615u;
  options.loudness = 0.25;
  options.wet = 0.5;
  options.gain_db = -6;
  options.pause_db = 12;
  options.denoise = true;
  options.denoise_limit = 12;
  options.chunk_s = 3;
  options.f0_median = 3;
  options.resample = 48000;
  options.index = "a.index";
  options.index_rate = 0.5;
  options.index_probes = 4;
  options.protect = 0.2;
  options.rms_mix = 1;
  options.speaker = 2;
  options.profile = "head";
  return options;
}

TEST(ConvertOptions, JsonKeepsEveryField) {
  ConvertOptions exact;  // goes with few of the others
  exact.exact = true;
  const ConvertOptions defaults;
  std::set<std::string_view> tested;
  for (const ConvertOptions& before : {changed(), exact}) {
    const ConvertOptions after = ConvertOptions::from_json(before.to_json());
    for (const OptionSpec& spec : convert_option_table())
      std::visit(
          [&](auto member) {
            if (before.*member != defaults.*member) tested.insert(spec.name);
            EXPECT_EQ(after.*member, before.*member) << spec.name;
          },
          spec.field);
  }
  for (const OptionSpec& spec : convert_option_table()) EXPECT_TRUE(tested.count(spec.name)) << spec.name << " is not tested";
}

TEST(ConvertOptions, MissingJsonFieldsKeepTheirDefault) {
  const ConvertOptions options = ConvertOptions::from_json(R"({"key": 2})");
  EXPECT_EQ(options.key, 2);
  EXPECT_EQ(options.f0, "auto");
}

TEST(ConvertOptions, BadJsonIsRefused) {
  for (const char* text : {"", "[]", "{", R"({"pitch": 1})", R"({"key": "2"})", R"({"key_auto": 1})", R"({"seed": -1})", R"({"seed": 1.5})",
                           R"({"exact": true, "key_auto": true})", R"({"f0": 5})", R"({"key": 99})", R"({"f0": "guess"})"})
    EXPECT_THROW(ConvertOptions::from_json(text), Error) << text;
}

TEST(ConvertOptions, TheTableNamesEachFieldAndFlagOnce) {
  std::set<std::string_view> names, flags;
  for (const OptionSpec& spec : convert_option_table()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(spec.flag.empty() || flags.insert(spec.flag).second) << spec.flag;
    EXPECT_FALSE(spec.help.empty()) << spec.name;
  }
}

}  // namespace
}  // namespace voxconv
