#include "worker/picture.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "artist_testing.h"
#include "commands/commands.h"
#include "picture_testing.h"
#include "voxconv/error.h"
#include "voxconv/process.h"
#include "worker/audio_runner.h"
#include "worker/picture_process.h"
#include "worker/worker.h"

namespace webwrap::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

const bool ffmpeg_is_restrained = (voxconv::prepare_process(), true);  // as in a worker

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// 1200 by 630 pixels.
std::string sample_png() { return read_file(std::string(WEBWRAP_SOURCE_DIR) + "/ui/og.png"); }

/// 320 by 300 pixels: the left half red, the right one blue, a white square in the upper left corner.
std::string sample_webp() {
  constexpr std::string_view hex =
      "5249464646000000574542505650384c390000002f3fc14a0017201048da1f7a0d0141d1ffd1acfffc073f0514b56d038de4481669d5f715d1ff09782aa8273b"
      "ff1516909dffe6bff96ffef32600";
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

std::string number(std::uint32_t value, int size) {
  std::string bytes;
  for (int shift = 8 * size - 8; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

std::string exif(int orientation, const std::string& place = "") {
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01", 18) + number(std::uint32_t(orientation), 2) + std::string(6, '\0') +
         place;
}

std::string jpeg_segment(const std::string& marker, const std::string& data) {
  return "\xff" + marker + number(std::uint32_t(data.size() + 2), 2) + data;
}

std::string png_chunk(const std::string& name, const std::string& data) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : name + data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return number(std::uint32_t(data.size()), 4) + name + data + number(~crc, 4);
}

std::string webp_chunk(const std::string& name, const std::string& data) {
  std::string size = number(std::uint32_t(data.size()), 4);
  std::reverse(size.begin(), size.end());
  return name + size + data + std::string(data.size() % 2, '\0');
}

/// A JPEG as a camera writes it: turned, and with where it was taken.
std::string jpeg_with_exif(const std::string& jpeg, int orientation, const std::string& place = "") {
  return jpeg.substr(0, 2) + jpeg_segment("\xe1", std::string("Exif\0\0", 6) + exif(orientation, place)) + jpeg.substr(2);
}

std::string png_with(const std::string& png, const std::string& name, const std::string& data) {
  return png.substr(0, 33) + png_chunk(name, data) + png.substr(33);
}

std::string webp_with_exif(const std::string& webp, int orientation) {
  const std::string size("\x3f\x01\0\x2b\x01\0", 6);  // 320 by 300, less one
  const std::string chunks =
      webp_chunk("VP8X", std::string("\x08\0\0\0", 4) + size) + webp.substr(12) + webp_chunk("EXIF", exif(orientation));
  return webp_chunk("RIFF", "WEBP" + chunks);
}

/// Pictures that stand still, as a film.
std::string moving_webp(const std::string& webp) {
  const std::string size("\x3f\x01\0\x2b\x01\0", 6);  // 320 by 300, less one
  const std::string frame = webp_chunk("ANMF", std::string(6, '\0') + size + std::string("\x64\0\0\0", 4) + webp.substr(12));
  return webp_chunk(
      "RIFF", "WEBP" + webp_chunk("VP8X", std::string("\x02\0\0\0", 4) + size) + webp_chunk("ANIM", std::string(6, '\0')) + frame + frame);
}

/// Red all over, in 30 bytes, whatever its size.
std::string red_webp(std::uint32_t width, std::uint32_t height) {
  std::vector<bool> bits;
  const auto add = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bits.push_back(value >> i & 1);
  };
  add(width - 1, 14);
  add(height - 1, 14);
  add(0, 7);                                                // neither transforms nor caches
  for (const std::uint32_t colour : {0, 255, 0, 255, 0}) {  // green, red, blue, alpha, distance
    add(colour == 0 ? 1 : 5, 3);                            // a code of one value
    add(colour, colour == 0 ? 1 : 8);
  }
  std::string data(1 + (bits.size() + 7) / 8, '\0');
  data[0] = 0x2f;
  for (std::size_t i = 0; i < bits.size(); ++i) data[1 + i / 8] = static_cast<char>(data[1 + i / 8] | bits[i] << i % 8);
  return webp_chunk("RIFF", "WEBP" + webp_chunk("VP8L", data));
}

/// One row of red, green, blue and alpha.
std::string png_of(const std::string& pixels, std::uint32_t width, std::uint32_t height = 1, char bits = 8) {
  const std::string row = std::string(1, '\0') + pixels;
  std::uint32_t a = 1, b = 0;
  for (const char c : row) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  const char size = static_cast<char>(row.size());
  const std::string stored =
      std::string("\x78\x01\x01", 3) + size + '\0' + static_cast<char>(~size) + '\xff' + row + number(b << 16 | a, 4);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", number(width, 4) + number(height, 4) + bits + std::string("\x06\0\0\0", 4)) +
         png_chunk("IDAT", stored) + png_chunk("IEND", "");
}

/// A progressive gray JPEG that goes over its pixels again and again, in 14 bytes each time. Who trusts the lengths that it
/// tells sees one scan: the others are in segments of tables, too short for one, in which FFmpeg looks for the next marker.
std::string jpeg_of_hidden_scans(int scans, std::uint32_t side = 320) {
  const std::string one_code = std::string("\x01", 1) + std::string(15, '\0');  // a table of one code of one bit
  std::string jpeg = "\xff\xd8" + jpeg_segment("\xdb", std::string(1, '\0') + std::string(64, '\x10')) +
                     jpeg_segment("\xc2", "\x08" + number(side, 2) + number(side, 2) + std::string("\x01\x01\x11\0", 4)) +
                     jpeg_segment("\xc4", std::string(1, '\0') + one_code + '\0') + jpeg_segment("\xc4", "\x10" + one_code + '\xe0') +
                     jpeg_segment("\xda", std::string("\x01\x01\0\0\0\0", 6)) + std::string(side * side / 512, '\0');
  const std::string scan = jpeg_segment("\xda", std::string("\x01\x01\0\x01\x3f\0", 6)) + std::string("\0\x01\0\0", 4);
  for (int i = 1; i < scans; i += 4) jpeg += jpeg_segment("\xdb", scan + scan + scan + scan);
  return jpeg + "\xff\xd9";
}

/// Numbers that FFmpeg makes text of: each of the tags has the same 57,000.
std::string jpeg_of_long_tags(const std::string& jpeg, int tags) {
  std::string data = std::string("MM\0*\0\0\0\x08", 8) + number(std::uint32_t(tags), 2);
  for (int i = 0; i < tags; ++i) data += number(std::uint32_t(0xa500 + i), 2) + number(1, 2) + number(57'000, 4) + number(8, 4);
  data.resize(58'000, '\xff');
  return jpeg.substr(0, 2) + jpeg_segment("\xe1", std::string("Exif\0\0", 6) + data) + jpeg.substr(2);
}

/// Where a JPEG's frame header begins.
std::size_t frame_of(const std::string& jpeg) {
  const auto at = jpeg.find("\xff\xc0");
  EXPECT_NE(at, std::string::npos) << "it is baseline";
  return at;
}

/// The left half red, the right one blue, a white square in the upper left corner.
Pixels marked(int width, int height) {
  Pixels pixels = gradient(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = &pixels.bytes[std::size_t(y) * pixels.stride() + std::size_t(x) * 4];
      const bool white = x < width / 4 && y < height / 4;
      pixel[0] = white || 2 * x >= width ? 255 : 0;
      pixel[1] = white ? 255 : 0;
      pixel[2] = white || 2 * x < width ? 255 : 0;
    }
  return pixels;
}

bool is_near(unsigned colour, unsigned wanted) {
  for (int shift = 0; shift < 24; shift += 8)
    if (std::abs(int(colour >> shift & 255) - int(wanted >> shift & 255)) > 12) return false;
  return true;
}

TEST(Picture, BecomesASquare) {
  const Pixels back = decode_picture(encode_jpeg(gradient(640, 480), 2));
  EXPECT_EQ(back.width, 640);
  EXPECT_EQ(back.height, 480);
  for (const auto& [x, y] : {std::pair{320, 240}, {10, 470}, {630, 10}})
    EXPECT_TRUE(is_near(colour_at(back, x, y), colour_at(gradient(640, 480), x, y))) << x << " " << y;
  const Pixels square = square_of(back, 300);
  EXPECT_EQ(square.width, 300);
  EXPECT_EQ(square.height, 300);
  EXPECT_EQ(square_of(back, 3000).width, 480) << "never made larger";
  EXPECT_EQ(decode_picture(sample_png()).width, 1200);
}

TEST(Picture, IsWrittenAsShopsWantIt) {
  const std::string jpeg = encode_jpeg(gradient(301, 299), 2);
  EXPECT_THAT(jpeg, StartsWith(std::string("\xff\xd8\xff\xe0\0\x10JFIF", 10)));
  const std::size_t frame = frame_of(jpeg);
  EXPECT_EQ(jpeg[frame + 9], 3) << "three colours";
  EXPECT_EQ(jpeg[frame + 11], jpeg[frame + 14]) << "each at full resolution";
  EXPECT_EQ(jpeg[frame + 11], jpeg[frame + 17]);
  EXPECT_THAT(jpeg, Not(HasSubstr("Lavc")));
  EXPECT_THAT(jpeg, Not(HasSubstr("\xff\xfe"))) << "no comment";
}

/// Where EXIF's orientations put the first row and the first column.
TEST(Picture, IsTurnedAsTheCameraSays) {
  struct Turn {
    int orientation;
    double mark_x, mark_y, red_x, red_y;
  };
  constexpr Turn turns[] = {{1, .1, .1, .1, .9}, {2, .9, .1, .9, .9}, {3, .9, .9, .9, .1}, {4, .1, .9, .1, .1},
                            {5, .1, .1, .9, .1}, {6, .9, .1, .1, .1}, {7, .9, .9, .1, .9}, {8, .1, .9, .9, .9}};
  const std::string jpeg = encode_jpeg(marked(320, 300), 2);
  for (const Turn& turn : turns)
    for (const std::string& file : {jpeg_with_exif(jpeg, turn.orientation), webp_with_exif(sample_webp(), turn.orientation)}) {
      const Pixels upright = decode_picture(file);
      const auto colour = [&](double x, double y) { return colour_at(upright, int(x * upright.width), int(y * upright.height)); };
      SCOPED_TRACE(file.substr(0, 4) + " " + std::to_string(turn.orientation));
      EXPECT_EQ(upright.width, turn.orientation < 5 ? 320 : 300);
      EXPECT_EQ(upright.height, turn.orientation < 5 ? 300 : 320);
      EXPECT_TRUE(is_near(colour(turn.mark_x, turn.mark_y), 0xffffff)) << std::hex << colour(turn.mark_x, turn.mark_y);
      EXPECT_TRUE(is_near(colour(turn.red_x, turn.red_y), 0xff0000)) << std::hex << colour(turn.red_x, turn.red_y);
      EXPECT_TRUE(is_near(colour(1 - turn.red_x, 1 - turn.red_y), 0x0000ff)) << std::hex << colour(1 - turn.red_x, 1 - turn.red_y);
    }
  EXPECT_EQ(decode_picture(png_with(sample_png(), "eXIf", exif(6))).width, 630);
  for (const std::string& damaged : {exif(0), exif(9), exif(6).substr(0, 15), std::string("MM\0*\xff\xff\xff\xff", 8)})
    EXPECT_EQ(decode_picture(png_with(sample_png(), "eXIf", damaged)).width, 1200) << "then it stays as it is";
}

TEST(Picture, IsWhiteWhereItIsTransparent) {
  const Pixels pixels = decode_picture(png_of(std::string("\xff\0\0\xff\xff\0\0\0\0\0\xff\x80", 12), 3));
  EXPECT_EQ(colour_at(pixels, 0, 0), 0xff0000u);
  EXPECT_EQ(colour_at(pixels, 1, 0), 0xffffffu);
  EXPECT_EQ(colour_at(pixels, 2, 0), 0x7f7fffu);
}

TEST(Picture, MayHaveSixteenBits) {
  const Pixels pixels = decode_picture(png_of(std::string("\xff\xff\0\0\x80\0\xff\xff\0\0\0\0\0\0\0\0", 16), 2, 1, 16));
  EXPECT_TRUE(is_near(colour_at(pixels, 0, 0), 0xff0080)) << std::hex << colour_at(pixels, 0, 0);
  EXPECT_EQ(colour_at(pixels, 1, 0), 0xffffffu);
}

/// A worker lets FFmpeg have 128 MiB at once, and these are 159 MB of pixels.
TEST(Picture, MayHaveFortyMillionPixels) {
  const Pixels pixels = decode_picture(red_webp(6300, 6300));
  EXPECT_EQ(pixels.width, 6300);
  EXPECT_EQ(colour_at(pixels, 6299, 6299), 0xff0000u);
}

TEST(Picture, MayBringMetadata) {
  const std::string png = sample_png(), jpeg = encode_jpeg(marked(320, 300), 2), webp = sample_webp();
  EXPECT_EQ(decode_picture(png_with(png, "zTXt", "rubbish")).bytes, decode_picture(png).bytes);
  EXPECT_EQ(decode_picture(jpeg_with_exif(jpeg, 1, "48.8584 N, 2.2945 E") + "a video").bytes, decode_picture(jpeg).bytes);
  EXPECT_EQ(decode_picture(jpeg.substr(0, 2) + jpeg_segment("\xfe", "a comment") + jpeg.substr(2)).bytes, decode_picture(jpeg).bytes);
  EXPECT_EQ(decode_picture(webp_with_exif(webp, 1)).bytes, decode_picture(webp).bytes);
}

TEST(Picture, ThatIsNoneIsRefused) {
  const std::string png = sample_png(), jpeg = encode_jpeg(gradient(400, 300), 2), webp = sample_webp();
  std::string huge = jpeg;
  huge.replace(frame_of(jpeg) + 5, 4, "\xff\xff\xff\xff");
  for (const std::string& bad : {std::string(),
                                 std::string("hello"),
                                 std::string("<svg xmlns='http://www.w3.org/2000/svg'/>"),
                                 std::string("GIF89a"),
                                 std::string("\xff\xd8\xff"),
                                 std::string("\xff\xd8\xff\xd9"),
                                 std::string("RIFF"),
                                 std::string("RIFF123"),
                                 std::string("RIFF\0\0\0\0WEBP", 12),
                                 webp.substr(0, 60),
                                 png.substr(0, png.size() / 2),
                                 std::string("\x89PNG\r\n\x1a\nrubbish"),
                                 jpeg.substr(0, 200),
                                 jpeg.substr(0, jpeg.size() / 2),
                                 jpeg.substr(0, jpeg.size() / 2) + "\xff\xd9",
                                 huge,
                                 png_of("", 30000, 30000),
                                 png_of("", 0xffffffff, 1),
                                 png_of("", 0, 0),
                                 png_of("", 6300, 6300),
                                 red_webp(16384, 16384),
                                 red_webp(300, 300).substr(0, 24)})
    EXPECT_THROW(decode_picture(bad), PictureRefused) << bad.size();
}

std::string refusal(const std::string& file, int least = 1) {
  try {
    decode_picture(file, least);
  } catch (const PictureRefused& error) {
    return error.what();
  }
  return "";
}

TEST(Picture, IsRefusedWithItsReason) {
  const std::string four_colours("\x08\x01\x40\x01\x40\x04\x01\x11\0\x02\x11\0\x03\x11\0\x04\x11\0", 18);
  EXPECT_THAT(refusal("\xff\xd8" + jpeg_segment("\xc0", four_colours) + std::string(2000, '\0')), HasSubstr("CMYK"));
  EXPECT_THAT(refusal(moving_webp(sample_webp())), HasSubstr("moves"));
  EXPECT_THAT(refusal(png_of("", 6400, 6400)), AllOf(HasSubstr("6400 x 6400"), HasSubstr("40 million")));
  EXPECT_THAT(refusal(red_webp(6400, 6400)), HasSubstr("40 million"));
  EXPECT_THAT(refusal(red_webp(3, 300), 256), AllOf(HasSubstr("3 x 300"), HasSubstr("at least 256")));
  EXPECT_THAT(refusal(sample_png().substr(0, 1000)), HasSubstr("damaged"));
  EXPECT_THAT(refusal("GIF89a"), StartsWith("This file is no picture"));
  EXPECT_THAT(refusal(png_of("", 40'000, 300)), AllOf(HasSubstr("40000 x 300"), HasSubstr("32767 on a side")));
}

/// Any bytes end in a picture or in a refusal.
TEST(Picture, ThatIsDamagedHarmsNothing) {
  const std::string files[] = {encode_jpeg(marked(400, 300), 3), jpeg_with_exif(encode_jpeg(marked(64, 80), 3), 6),
                               webp_with_exif(sample_webp(), 6), png_with(png_of(std::string(32, 'x'), 8), "eXIf", exif(6)),
                               jpeg_of_hidden_scans(5)};
  std::uint32_t seed = 1;
  const auto random = [&] { return (seed = seed * 1664525u + 1013904223u) >> 8; };
  int decoded = 0;
  for (int round = 0; round < 500; ++round) {
    std::string bytes = files[round % std::size(files)];
    for (int i = random() % 6; i >= 0; --i)
      bytes[random() % (i % 2 ? bytes.size() : std::min<std::size_t>(bytes.size(), 300))] = static_cast<char>(random());
    try {
      const Pixels pixels = decode_picture(bytes);
      EXPECT_EQ(pixels.bytes.size(), std::size_t(pixels.width) * std::size_t(pixels.height) * 4);
      ++decoded;
    } catch (const PictureRefused&) {
    }
  }
  EXPECT_GT(decoded, 0);
  EXPECT_LT(decoded, 500);
}

// ---- the process that decodes what strangers sent ----

struct PictureProcess : ::testing::Test {
  PictureProcess() { std::filesystem::create_directories(folder); }
  ~PictureProcess() override { std::filesystem::remove_all(folder); }

  PictureSquares take(const std::string& file, const PictureLimits& limits = {}) {
    std::ofstream(folder / "upload", std::ios::binary) << file;
    return squares_of_picture((folder / "upload").string(), {256, 1024, 256}, folder.string(), cancel, limits);
  }
  std::string refusal(const std::string& file, const PictureLimits& limits = {}) {
    try {
      take(file, limits);
    } catch (const PermanentJobError& error) {
      return error.what();
    }
    return "";
  }
  static rusage children() {
    rusage usage;
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage;
  }
  bool has_children() const { return ::waitpid(-1, nullptr, WNOHANG) >= 0; }

  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("picture-" + new_id());
  voxconv::CancelToken cancel;
};

TEST_F(PictureProcess, MakesSquares) {
  const PictureSquares squares = take(jpeg_with_exif(encode_jpeg(marked(1200, 800), 2), 6));
  EXPECT_EQ(squares.width, 800);
  EXPECT_EQ(squares.height, 1200);
  EXPECT_EQ(decode_picture(squares.large).width, 800);
  EXPECT_EQ(decode_picture(squares.small).width, 256);
  EXPECT_THAT(refusal(sample_png().substr(0, 1000)), StartsWith("This picture cannot be read"));
  EXPECT_THAT(refusal(encode_jpeg(gradient(200, 300), 2)), HasSubstr("200 x 300"));
  EXPECT_THAT(refusal(png_of("", 40'000, 300)), HasSubstr("40000 x 300"));
  EXPECT_FALSE(has_children());
}

TEST_F(PictureProcess, IsEnoughForFortyMillionPixels) { EXPECT_EQ(take(red_webp(6300, 6300)).width, 6300); }

/// FFmpeg goes over all pixels for each scan, however little is in it, and nothing stops it there: these would take it ten seconds.
TEST_F(PictureProcess, HasSoMuchTimeOnly) {
  EXPECT_EQ(take(jpeg_of_hidden_scans(5)).width, 320) << "the hidden scans are read";
  const auto before = children().ru_utime.tv_sec;
  EXPECT_EQ(refusal(jpeg_of_hidden_scans(100'000, 1024), {.cpu_s = 1}), unreadable_picture);
  EXPECT_LE(children().ru_utime.tv_sec - before, 2);
  EXPECT_FALSE(has_children());
}

/// FFmpeg would make half a gigabyte of this one's metadata before it decodes.
TEST_F(PictureProcess, HasSoMuchMemoryOnly) {
  constexpr long little = 300'000'000;
  const std::string jpeg = encode_jpeg(marked(320, 300), 2);
  EXPECT_EQ(take(jpeg, {.memory = little}).width, 320);
  const long before = children().ru_maxrss;
  EXPECT_EQ(refusal(jpeg_of_long_tags(jpeg, 1200), {.memory = little}), unreadable_picture);
  EXPECT_LE(children().ru_maxrss, std::max(before, little / 1024));
  EXPECT_EQ(refusal(red_webp(6300, 6300), {.memory = little}), unreadable_picture);
}

TEST_F(PictureProcess, EndsWhenItIsNotWanted) {
  std::jthread later([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancel.cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(take(jpeg_of_hidden_scans(100'000, 1024)), voxconv::Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_FALSE(has_children());
}

// ---- the API and the worker ----

/// Does something when a job's work is done, before that is kept.
struct InterruptedRunner : AudioRunner {
  using AudioRunner::AudioRunner;
  JobOutput run(const JobTask& task) override {
    JobOutput output = AudioRunner::run(task);
    then();
    return output;
  }
  std::function<void()> then;
};

struct Pictures : ArtistTest {
  Pictures() {
    add_release_routes(service.router, *service.context);
    become_artist(maria, "maria", "Maria");
    song = maria.song();
    release = maria.post("/releases", {{"songs", {song}}}).at("id");
  }

  /// Where the pictures of a song, a release and an artist are sent.
  std::array<std::string, 3> paths() const { return {"/songs/" + song, "/releases/" + release, "/artist"}; }

  http::Response put(ApiUser& user, const std::string& path, const std::string& bytes, const std::string& type = "image/jpeg") {
    return user.send_raw(Method::put, "/api/v1" + path + "/picture", bytes, {{"content-type", type}});
  }
  Id send(const std::string& path, const std::string& bytes) {
    const http::Response response = put(maria, path, bytes);
    EXPECT_EQ(response.status, 202) << response.body;
    return body_of(response).at("id");
  }
  bool work() {
    AudioRunner runner(service.config, *service.store, *service.blobs);
    return Worker(service.config, *service.store, *service.blobs, service.clock, runner, {}).work_one();
  }
  json job(const Id& id) { return maria.get("/jobs/" + id); }
  json sent_and_taken(const std::string& path, const std::string& bytes) {
    const Id id = send(path, bytes);
    EXPECT_TRUE(work());
    return job(id);
  }
  std::string kept(const http::Response& response) {
    EXPECT_TRUE(response.file) << response.body;
    return service.blobs->read(response.file->key, 0, service.blobs->size(response.file->key));
  }
  std::size_t files() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(service.dir / "blobs"))
      count += entry.is_regular_file() &&
               (entry.path().string().find("picture") != std::string::npos || entry.path().string().find("artists") != std::string::npos);
    return count;
  }

  Id song, release;
};

TEST_F(Pictures, AreTakenInByAWorkerWithoutTheirMetadata) {
  const std::string path = paths()[0];
  EXPECT_TRUE(maria.get(path).at("picture").is_null());
  maria.get(path + "/picture", 404);
  EXPECT_EQ(sent_and_taken(path, jpeg_with_exif(encode_jpeg(gradient(1200, 800), 3), 1, "48.8584 N, 2.2945 E")).at("state"), "done");
  const json picture = maria.get(path).at("picture");
  EXPECT_EQ(picture.at("width"), 1200);
  EXPECT_EQ(picture.at("height"), 800);
  const http::Response full = maria.send(Method::get, "/api/v1" + path + "/picture");
  EXPECT_EQ(full.type, "image/jpeg");
  const std::string bytes = kept(full);
  EXPECT_THAT(bytes, Not(HasSubstr("48.8584")));
  EXPECT_EQ(decode_picture(bytes).width, 800);
  EXPECT_EQ(maria.send(Method::get, "/api/v1" + path + "/picture?size=small").status, 200);
  EXPECT_EQ(maria.send(Method::get, "/api/v1" + path + "/picture?size=../x").status, 422);
  otter.get(path + "/picture", 404);
  EXPECT_EQ(put(otter, path, bytes).status, 404);

  // A new one takes its place, and nothing of the old one stays.
  sent_and_taken(path, encode_jpeg(gradient(400, 400), 3));
  EXPECT_EQ(maria.get(path).at("picture").at("width"), 400);
  EXPECT_EQ(service.blobs->size(full.file->key), -1);
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(maria.send(Method::del, "/api/v1" + path + "/picture").status, 204);
  EXPECT_TRUE(maria.get(path).at("picture").is_null());
  EXPECT_EQ(files(), 0u);
}

TEST_F(Pictures, OfASongComeOutUpright) {
  // A phone that was held upright: the first column of what it wrote is the top.
  EXPECT_EQ(sent_and_taken(paths()[0], jpeg_with_exif(encode_jpeg(marked(800, 600), 2), 6)).at("state"), "done");
  EXPECT_EQ(maria.get(paths()[0]).at("picture").at("width"), 600);
  const Pixels upright = decode_picture(kept(maria.send(Method::get, "/api/v1" + paths()[0] + "/picture")));
  ASSERT_EQ(upright.width, 600);
  EXPECT_TRUE(is_near(colour_at(upright, 50, 50), 0xff0000)) << std::hex << colour_at(upright, 50, 50);
  EXPECT_TRUE(is_near(colour_at(upright, 550, 50), 0xffffff)) << std::hex << colour_at(upright, 550, 50);
  EXPECT_TRUE(is_near(colour_at(upright, 50, 550), 0x0000ff)) << std::hex << colour_at(upright, 50, 550);
}

TEST_F(Pictures, OfAnArtistAreShownToEverybody) {
  EXPECT_EQ(sent_and_taken("/artist", sample_webp()).at("state"), "done");
  EXPECT_EQ(page("/a/maria/picture.jpg").type, "image/jpeg");
  EXPECT_EQ(decode_picture(kept(page("/a/maria/picture.jpg"))).width, 300);
  EXPECT_EQ(decode_picture(kept(page("/a/maria/small.jpg"))).width, 256);
  EXPECT_EQ(files(), 2u) << "nothing of the upload stays";
  const std::string before = get("/artists/maria").at("picture");
  EXPECT_EQ(sent_and_taken("/artist", encode_jpeg(gradient(2000, 2500), 3)).at("state"), "done");
  EXPECT_EQ(decode_picture(kept(page("/a/maria/picture.jpg"))).width, 1024);
  EXPECT_NE(get("/artists/maria").at("picture"), before) << "caches see that it is another";
  EXPECT_EQ(files(), 2u) << "nor of the one before";
  const auto audited = [&] {
    ::testing::internal::CaptureStdout();
    const int status = audit(service.config, true);
    return std::pair(status, ::testing::internal::GetCapturedStdout());
  };
  EXPECT_THAT(audited(), Pair(0, HasSubstr("are there")));
  service.store->read([&](Transaction& t) { service.blobs->remove(t.artists().find(maria.id)->picture); });
  EXPECT_THAT(audited(), Pair(1, HasSubstr("artists/" + maria.id)));
}

TEST_F(Pictures, ThatAreNoneEndWithASentence) {
  for (const std::string& path : paths()) {
    EXPECT_EQ(put(maria, path, "<svg/>", "image/svg+xml").status, 415);
    EXPECT_EQ(put(maria, path, "").status, 422);
    for (const std::string& bad : {std::string("<svg onload=alert(1)>"), png_of("", 40'000, 300),
                                   encode_jpeg(gradient(400, 400), 3).substr(0, 300), encode_jpeg(gradient(250, 400), 3)}) {
      const json failed = sent_and_taken(path, bad);
      EXPECT_EQ(failed.at("state"), "failed");
      EXPECT_THAT(failed.at("failure").get<std::string>(), StartsWith("This "));
      EXPECT_EQ(files(), 0u);
    }
    EXPECT_TRUE(maria.get(path).at("picture").is_null());
  }
}

TEST_F(Pictures, ThatWereSentLastCount) {
  for (const std::string& path : paths()) {
    const Id first = send(path, encode_jpeg(gradient(400, 400), 3)), second = send(path, encode_jpeg(gradient(500, 500), 3));
    EXPECT_EQ(job(first).at("state"), "cancelled");
    EXPECT_EQ(job(second).at("kind"), "picture");
    EXPECT_EQ(files(), 1u) << "the upload of the first is gone";
    EXPECT_TRUE(maria.get(path).at("picture").is_null()) << "nothing of an upload is shown";
    EXPECT_TRUE(work());
    EXPECT_EQ(job(second).at("state"), "done");
    const Id third = send(path, encode_jpeg(gradient(400, 400), 3));
    EXPECT_EQ(maria.send(Method::del, "/api/v1" + path + "/picture").status, 204);
    EXPECT_EQ(job(third).at("state"), "cancelled") << "it does not come after the picture was removed";
    EXPECT_TRUE(maria.get(path).at("picture").is_null());
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(Pictures, ThatAreCancelledLeaveNoUpload) {
  for (const std::string& path : paths()) {
    const Id queued = send(path, encode_jpeg(gradient(400, 400), 3));
    EXPECT_EQ(files(), 1u);
    EXPECT_EQ(maria.send(Method::del, "/api/v1/jobs/" + queued).status, 202);
    EXPECT_EQ(job(queued).at("state"), "cancelled");
    EXPECT_EQ(files(), 0u);

    const Id running = send(path, encode_jpeg(gradient(400, 400), 3));
    InterruptedRunner runner(service.config, *service.store, *service.blobs);
    runner.then = [&] { EXPECT_EQ(maria.send(Method::del, "/api/v1/jobs/" + running).status, 202); };
    EXPECT_TRUE(Worker(service.config, *service.store, *service.blobs, service.clock, runner, {}).work_one());
    EXPECT_EQ(job(running).at("state"), "cancelled");
    EXPECT_EQ(files(), 0u);
  }
}

/// Its release is deleted while the upload is on its way: here when the disk is asked for room.
TEST_F(Pictures, OfWhatIsGoneMeanwhileLeaveNoUpload) {
  const Disk disk(service.dir.string(), 1, [this] {
    maria.send(Method::del, "/api/v1/releases/" + release);
    return std::int64_t{1} << 40;
  });
  const Context& usual = *service.context;
  Context slow{usual.config, usual.store, usual.blobs, usual.mailer, usual.payments, usual.clock, disk, usual.connect};
  service.router = {};
  add_release_routes(service.router, *service.context);
  add_picture_routes(service.router, slow);
  EXPECT_EQ(put(maria, "/releases/" + release, encode_jpeg(gradient(400, 400), 3)).status, 404);
  EXPECT_EQ(files(), 0u);
}

TEST_F(Pictures, OfAPageThatIsGivenUpLeaveNothing) {
  send("/artist", sample_webp());
  EXPECT_EQ(maria.send(Method::del, "/api/v1/artist").status, 204);
  work();
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(put(maria, "/artist", sample_webp()).status, 404) << "there is no page";
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace webwrap::testing
