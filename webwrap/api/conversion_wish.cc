#include "api/conversion_wish.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/owned.h"
#include "api/voice_list.h"
#include "voxconv/error.h"
#include "voxconv/f0.h"
#include "voxconv/options.h"

namespace webwrap {
namespace {

constexpr double rounding_s = 0.5;  ///< clients round the end of a recording

bool is_own_business(const voxconv::OptionSpec& spec) { return spec.kind == voxconv::OptionSpec::Kind::path || spec.local; }

}  // namespace

ConversionWish read_wish(const Context& context, const Account& account, JsonBody& body) {
  ConversionWish wish;
  std::optional<Recording> recording;
  const std::string id = body.text("recording", 1, 64);
  context.store.read([&](Transaction& transaction) { recording = transaction.recordings().find(id); });
  if (!recording || recording->account != account.id) fail_field("recording", "there is no such recording of yours.");
  if (recording->state == Recording::State::failed) fail_field("recording", recording->failure);
  if (recording->state != Recording::State::ready)
    throw ServiceError(409, "not_ready", "This recording has not been looked at yet; try again when its state is ready.");
  wish.recording = *recording;

  const auto voice = find_voice(body.text("voice", 1, 64));
  if (!voice) fail_field("voice", "there is no such voice; GET /api/v1/voices lists them.");
  wish.voice = *voice;

  const double whole = recording->duration_s;
  wish.preview = body.optional_flag("preview").value_or(false);
  wish.start_s = body.optional_number("start_s", 0, whole).value_or(0);
  wish.end_s = std::min(whole, body.optional_number("end_s", 0, whole + rounding_s).value_or(whole));
  if (wish.seconds() < std::min(Recording::shortest_s, whole))
    fail_field("end_s", fmt::format("the part from {:.2f} to {:.2f} s is shorter than half a second.", wish.start_s, wish.end_s));
  if (wish.preview) wish.end_s = std::min(wish.end_s, wish.start_s + context.config.preview_s);
  wish.price = wish.preview ? 0 : price_of(wish.seconds(), context.config.credits_per_minute);
  return wish;
}

nlohmann::json read_options(const nlohmann::json& wanted) {
  const auto& table = voxconv::convert_option_table();
  for (const voxconv::OptionSpec& spec : table)
    if (is_own_business(spec) && wanted.contains(spec.name))
      fail_field(fmt::format("options.{}", spec.name), "this cannot be chosen here.");
  if (const auto wish = wanted.find("f0"); wish != wanted.end() && wish->is_string()) {
    const auto all = voxconv::f0_estimators(), here = voxconv::installed_f0_estimators();
    const auto has = [&](const auto& names) { return std::find(names.begin(), names.end(), wish->get<std::string>()) != names.end(); };
    if (has(all) && !has(here))
      fail_field("options.f0", fmt::format("this is not installed here; choose one of {}.", fmt::join(here, ", ")));
  }
  try {
    auto options = nlohmann::json::parse(voxconv::ConvertOptions::from_json(wanted.dump()).to_json());
    for (const voxconv::OptionSpec& spec : table)
      if (is_own_business(spec)) options.erase(std::string(spec.name));
    return options;
  } catch (const voxconv::Error& error) {
    fail_field("options", error.what());
  }
}

}  // namespace webwrap
