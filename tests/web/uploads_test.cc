// Uploads by tus 1.0: core, creation, expiration, termination.
#include "api/uploads.h"

#include <gmock/gmock.h>
#include <sodium.h>

#include <fstream>

#include "api/quick_jobs.h"
#include "service.h"

namespace webwrap::testing {
namespace {

using http::Response;
using ::testing::HasSubstr;

class Uploads : public ::testing::Test {
 protected:
  Uploads() {
    add_account_routes(service_.router, *service_.context);
    add_upload_routes(service_.router, *service_.context);
    browser_.send(Method::post, "/api/v1/guests", json::object());
  }

  Response create(std::map<std::string, std::string> headers, Browser* browser = nullptr) {
    headers.emplace("tus-resumable", "1.0.0");
    return (browser ? *browser : browser_).send_raw(Method::post, "/api/v1/uploads", "", headers);
  }
  std::string created(std::int64_t size) { return header(create({{"upload-length", std::to_string(size)}}), "Location"); }
  Response patch(const std::string& place, std::int64_t offset, const std::string& body, Browser* browser = nullptr) {
    return (browser ? *browser : browser_)
        .send_raw(
            Method::patch, place, body,
            {{"tus-resumable", "1.0.0"}, {"upload-offset", std::to_string(offset)}, {"content-type", "application/offset+octet-stream"}});
  }
  Response look(const std::string& place) { return browser_.send_raw(Method::head, place, "", {{"tus-resumable", "1.0.0"}}); }
  static std::string header(const Response& response, const char* name) {
    const std::string* value = response.find_header(name);
    return value ? *value : "(none)";
  }
  static std::string code(const Response& response) { return body_of(response).at("code"); }
  Recording recording(const std::string& place) {
    std::optional<Recording> found;
    service_.store->read([&](Transaction& transaction) { found = transaction.recordings().find(place.substr(place.rfind('/') + 1)); });
    return found.value_or(Recording());
  }
  int queued() {
    int count = 0;
    service_.store->read([&](Transaction& transaction) { count = transaction.jobs().queued_count(); });
    return count;
  }

  Service service_;
  Browser browser_{service_};
};

TEST_F(Uploads, SayWhatTheyCanDo) {
  const Response response = browser_.send(Method::options, "/api/v1/uploads");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(header(response, "Tus-Version"), "1.0.0");
  EXPECT_EQ(header(response, "Tus-Extension"), "creation,expiration,termination");
  EXPECT_EQ(header(response, "Tus-Max-Size"), std::to_string(service_.config.max_upload_bytes));
}

TEST_F(Uploads, ComeInPartsAndGoToTheWorkers) {
  const Response response = create({{"upload-length", "10"}, {"upload-metadata", "filetype YQ==,filename Li4vLi4vTcO8bGxlci5tcDM="}});
  EXPECT_EQ(response.status, 201);
  EXPECT_THAT(header(response, "Upload-Expires"), HasSubstr(" GMT"));
  const std::string place = header(response, "Location");
  EXPECT_EQ(recording(place).name, "Müller.mp3");
  EXPECT_EQ(header(look(place), "Upload-Offset"), "0");
  EXPECT_EQ(header(look(place), "Upload-Length"), "10");

  const Response first = patch(place, 0, "01234");
  EXPECT_EQ(first.status, 204);
  EXPECT_EQ(header(first, "Upload-Offset"), "5");
  EXPECT_EQ(header(look(place), "Upload-Offset"), "5");
  EXPECT_EQ(recording(place).state, Recording::State::uploading);
  EXPECT_EQ(queued(), 0);

  EXPECT_EQ(patch(place, 5, "56789").status, 204);
  EXPECT_EQ(recording(place).state, Recording::State::analysing);
  EXPECT_EQ(queued(), 1);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "10");
  EXPECT_EQ(service_.blobs->read(recording(place).blob, 0, 100), "0123456789");
  EXPECT_EQ(patch(place, 10, "").status, 204);  // a client that did not get the last answer
  EXPECT_EQ(queued(), 1);
}

TEST_F(Uploads, ComeFromFilesToo) {
  const std::string text(2'500'000, 'x');
  std::ofstream(service_.dir / "body") << text;
  const std::string place = created(2'500'000);
  http::Request request;
  request.method = Method::patch;
  request.path = place;
  request.cookies = browser_.cookies;
  request.headers = {{"sec-fetch-site", "same-origin"},
                     {"tus-resumable", "1.0.0"},
                     {"upload-offset", "0"},
                     {"content-type", "application/offset+octet-stream"}};
  request.body_file = service_.dir / "body";
  EXPECT_EQ(service_.router.handle(request).status, 204);
  EXPECT_EQ(service_.blobs->read(recording(place).blob, 0, 3'000'000), text);
  EXPECT_EQ(recording(place).state, Recording::State::analysing);
}

TEST_F(Uploads, RefusePartsThatDoNotFit) {
  const std::string place = created(10);
  EXPECT_EQ(code(patch(place, 3, "abc")), "wrong_offset");
  EXPECT_EQ(patch(place, 3, "abc").status, 409);
  EXPECT_EQ(patch(place, 0, "0123456789A").status, 413);
  EXPECT_EQ(patch(place, 0, "012").status, 204);
  EXPECT_EQ(patch(place, 0, "012").status, 409);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "3");
  const auto raw = [&](std::map<std::string, std::string> headers) {
    return browser_.send_raw(Method::patch, place, "x", std::move(headers)).status;
  };
  EXPECT_EQ(raw({{"upload-offset", "3"}, {"content-type", "application/offset+octet-stream"}}), 412);
  EXPECT_EQ(raw({{"tus-resumable", "0.2.2"}, {"upload-offset", "3"}, {"content-type", "application/offset+octet-stream"}}), 412);
  EXPECT_EQ(raw({{"tus-resumable", "1.0.0"}, {"upload-offset", "3"}, {"content-type", "audio/mpeg"}}), 415);
  EXPECT_EQ(raw({{"tus-resumable", "1.0.0"}, {"content-type", "application/offset+octet-stream"}}), 400);
  EXPECT_EQ(raw({{"tus-resumable", "1.0.0"}, {"upload-offset", "-3"}, {"content-type", "application/offset+octet-stream"}}), 400);
  EXPECT_EQ(recording(place).offset, 3);
}

TEST_F(Uploads, AreLimited) {
  EXPECT_EQ(create({}).status, 400);
  EXPECT_EQ(create({{"upload-length", "ten"}}).status, 400);
  EXPECT_EQ(create({{"upload-length", "0"}}).status, 422);
  EXPECT_EQ(create({{"upload-length", "5"}, {"upload-metadata", "filename !!!"}}).status, 400);
  service_.config.max_upload_bytes = 1000;
  service_.config.guest_upload_bytes = 100;
  service_.config.guest_quota_bytes = 250;
  const Response large = create({{"upload-length", "101"}});
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(body_of(large).at("detail"), HasSubstr("without an account"));
  EXPECT_EQ(create({{"upload-length", "100"}}).status, 201);
  EXPECT_EQ(create({{"upload-length", "100"}}).status, 201);
  EXPECT_EQ(code(create({{"upload-length", "100"}})), "quota_exceeded");  // declared sizes count
  EXPECT_EQ(create({{"upload-length", "50"}}).status, 201);
}

TEST_F(Uploads, OfGuestsHaveLessRoom) {
  service_.config.guest_quota_bytes = 100;
  service_.config.quota_bytes = 1000;
  const Response refused = create({{"upload-length", "101"}});
  EXPECT_EQ(code(refused), "quota_exceeded");
  EXPECT_THAT(body_of(refused).at("detail"), HasSubstr("guest"));
  Browser member(service_);
  member.send(Method::post, "/api/v1/accounts", {{"email", "ann@example.org"}, {"password", "seven quiet otters"}});
  EXPECT_EQ(create({{"upload-length", "101"}}, &member).status, 201);
}

TEST_F(Uploads, AreBegunAFewTimesAnHour) {
  for (int i = 0; i < 60; ++i) EXPECT_EQ(create({{"upload-length", "5"}}).status, 201);
  EXPECT_EQ(code(create({{"upload-length", "5"}})), "too_many_requests");
  Browser other(service_);
  other.send(Method::post, "/api/v1/guests", json::object());
  EXPECT_EQ(create({{"upload-length", "5"}}, &other).status, 201);
  service_.clock.time += 3600;
  EXPECT_EQ(create({{"upload-length", "5"}}).status, 201);
}

/// Analyses go before what others have paid for.
TEST_F(Uploads, AreNotAllLookedAtAtOnce) {
  service_.config.max_quick_jobs = 2;
  const std::string late = created(3);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(patch(created(3), 0, "abc").status, 204);
  const Response refused = create({{"upload-length", "3"}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(code(refused), "too_many_jobs");
  EXPECT_EQ(patch(late, 0, "ab").status, 204);
  EXPECT_EQ(patch(late, 2, "c").status, 429);
  EXPECT_EQ(header(look(late), "Upload-Offset"), "2");
  EXPECT_EQ(queued(), 2);
  service_.store->write([&](Transaction& transaction) {
    const Job job = transaction.jobs().claim("w", service_.clock.up(), 60, 3, service_.clock.now()).value();
    transaction.jobs().finish(job.id, 1, "w", Job::State::done, "", "", service_.clock.now());
  });
  EXPECT_EQ(patch(late, 2, "c").status, 204);
}

TEST_F(Uploads, LeaveRoomOnTheDisk) {
  add_recording_routes(service_.router, *service_.context);
  const std::string place = created(100);
  service_.free_bytes = (1 << 20) + 50;
  const Response refused = create({{"upload-length", "51"}});
  EXPECT_EQ(refused.status, 507);
  EXPECT_EQ(code(refused), "disk_full");
  EXPECT_EQ(patch(place, 0, std::string(51, 'x')).status, 507);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "0");
  EXPECT_EQ(patch(place, 0, std::string(50, 'x')).status, 204);
  service_.free_bytes = 0;
  const std::string blob = recording(place).blob;
  EXPECT_EQ(service_.blobs->size(blob), 50);
  EXPECT_EQ(browser_.send(Method::del, "/api/v1/recordings/" + place.substr(place.rfind('/') + 1)).status, 204) << "always works";
  EXPECT_EQ(service_.blobs->size(blob), -1);
}

TEST_F(Uploads, AreNotAllLookedAtAtOnceHoweverTheyEndTogether) {
  BlobsWithHooks blobs(*service_.blobs);
  Context context{service_.config,    *service_.store, blobs,         service_.mailer,
                  *service_.payments, service_.clock,  service_.disk, *service_.connect};
  service_.router = http::Router();
  add_upload_routes(service_.router, context);
  service_.config.max_quick_jobs = 1;
  const std::string one = created(3), other = created(3);
  blobs.before_append = [&] { EXPECT_EQ(patch(other, 0, "abc").status, 204); };  // both were let in
  const Response late = patch(one, 0, "abc");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(code(late), "too_many_jobs");
  EXPECT_EQ(queued(), 1);
  EXPECT_EQ(look(one).status, 429);
  service_.store->write([&](Transaction& transaction) {
    const Job job = transaction.jobs().claim("w", service_.clock.up(), 60, 3, service_.clock.now()).value();
    transaction.jobs().finish(job.id, 1, "w", Job::State::done, "", "", service_.clock.now());
  });
  EXPECT_EQ(header(look(one), "Upload-Offset"), "3");  // nothing is sent again
  EXPECT_EQ(recording(one).state, Recording::State::analysing);
  EXPECT_EQ(queued(), 1);
}

TEST_F(Uploads, OfOneAccountDoNotAllGoBeforePaidConversions) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(patch(created(3), 0, "abc").status, 204);
  const Id account = recording(created(3)).account;
  std::vector<int> priorities;
  service_.store->read([&](Transaction& transaction) {
    for (const Job& job : transaction.jobs().list(account, 10)) priorities.push_back(job.priority);
  });
  EXPECT_THAT(priorities, ::testing::ElementsAre(free_priority, free_priority, quick_priority, quick_priority));
}

TEST_F(Uploads, BelongToWhoMadeThem) {
  const std::string place = created(3);
  Browser other(service_), nobody(service_);
  other.send(Method::post, "/api/v1/guests", json::object());
  EXPECT_EQ(patch(place, 0, "abc", &other).status, 404);
  EXPECT_EQ(other.send_raw(Method::head, place, "", {{"tus-resumable", "1.0.0"}}).status, 404);
  EXPECT_EQ(other.send_raw(Method::del, place, "", {{"tus-resumable", "1.0.0"}}).status, 404);
  EXPECT_EQ(patch(place, 0, "abc", &nobody).status, 401);
  EXPECT_EQ(create({{"upload-length", "3"}}, &nobody).status, 401);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "0");
}

TEST_F(Uploads, CanBeGivenUp) {
  const std::string place = created(10);
  patch(place, 0, "012");
  const std::string blob = recording(place).blob;
  EXPECT_EQ(browser_.send_raw(Method::del, place, "", {{"tus-resumable", "1.0.0"}}).status, 204);
  EXPECT_EQ(service_.blobs->size(blob), -1);
  EXPECT_EQ(look(place).status, 404);
  EXPECT_EQ(patch(place, 3, "345").status, 404);
  const std::string whole = created(3);
  patch(whole, 0, "012");
  EXPECT_EQ(browser_.send_raw(Method::del, whole, "", {{"tus-resumable", "1.0.0"}}).status, 409);
}

TEST_F(Uploads, ExpireUnlessTheyGoOn) {
  const std::string place = created(10);
  service_.clock.time += service_.config.upload_expires_s - 1;
  EXPECT_EQ(patch(place, 0, "012").status, 204);  // begins the time anew
  service_.clock.time += service_.config.upload_expires_s - 1;
  EXPECT_EQ(clean_up_uploads(*service_.context), 0);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "3");
  service_.clock.time += 1;
  EXPECT_EQ(patch(place, 3, "345").status, 410);
  const std::string blob = recording(place).blob;
  EXPECT_EQ(clean_up_uploads(*service_.context), 1);
  EXPECT_EQ(service_.blobs->size(blob), -1);
  EXPECT_EQ(look(place).status, 404);
}

TEST_F(Uploads, RecoverAfterACrashBetweenTheBlobAndTheDatabase) {
  const std::string place = created(6);
  patch(place, 0, "01");
  service_.blobs->append(recording(place).blob, 2, "23");  // what a dying process wrote
  EXPECT_EQ(recording(place).offset, 2);
  EXPECT_EQ(header(look(place), "Upload-Offset"), "4");
  EXPECT_EQ(patch(place, 2, "23").status, 409);
  EXPECT_EQ(patch(place, 4, "45").status, 204);
  EXPECT_EQ(recording(place).state, Recording::State::analysing);
}

TEST_F(Uploads, RecoverAfterACrashAtTheLastByte) {
  const std::string asked = created(4), forgotten = created(4);
  service_.blobs->append(recording(asked).blob, 0, "0123");
  service_.blobs->append(recording(forgotten).blob, 0, "0123");
  EXPECT_EQ(header(look(asked), "Upload-Offset"), "4");
  EXPECT_EQ(recording(asked).state, Recording::State::analysing);
  EXPECT_EQ(queued(), 1);
  service_.clock.time += service_.config.upload_expires_s;
  EXPECT_EQ(clean_up_uploads(*service_.context), 0);
  EXPECT_EQ(recording(forgotten).state, Recording::State::analysing);
  EXPECT_EQ(queued(), 2);
}

/// What is sung to a song says to which, and from where on.
TEST_F(Uploads, MayHaveBeenSungToAnotherRecording) {
  const auto encoded = [](const std::string& text) {
    std::string out(sodium_base64_ENCODED_LEN(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    ::sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                        sodium_base64_VARIANT_ORIGINAL);
    return std::string(out.c_str());
  };
  const std::string song = created(10);
  const Id backing = song.substr(song.rfind('/') + 1);
  const auto begin = [&](const std::string& start, const std::string& part, Browser* browser = nullptr) {
    return create({{"upload-length", "10"},
                   {"upload-metadata", "backing " + encoded(backing) + ",filename " + encoded("take.wav") + ",backing_start_s " +
                                           encoded(start) + ",backing_part " + encoded(part)}},
                  browser);
  };
  EXPECT_EQ(begin("1.5", "music").status, 422) << "it is not ready";
  Recording ready = recording(song);
  ready.state = Recording::State::ready;
  ready.duration_s = 60;
  service_.store->write([&](Transaction& transaction) { transaction.recordings().update(ready); });
  for (const auto& [start, part] :
       {std::pair{"-1", "music"}, {"61", "music"}, {"nan", "music"}, {"1x", "all"}, {"", "all"}, {"1", "drums"}})
    EXPECT_EQ(begin(start, part).status, 422) << start << part;
  Browser stranger(service_);
  stranger.send(Method::post, "/api/v1/guests", json::object());
  EXPECT_EQ(begin("1.5", "all", &stranger).status, 422);
  const Response response = begin("1.5", "all");
  ASSERT_EQ(response.status, 201) << response.body;
  const Recording take = recording(header(response, "Location"));
  EXPECT_EQ(take.name, "take.wav");
  EXPECT_EQ(take.backing, backing);
  EXPECT_EQ(take.backing_start_s, 1.5);
  EXPECT_TRUE(take.backing_whole);
}

/// What a recording was taken apart into counts as well.
TEST_F(Uploads, ShareTheQuotaWithStems) {
  service_.config.guest_quota_bytes = 100;
  const std::string song = created(40);
  Recording found = recording(song);
  found.stems_bytes = 50;
  service_.store->write([&](Transaction& transaction) { transaction.recordings().update(found); });
  EXPECT_EQ(code(create({{"upload-length", "11"}})), "quota_exceeded");
  EXPECT_EQ(create({{"upload-length", "10"}}).status, 201);
}

}  // namespace
}  // namespace webwrap::testing
