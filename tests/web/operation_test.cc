// What operators and clients ask of the service itself.
#include <gmock/gmock.h>

#include "service.h"
#include "voxconv/options.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Operation : public ::testing::Test {
 protected:
  Operation() {
    add_operation_routes(service_.router, *service_.context);
    add_account_routes(service_.router, *service_.context);
  }
  std::string metrics() { return browser_.send(Method::get, "/metrics").body; }

  Service service_;
  Browser browser_{service_};
};

TEST_F(Operation, CountsAnswersByRouteAndStatus) {
  EXPECT_EQ(body_of(browser_.send(Method::get, "/healthz")).at("status"), "ok");
  browser_.send(Method::get, "/healthz");
  browser_.send(Method::get, "/api/v1/account");  // not signed in
  browser_.send(Method::get, "/secret/place/of/somebody");
  const std::string text = metrics();
  EXPECT_THAT(text, HasSubstr("webwrap_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("webwrap_requests_total{method=\"GET\",route=\"/api/v1/account\",status=\"401\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("webwrap_requests_total{method=\"GET\",route=\"\",status=\"404\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("webwrap_request_seconds_bucket{route=\"/healthz\",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("webwrap_request_seconds_count{route=\"/healthz\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(text, Not(HasSubstr("somebody")));
}

TEST_F(Operation, SaysThatTheDiskIsFull) {
  EXPECT_EQ(browser_.send(Method::get, "/healthz").status, 200);
  service_.free_bytes = (1 << 20) - 1;
  const http::Response response = browser_.send(Method::get, "/healthz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(body_of(response).at("status"), "disk_full");
  EXPECT_THAT(metrics(), HasSubstr("webwrap_disk_free_bytes 1048575\n"));
}

TEST_F(Operation, TellsTheQueue) {
  EXPECT_THAT(metrics(), HasSubstr("webwrap_jobs{state=\"queued\"} 0\n"));
  EXPECT_THAT(metrics(), HasSubstr("webwrap_voices_waiting 0\n"));
  Account account;
  account.id = new_id();
  Job job;
  job.id = new_id();
  job.account = account.id;
  job.kind = Job::Kind::analyse;
  service_.store->write([&](Transaction& transaction) {
    transaction.accounts().add(account);
    transaction.jobs().add(job);
  });
  EXPECT_THAT(metrics(), HasSubstr("webwrap_jobs{state=\"queued\"} 1\n"));
}

TEST_F(Operation, TellsClientsWhatIsOffered) {
  service_.config.packs = {{"one", "1 credit", 1, 99}};
  service_.config.contact = "help@example.org";
  const json config = body_of(browser_.send(Method::get, "/api/v1/config"));
  EXPECT_EQ(config.at("packs"), json::parse(R"([{"id": "one", "title": "1 credit", "credits": 1, "amount": 99}])"));
  EXPECT_EQ(config.at("shop"), false);
  EXPECT_EQ(config.at("contact"), "help@example.org");
  EXPECT_EQ(config.at("max_upload_bytes"), service_.config.max_upload_bytes);
  EXPECT_EQ(config.at("guest_max_upload_bytes"), service_.config.guest_upload_bytes);
  EXPECT_THAT(config.dump(), Not(HasSubstr("secret")));
  const voxconv::ConvertOptions defaults;
  EXPECT_EQ(config.at("options").at("pause_db"), json({{"default", defaults.pause_db}, {"minimum", 0}, {"maximum", 60}}));
  EXPECT_EQ(config.at("options").at("keep_stereo"), json({{"default", false}}));
  EXPECT_FALSE(config.at("options").contains("f0_file")) << "paths are the server's";
}

TEST_F(Operation, GivesItsDescription) {
  EXPECT_TRUE(body_of(browser_.send(Method::get, "/api/v1/openapi.json")).at("openapi").get<std::string>().starts_with("3."));
}

}  // namespace
}  // namespace webwrap::testing
