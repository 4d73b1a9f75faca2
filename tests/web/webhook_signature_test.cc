#include "payments/webhook_signature.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace webwrap {
namespace {

/// What Stripe's own Python library says of these headers (scripts/goldens/make_stripe_signatures.py).
TEST(WebhookSignature, AgreesWithStripesLibrary) {
  std::ifstream file(VOXCONV_TEST_DATA "/web/stripe_signatures.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  ASSERT_GE(golden.at("vectors").size(), 20u);
  for (const auto& vector : golden.at("vectors")) {
    const SignatureCheck check =
        check_signature(vector.at("header"), vector.at("body"), vector.at("secrets"), golden.at("now"), golden.at("tolerance"));
    EXPECT_EQ(check == SignatureCheck::ok, vector.at("accepted").get<bool>()) << vector.at("name");
  }
}

TEST(WebhookSignature, SaysWhatIsWrong) {
  const std::string good = "t=100,v1=" + sign_webhook("secret", 100, "body");
  EXPECT_EQ(check_signature(good, "body", {"secret"}, 100, 300), SignatureCheck::ok);
  EXPECT_EQ(check_signature(good, "body", {"secret"}, 401, 300), SignatureCheck::too_old);
  EXPECT_EQ(check_signature(good, "Body", {"secret"}, 100, 300), SignatureCheck::mismatch);
  EXPECT_EQ(check_signature(good, "body", {}, 100, 300), SignatureCheck::mismatch);
  for (const std::string header : {"", ",", "t", "t=,v1=00", "t=1", "v1=00", "t=-1,v1=00", "t=1x,v1=00", "t=99999999999999999999,v1=00"})
    EXPECT_EQ(check_signature(header, "body", {"secret"}, 100, 300), SignatureCheck::malformed) << header;
}

TEST(WebhookSignature, EmptySecretsOpenNothing) {
  EXPECT_EQ(check_signature("t=100,v1=" + sign_webhook("", 100, "body"), "body", {""}, 100, 300), SignatureCheck::mismatch);
}

TEST(WebhookSignature, BodyMayHoldAnyBytes) {
  const std::string body("a\0b\xff\r\n", 6);
  const std::string header = "t=100,v1=" + sign_webhook("secret", 100, body);
  EXPECT_EQ(check_signature(header, body, {"secret"}, 100, 300), SignatureCheck::ok);
  EXPECT_EQ(check_signature(header, body.substr(0, 1), {"secret"}, 100, 300), SignatureCheck::mismatch);
}

}  // namespace
}  // namespace webwrap
