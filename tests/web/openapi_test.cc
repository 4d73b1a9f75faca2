#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "domain/limits.h"
#include "service.h"
#include "voxconv/options.h"

namespace webwrap {

extern const char openapi_text[];

namespace testing {
namespace {

using ::testing::IsSupersetOf;

const std::string prefix = "/api/v1";

json description() { return json::parse(openapi_text); }

std::set<std::string> described_operations() {
  std::set<std::string> operations;
  const json document = description();
  for (const auto& [path, item] : document.at("paths").items())
    for (const auto& [method, operation] : item.items()) operations.insert(method + " " + path);
  return operations;
}

std::set<std::string> served_operations() {
  Service service;
  add_all_routes(service.router, *service.context);
  std::set<std::string> operations;
  for (const http::Router::Route& route : service.router.routes()) {
    if (!route.pattern.starts_with(prefix + "/")) continue;
    std::string method = http::name_of(route.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    operations.insert(method + " " + route.pattern.substr(prefix.size()));
  }
  return operations;
}

/// The JSON schema of a row of the library's table of options.
json schema_of(const voxconv::OptionSpec& spec, const json& default_value) {
  using Kind = voxconv::OptionSpec::Kind;
  json schema = {{"description", spec.help}, {"default", default_value}};
  switch (spec.kind) {
    case Kind::number:
      schema.update({{"type", "number"}, {"minimum", spec.low}, {"maximum", spec.high}});
      if (!spec.unit.empty()) schema["x-unit"] = spec.unit;
      break;
    case Kind::integer:
      schema.update({{"type", "integer"}, {"minimum", std::uint64_t(spec.low)}});
      schema["maximum"] = spec.high > spec.low ? std::uint64_t(spec.high) : UINT64_MAX;
      if (!spec.unit.empty()) schema["x-unit"] = spec.unit;
      break;
    case Kind::flag: schema["type"] = "boolean"; break;
    case Kind::choice: schema.update({{"type", "string"}, {"enum", spec.choices}}); break;
    case Kind::path: break;
  }
  return schema;
}

/// Calls use(part) for the document and everything in it.
template <class Use>
void for_each_part(const json& part, const Use& use) {
  use(part);
  if (part.is_structured())
    for (const json& inner : part) for_each_part(inner, use);
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) { EXPECT_EQ(described_operations(), served_operations()); }

TEST(OpenApi, TakesTheLibrarysOptions) {
  const json defaults = json::parse(voxconv::ConvertOptions().to_json());
  json expected = json::object();
  for (const voxconv::OptionSpec& spec : voxconv::convert_option_table())
    if (spec.kind != voxconv::OptionSpec::Kind::path && !spec.local)
      expected[std::string(spec.name)] = schema_of(spec, defaults.at(std::string(spec.name)));
  EXPECT_EQ(description().at("/components/schemas/ConvertOptions/properties"_json_pointer), expected);
}

/// What the pages are told of limits, by domain/limits.h, is what requests are held to and what is described.
TEST(OpenApi, HoldsToTheLimitsOfTheService) {
  const json document = description();
  std::set<std::string> levels;
  for (const auto& [name, schema] : document.at("components").at("schemas").items())
    for_each_part(schema, [&, &name = name](const json& part) {
      for (const char* field : {"level_db", "music_db"}) {
        if (name == "Config" || !part.is_object() || !part.contains(field)) continue;
        if (!part.at(field).is_object() || !part.at(field).contains("maximum")) continue;
        levels.insert(name);
        EXPECT_EQ(part.at(field).at("minimum"), lowest_level_db) << name;
        EXPECT_EQ(part.at(field).at("maximum"), highest_level_db) << name;
      }
    });
  EXPECT_GE(levels.size(), 4u) << "renders, videos, publications, releases";
  const auto property = [&](const char* path) { return document.at("components").at("schemas").at(json::json_pointer(path)); };
  EXPECT_EQ(property("/ArtistProfile/properties/links/maxItems"), max_artist_links);

  Service service;
  add_operation_routes(service.router, *service.context);
  const json limits = body_of(Browser(service).send(Method::get, "/api/v1/config")).at("limits");
  EXPECT_EQ(limits, property("/Config/examples/0/limits"));
  EXPECT_EQ(limits.at("level_db"), (json{{"minimum", lowest_level_db}, {"maximum", highest_level_db}}));
  EXPECT_EQ(limits.at("artist_links"), max_artist_links);
}

TEST(OpenApi, EveryReferenceIsThere) {
  const json document = description();
  int references = 0;
  for_each_part(document, [&](const json& part) {
    if (!part.is_object() || !part.contains("$ref")) return;
    ++references;
    const std::string target = part.at("$ref");
    EXPECT_TRUE(target.starts_with("#/") && document.contains(json::json_pointer(target.substr(1)))) << target;
  });
  EXPECT_GT(references, 100);
}

TEST(OpenApi, EveryOperationSaysWhoMayAndWhatGoesWrong) {
  const json document = description();
  std::set<std::string> names;
  for (const auto& [path, item] : document.at("paths").items())
    for (const auto& [method, operation] : item.items()) {
      const std::string where = method + " " + path;
      EXPECT_TRUE(names.insert(operation.at("operationId")).second) << where;
      std::set<std::string> statuses;
      for (const auto& [status, response] : operation.at("responses").items()) statuses.insert(status);
      EXPECT_THAT(statuses, IsSupersetOf({"400", "503"})) << where;
      const json& security = operation.at("security");
      const bool open = security.empty() || std::find(security.begin(), security.end(), json::object()) != security.end();
      EXPECT_TRUE(open || statuses.count("401")) << where;
      EXPECT_TRUE(path.find("{id}") == std::string::npos || statuses.count("404")) << where;
      if (!operation.contains("requestBody")) continue;
      EXPECT_TRUE(statuses.count("413") && statuses.count("415")) << where;
      for (const auto& [type, content] : operation.at("requestBody").at("content").items()) {
        if (type != "application/json") continue;
        json schema = content.at("schema");
        if (schema.contains("$ref")) schema = document.at(json::json_pointer(schema.at("$ref").get<std::string>().substr(1)));
        EXPECT_EQ(schema.at("additionalProperties"), false) << where << ": unknown fields are refused";
        EXPECT_FALSE(schema.at("examples").empty()) << where;
      }
    }
}

}  // namespace
}  // namespace testing
}  // namespace webwrap
