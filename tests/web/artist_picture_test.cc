#include "worker/artist_picture.h"

#include <fstream>
#include <iterator>

#include "artist_testing.h"
#include "commands/commands.h"
#include "worker/audio_runner.h"
#include "worker/worker.h"

namespace webwrap::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// 1200 by 630 pixels.
std::string sample_png() { return read_file(std::string(WEBWRAP_SOURCE_DIR) + "/ui/og.png"); }

/// Width and height in a jpeg's frame header.
std::pair<int, int> size_of(const std::string& jpeg) {
  const auto byte = [&](std::size_t at) { return static_cast<int>(static_cast<unsigned char>(jpeg.at(at))); };
  for (std::size_t at = 2; at + 9 < jpeg.size(); at += 2 + std::size_t(byte(at + 2) * 256 + byte(at + 3)))
    if (byte(at + 1) >= 0xc0 && byte(at + 1) <= 0xc2) return {byte(at + 7) * 256 + byte(at + 8), byte(at + 5) * 256 + byte(at + 6)};
  return {};
}

/// A jpeg as a camera writes it: turned, and with where it was taken.
std::string with_exif(const std::string& jpeg, char orientation, const std::string& place) {
  std::string tiff("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
  tiff += orientation;
  tiff += std::string("\0\0\0\0\0\0", 6) + place;
  const std::string body = std::string("Exif\0\0", 6) + tiff;
  const std::size_t length = body.size() + 2;
  return jpeg.substr(0, 2) + "\xff\xe1" + static_cast<char>(length >> 8) + static_cast<char>(length & 255) + body + jpeg.substr(2);
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

std::string png_chunk(const std::string& name, const std::string& data) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : name + data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return big_endian(static_cast<std::uint32_t>(data.size())) + name + data + big_endian(~crc);
}

/// A file of a few bytes that says it is a picture of this size.
std::string bomb(std::uint32_t width, std::uint32_t height) {
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\x06\0\0\0", 5)) +
         png_chunk("IDAT", "\x78\x9c\x03") + png_chunk("IEND", "");
}

TEST(Picture, BecomesASquareInTwoSizes) {
  const SquarePicture made = square_picture(sample_png());
  EXPECT_EQ(size_of(made.large), std::pair(630, 630));
  EXPECT_EQ(size_of(made.small), std::pair(256, 256));
  EXPECT_EQ(size_of(square_picture(made.small).large), std::pair(256, 256)) << "nothing is blown up";
}

TEST(Picture, IsTurnedAsTheCameraSaysAndKeepsNothingElse) {
  const std::string plain = square_picture(sample_png()).large;
  const SquarePicture upright = square_picture(with_exif(plain, 1, "48.8584 N, 2.2945 E")),
                      turned = square_picture(with_exif(plain, 6, ""));
  EXPECT_EQ(upright.large, square_picture(plain).large);
  EXPECT_NE(turned.large, upright.large);
  EXPECT_EQ(size_of(turned.large), std::pair(630, 630));
  for (const std::string& made : {upright.large, upright.small}) {
    EXPECT_THAT(made, Not(HasSubstr("48.8584")));
    EXPECT_THAT(made, Not(HasSubstr("Exif")));
  }
}

TEST(Picture, ThatIsNoneIsRefused) {
  const std::string png = sample_png(), jpeg = square_picture(png).large;
  for (const std::string& bad : {std::string(), std::string("hello"), std::string("<svg xmlns='http://www.w3.org/2000/svg'/>"),
                                 std::string("GIF89a"), std::string("\xff\xd8\xff"), std::string("RIFF"), std::string("RIFF123"),
                                 std::string("RIFF\0\0\0\0WEBP", 12), png.substr(0, png.size() / 2), jpeg.substr(0, 200),
                                 bomb(30000, 30000), bomb(0xffffffff, 1), bomb(0, 0), bomb(6000, 6000), bomb(65535, 64), bomb(10, 10)})
    EXPECT_THROW(square_picture(bad), PermanentJobError) << bad.size();
}

/// Any bytes end in a picture or in a refusal.
TEST(Picture, ThatIsDamagedHarmsNothing) {
  const std::string png = sample_png(), jpeg = square_picture(png).large;
  std::uint32_t seed = 1;
  const auto random = [&] { return seed = seed * 1664525u + 1013904223u; };
  for (int round = 0; round < 60; ++round) {
    std::string bytes = round % 2 == 0 ? jpeg : with_exif(jpeg, static_cast<char>(random() >> 24), "x");
    for (int i = 0; i < 20; ++i) bytes[random() % (i < 10 ? 600 : bytes.size())] = static_cast<char>(random() >> 24);
    try {
      EXPECT_GE(size_of(square_picture(bytes).large).first, 64);
    } catch (const PermanentJobError&) {
    }
  }
}

struct PictureJob : ArtistTest {
  PictureJob() { become_artist(maria, "maria", "Maria"); }
  std::string send(const std::string& bytes) {
    const http::Response response = maria.send_raw(Method::put, "/api/v1/artist/picture", bytes, {{"content-type", "image/png"}});
    EXPECT_EQ(response.status, 202) << response.body;
    return body_of(response).at("job");
  }
  json work(const std::string& job) {
    AudioRunner runner(service.config, *service.store, *service.blobs);
    Worker(service.config, *service.store, *service.blobs, service.clock, runner, {}).work_one();
    return maria.get("/jobs/" + job);
  }
  std::size_t files() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(service.dir / "blobs"))
      count += entry.is_regular_file() && entry.path().string().find("artists") != std::string::npos;
    return count;
  }
};

TEST_F(PictureJob, ShowsWhatTheWorkerMade) {
  EXPECT_EQ(work(send(sample_png())).at("state"), "done");
  const http::Response shown = page("/a/maria/picture.jpg");
  EXPECT_EQ(shown.type, "image/jpeg");
  EXPECT_EQ(size_of(read_file(service.blobs->local_path(shown.file->key))), std::pair(630, 630));
  EXPECT_EQ(files(), 2u) << "nothing of the upload stays";
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(audit(service.config, true), 0);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("all 2 files are there"));
  const std::string before = get("/artists/maria").at("picture");
  EXPECT_EQ(work(send(sample_png())).at("state"), "done");
  EXPECT_NE(get("/artists/maria").at("picture"), before) << "caches see that it is another";
  EXPECT_EQ(files(), 2u) << "nor of the one before";
}

TEST_F(PictureJob, SaysWhatIsWrong) {
  const json job = work(send("no picture"));
  EXPECT_EQ(job.at("state"), "failed");
  EXPECT_THAT(job.at("failure").get<std::string>(), StartsWith("This file is no picture"));
  EXPECT_EQ(files(), 0u);
  EXPECT_TRUE(get("/artists/maria").at("picture").is_null());
}

TEST_F(PictureJob, OfAPageThatIsGivenUpLeavesNothing) {
  const std::string job = send(sample_png());
  maria.send(Method::del, "/api/v1/artist");
  work(job);
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace webwrap::testing
