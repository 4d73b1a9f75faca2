#include "api/json_body.h"

#include <gmock/gmock.h>

#include <functional>

#include "domain/error.h"

namespace webwrap {
namespace {

using ::testing::HasSubstr;

http::Request request_of(const std::string& body, const std::string& type = "application/json") {
  http::Request request;
  request.headers["content-type"] = type;
  request.body = body;
  return request;
}

void expect_refused(int status, const std::string& word, const std::function<void()>& work) {
  try {
    work();
    ADD_FAILURE() << "nothing was refused: " << word;
  } catch (const ServiceError& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(word));
  }
}

TEST(JsonBody, ReadsWhatItIsAskedFor) {
  JsonBody body(request_of(R"({"t":" Ä b ","n":1.5,"i":-3,"f":true,"o":{"x":1},"l":"a\nb","s":" x ","none":null})",
                           "Application/JSON ; charset=utf-8"));
  EXPECT_EQ(body.text("t", 1, 3), "Ä b");
  EXPECT_EQ(body.number("n", 0, 2), 1.5);
  EXPECT_EQ(body.number("i", -3, 3), -3);
  EXPECT_TRUE(body.flag("f"));
  EXPECT_EQ(body.object("o").at("x"), 1);
  EXPECT_EQ(body.long_text("l", 1, 3), "a\nb");
  EXPECT_EQ(body.secret("s", 3), " x ");
  EXPECT_TRUE(body.has("t"));
  EXPECT_FALSE(body.has("none"));
  EXPECT_FALSE(body.optional_text("none", 1, 9));
  EXPECT_FALSE(body.optional_number("gone", 0, 1));
  EXPECT_FALSE(body.optional_flag("gone"));
  EXPECT_TRUE(body.object("gone").is_object());
  body.finish();
}

TEST(JsonBody, RefusesOtherBodies) {
  for (const char* type :
       {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; x=application/json"})
    expect_refused(415, "application/json", [&] { JsonBody body(request_of("{}", type)); });
  for (const char* text : {"", "{", "{'a':1}", "{\"a\":1} x", "\xff", "{\"a\":\"\xc3\"}", "{\"a\":NaN}"})
    expect_refused(400, "JSON", [&] { JsonBody body(request_of(text)); });
  for (const char* text : {"[]", "null", "3", "\"{}\""}) expect_refused(422, "object", [&] { JsonBody body(request_of(text)); });
}

TEST(JsonBody, NamesTheFieldThatIsWrong) {
  const http::Request request = request_of(R"({"t":"\u0007","long":"abcd","i":1.5,"f":1,"o":[],"lines":"a\nb"})");
  const auto refused = [&](const char* field, const std::function<void(JsonBody&)>& read) {
    expect_refused(422, std::string(field) + ": ", [&] {
      JsonBody body(request);
      read(body);
    });
  };
  refused("gone", [](JsonBody& body) { body.text("gone", 0, 9); });
  refused("t", [](JsonBody& body) { body.text("t", 1, 9); });
  refused("t", [](JsonBody& body) { body.long_text("t", 1, 9); });
  refused("lines", [](JsonBody& body) { body.text("lines", 1, 9); });
  refused("long", [](JsonBody& body) { body.text("long", 1, 3); });
  refused("long", [](JsonBody& body) { body.text("long", 5, 9); });
  refused("long", [](JsonBody& body) { body.secret("long", 3); });
  refused("i", [](JsonBody& body) { body.secret("i", 3); });
  refused("i", [](JsonBody& body) { body.number("i", 2, 9); });
  refused("f", [](JsonBody& body) { body.flag("f"); });
  refused("f", [](JsonBody& body) { body.optional_flag("f"); });
  refused("o", [](JsonBody& body) { body.object("o"); });
  refused("o", [](JsonBody& body) { body.number("o", 0, 1); });
}

TEST(JsonBody, RefusesUnknownFields) {
  const http::Request request = request_of(R"({"known":"x","more":1})");
  expect_refused(422, "more: ", [&] {
    JsonBody body(request);
    body.text("known", 1, 9);
    body.finish();
  });
  expect_refused(422, "more: ", [&] { JsonBody body(request, {"known"}); });
  EXPECT_EQ(JsonBody(request, {"known", "more"}).text("known", 1, 9), "x");
}

TEST(JsonBody, RefusesDeepNesting) {
  const auto nested = [](int levels) { return "{\"o\":{\"x\":" + std::string(levels, '[') + std::string(levels, ']') + "}}"; };
  EXPECT_NO_THROW(JsonBody(request_of(nested(10))).object("o"));
  for (const int levels : {20, 30'000}) expect_refused(422, "too deeply", [&] { JsonBody body(request_of(nested(levels))); });
}

}  // namespace
}  // namespace webwrap
