#include <gmock/gmock.h>

#include "audio/id3.h"
#include "audio/picture_block.h"
#include "audio_testing.h"
#include "core/text.h"

namespace voxconv {
namespace {

using namespace testing_audio;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

/// A 1 x 1 PNG with an honest header; its pixels do not matter here.
Picture small_png() {
  Picture picture{"image/png", {}};
  for (const char c : std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90\x77\x53\xde", 33))
    picture.bytes.push_back(std::uint8_t(c));
  for (int i = 0; i < 300; ++i) picture.bytes.push_back(std::uint8_t(i));
  return picture;
}

Picture small_jpeg() {
  Picture picture{"image/jpeg", {0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 11, 8, 0, 3, 0, 5, 1, 1, 0x11, 0, 0xff, 0xd9}};
  return picture;
}

const Tags full_tags{{"title", "Süße Lüge"},
                     {"artist", "五輪真弓"},
                     {"album", "Somewhere"},
                     {"album_artist", "Several"},
                     {"composer", "C"},
                     {"copyright", "2024 X"},
                     {"date", "2024-05-01"},
                     {"genre", "Chanson"},
                     {"track", "3/12"},
                     {"disc", "1/2"},
                     {"comment", "The vocal is AI-converted."},
                     {"voxconv_voice", "kathleen"},
                     {"voxconv_seed", "17"}};

class TagTrip : public testing::TestWithParam<const char*> {};

TEST_P(TagTrip, TagsAndCoverSurvive) {
  const std::string path = scratch(std::string("tags.") + GetParam());
  for (const Picture& cover : {small_png(), small_jpeg()}) {
    WriteOptions options;
    options.tags = full_tags;
    options.cover = cover;
    write_audio(path, chord(44100, 1, 0.3), options);
    const auto reader = open_reader(path);
    EXPECT_THAT(reader->info().tags, testing::ContainerEq(full_tags));
    ASSERT_TRUE(reader->info().cover);
    EXPECT_EQ(reader->info().cover->mime, cover.mime);
    EXPECT_EQ(reader->info().cover->bytes, cover.bytes);
    EXPECT_GT(read_all(*reader).frames(), 13000u);
  }
}

TEST_P(TagTrip, NoneStaysNone) {
  const std::string path = scratch(std::string("plain.") + GetParam());
  write_audio(path, chord(44100, 1, 0.3));
  EXPECT_THAT(open_reader(path)->info().tags, IsEmpty());
  EXPECT_FALSE(open_reader(path)->info().cover);
}

INSTANTIATE_TEST_SUITE_P(Formats, TagTrip, testing::Values("wav", "flac", "mp3", "ogg", "opus", "m4a"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Tags, CarryOverFromFormatToFormat) {
  WriteOptions options;
  options.tags = full_tags;
  options.cover = small_jpeg();
  const AudioBuffer in = chord(44100, 1, 0.3);
  std::string last = scratch("chain.m4a");
  write_audio(last, in, options);
  for (const char* next : {"chain.mp3", "chain.wav", "chain.opus", "chain.flac", "chain.ogg", "chain2.m4a"}) {
    const AudioInfo info = open_reader(last)->info();
    WriteOptions carried;
    carried.tags = info.tags;
    carried.cover = info.cover;
    last = scratch(next);
    write_audio(last, in, carried);
  }
  EXPECT_EQ(open_reader(last)->info().tags, full_tags);
  EXPECT_EQ(open_reader(last)->info().cover->bytes, small_jpeg().bytes);
}

TEST(Tags, TechnicalOnesAreLeftBehind) {
  WriteOptions options;
  options.tags = {{"encoder", "other 1.0"}, {"replaygain_track_gain", "-3 dB"}, {"title", "Kept"}};
  for (const char* name : {"technical.flac", "technical.mp3", "technical.ogg"}) {
    write_audio(scratch(name), chord(44100, 1, 0.2), options);
    EXPECT_THAT(open_reader(scratch(name))->info().tags, UnorderedElementsAre(Pair("title", "Kept"))) << name;
  }
}

TEST(Tags, OddOnesDoNoHarm) {
  WriteOptions options;
  options.tags = {{"a=b", "equals"}, {"täg", "umlaut"}, {"track", "three"}, {"disc", "9999999"}, {"lines", "one\ntwo"}};
  for (const char* name : {"odd.wav", "odd.flac", "odd.mp3", "odd.ogg", "odd.m4a"}) {
    write_audio(scratch(name), chord(44100, 1, 0.2), options);
    const AudioInfo info = open_reader(scratch(name))->info();
    EXPECT_EQ(info.tags.at("track"), "three") << name;
    EXPECT_EQ(info.tags.at("disc"), "9999999") << name;
    EXPECT_EQ(info.tags.at("lines"), "one\ntwo") << name;
  }
  options.cover = Picture{"image/webp", {1, 2, 3}};
  EXPECT_NE(error_of(ErrorCode::usage, [&] { open_writer(scratch("odd.mp3"), options); }).find("image/png"), std::string::npos);
}

TEST(Tags, Id3ReadsWhatItWritesAndNoMore) {
  const auto bytes = build_id3(full_tags, small_png());
  EXPECT_EQ(parse_id3(bytes), full_tags);
  EXPECT_THAT(build_id3({}, {}), IsEmpty());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {  // a cut tag gives part of the tags
    const Tags part = parse_id3(std::span(bytes).first(cut));
    for (const auto& [key, value] : part) ASSERT_EQ(full_tags.at(key), value) << cut;
  }
}

TEST(Tags, LatinBecomesUtf8) {
  EXPECT_EQ(to_utf8("S\xfc\xdf"), "Süß");
  EXPECT_EQ(to_utf8("Süß 五"), "Süß 五");
  for (const char* wrong : {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xc3"})
    EXPECT_NE(to_utf8(wrong), wrong);
  EXPECT_EQ(to_lower("VOXCONV_Voice Ü"), "voxconv_voice Ü");
}

TEST(Tags, PictureSizesAreRead) {
  EXPECT_EQ(picture_size(small_png())->width, 1);
  EXPECT_EQ(picture_size(small_jpeg())->width, 5);
  EXPECT_EQ(picture_size(small_jpeg())->height, 3);
  EXPECT_FALSE(picture_size(Picture{"image/jpeg", {0xff, 0xd8, 0xff}}));
  EXPECT_FALSE(picture_size(Picture{"image/png", {}}));
}

}  // namespace
}  // namespace voxconv
