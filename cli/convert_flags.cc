#include "convert_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdint>
#include <limits>

#include "voxconv/separate.h"

namespace voxconv::cli {
namespace {

constexpr const char* group = "Conversion";

std::string type_name(const OptionSpec& spec) {
  switch (spec.kind) {
    case OptionSpec::Kind::number: return fmt::format("{:g}..{:g}{}{}", spec.low, spec.high, spec.unit.empty() ? "" : " ", spec.unit);
    case OptionSpec::Kind::integer: return "N";
    case OptionSpec::Kind::choice: return fmt::format("{}", fmt::join(spec.choices, "|"));
    case OptionSpec::Kind::path: return "FILE";
    case OptionSpec::Kind::flag: return "";
  }
  return "";
}

void add_stereo(CLI::App& app, ConvertOptions& options) {
  app.add_option_function<std::string>(
         "--stereo", [&options](const std::string& text) { options.keep_stereo = text == "keep"; },
         "mid: mix the channels and convert that to mono; keep: convert each channel by itself")
      ->type_name("mid|keep")
      ->check(CLI::IsMember({"mid", "keep"}).description(""))
      ->default_str("mid")
      ->group(group);
}

}  // namespace

CLI::Option* add_key_flag(CLI::App& app, const std::string& flag, double& key, bool& key_auto, const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag,
          [flag, &key, &key_auto](const std::string& text) {
            key_auto = text == "auto";
            if (key_auto) return;
            const char *begin = text.data() + (text.starts_with('+') ? 1 : 0), *end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(begin, end, key);
            if (error != std::errc() || stop != end)
              throw CLI::ValidationError(flag, fmt::format("\"{}\" is neither a number of semitones nor auto.", text));
          },
          help)
      ->type_name("-36..36 semitones|auto");
}

CLI::Validator whole_number() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        std::uint64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && stop == end) return "";
        return fmt::format("\"{}\" is no whole number from 0 to {}.", text, std::numeric_limits<std::uint64_t>::max());
      },
      "");
}

void add_convert_flags(CLI::App& app, ConvertOptions& options) {
  for (const OptionSpec& spec : convert_option_table()) {
    if (spec.name == "key") {
      add_key_flag(app, "--key", options.key, options.key_auto, fmt::format("{}; auto: fit the source into the voice's range", spec.help))
          ->default_str("0")
          ->group(group);
    } else if (spec.name == "keep_stereo") {
      add_stereo(app, options);
    } else if (!spec.flag.empty()) {
      std::visit(
          [&](auto member) {
            const std::string flag = "--" + std::string(spec.flag), help(spec.help);
            if constexpr (std::is_same_v<decltype(member), bool ConvertOptions::*>) {
              app.add_flag(flag, options.*member, help)->group(group);
            } else {
              CLI::Option* option = app.add_option(flag, options.*member, help);
              option->type_name(type_name(spec))->group(group);
              if (spec.kind != OptionSpec::Kind::path) option->capture_default_str();
              if (std::is_same_v<decltype(member), std::uint64_t ConvertOptions::*>) option->check(whole_number());
            }
          },
          spec.field);
    }
  }
}

void add_separator_flags(CLI::App& app, std::string& model, std::string& settings, const std::string& heading) {
  CLI::Option* name =
      app.add_option("--model", model,
                     fmt::format("How the vocals are found: {}, a separator of \"voxconv models list\", or a file of another "
                                 "program (.th, .ckpt, .pth, .safetensors, .yaml)",
                                 fmt::join(separators(), ", ")));
  name->type_name("MODEL")->capture_default_str();
  CLI::Option* beside = app.add_option("--model-config", settings, "The .yaml of a --model file; else the one beside it");
  beside->type_name("FILE");
  if (heading.empty()) return;
  name->group(heading);
  beside->group(heading);
}

}  // namespace voxconv::cli
