#include "domain/artist_name.h"

#include <gmock/gmock.h>

namespace webwrap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Handle, HasLettersDigitsAndSingleHyphens) {
  for (const char* good : {"abc", "maria", "maria-k", "m4ria", "a-1-b", "abcdefghijklmnopqrstuvwxyz-23"})
    EXPECT_THAT(handle_problem(good), IsEmpty()) << good;
  for (const char* bad : {"", "ab", "abcdefghijklmnopqrstuvwxyz-2345", "Maria", "maría", "maria k", "-maria", "maria-", "ma--ria", "ma_ria",
                          "ma.ria", "ma/ria", "../ab", "12345", "мария", "maria\n", "%61bc", "abcdefghijklmnopqrstuvwx27"})
    EXPECT_THAT(handle_problem(bad), Not(IsEmpty())) << bad;
}

TEST(Handle, DoesNotSpeakForTheService) {
  for (const char* bad : {"admin", "adm1n", "a-d-m-i-n", "support", "5upport", "voxconv", "vox-conv-help", "v0xc0nv", "my-voxconv",
                          "vvebwrap", "stripe", "discover"})
    EXPECT_THAT(handle_problem(bad), HasSubstr("reserved")) << bad;
  for (const char* good : {"supporter", "teammates", "adminton", "the-officials"}) EXPECT_THAT(handle_problem(good), IsEmpty()) << good;
}

TEST(ArtistName, IsStoredInOneForm) {
  EXPECT_EQ(normal_artist_name("  Mari\u0061\u0301   K  "), "Mari\u00e1 K");
  EXPECT_EQ(normal_artist_name("Maria\u00a0\u3000K"), "Maria K");
  EXPECT_EQ(normal_artist_name("\xff\xfe"), std::nullopt);
  EXPECT_EQ(normal_artist_name("\xed\xa0\x80"), std::nullopt) << "half a surrogate pair";
  EXPECT_EQ(normal_artist_name(""), "");
}

TEST(ArtistName, MayBeOfAnyScript) {
  for (const char* good :
       {"Maria", "Maria & the Otters", "P!nk", "Мария", "ماريا", "מריה", "मारिया", "玛丽亚", "マリア 5", "YOASOBI ヨアソビ", "마리아",
        "Björk", "Sigur Rós", "AC/DC", "50 Cent", "Ω", "Maria 🎤", "St. Vincent", "L'Arc~en~Ciel"})
    EXPECT_THAT(artist_name_problem(good), IsEmpty()) << good;
}

TEST(ArtistName, IsWhatItSeems) {
  EXPECT_THAT(artist_name_problem("Mаria"), HasSubstr("scripts")) << "a Cyrillic a";
  EXPECT_THAT(artist_name_problem("Μaria"), HasSubstr("scripts")) << "a Greek Mu";
  for (const char* invisible : {"Ma\u200bria", "Ma\u200dria", "\u202eairaM", "Ma\u00adria", "Ma\u2066ria", "Ma\ufeffria", "Ma\tria",
                                "\u2028", "\ue000abc", "abc\U000e0041"})
    EXPECT_THAT(artist_name_problem(invisible), Not(IsEmpty())) << invisible;
  for (const char* nothing : {"", "!!!", "🎤", "-"}) EXPECT_THAT(artist_name_problem(nothing), Not(IsEmpty())) << nothing;
  EXPECT_THAT(artist_name_problem("voxconv Support"), HasSubstr("reserved"));
  EXPECT_THAT(artist_name_problem("VoxC0nv"), HasSubstr("reserved"));
  EXPECT_THAT(artist_name_problem("Official"), HasSubstr("reserved"));
  EXPECT_THAT(artist_name_problem(std::string(60, 'a')), IsEmpty());
  EXPECT_THAT(artist_name_problem(std::string(61, 'a')), HasSubstr("60"));
  std::string zalgo = "Ma";
  for (int i = 0; i < 40; ++i) zalgo += "\u0301";
  EXPECT_THAT(artist_name_problem(zalgo), HasSubstr("marks"));
}

TEST(LookAlikeKey, IsOneForWhatPeopleTakeForEachOther) {
  for (const char* same : {"maria", "Maria", "MARIA", "m-a-r-i-a", "María", "Mari\u0061\u0301", "rnaria", "mar1a", "marla", "m4r1a"})
    EXPECT_EQ(look_alike_key(same), "rnarla") << same;
  EXPECT_EQ(look_alike_key("сосо"), look_alike_key("coco")) << "Cyrillic";
  EXPECT_EQ(look_alike_key("ΜΑΡΙΑ"), look_alike_key("μαρια"));
  EXPECT_EQ(look_alike_key("Ｍａｒｉａ"), look_alike_key("maria")) << "full width";
  EXPECT_EQ(look_alike_key("𝓜𝓪𝓻𝓲𝓪"), look_alike_key("maria")) << "mathematical letters";
  EXPECT_EQ(look_alike_key("vvillow"), look_alike_key("Willow"));
  EXPECT_EQ(look_alike_key("b0b"), look_alike_key("Bob"));
  EXPECT_EQ(look_alike_key("straße"), look_alike_key("STRASSE"));
  EXPECT_EQ(look_alike_key("K1SS"), look_alike_key("kiss"));
}

TEST(LookAlikeKey, KeepsNamesApartThatDiffer) {
  for (const auto& [one, other] :
       {std::pair{"maria", "mario"}, {"anna", "hanna"}, {"band 1", "band 2"}, {"कि", "क"}, {"玛丽", "玛莉"}, {"мария", "марина"}})
    EXPECT_NE(look_alike_key(one), look_alike_key(other)) << one;
  EXPECT_EQ(look_alike_key("!?-"), "");
  EXPECT_EQ(look_alike_key(""), "");
  EXPECT_EQ(look_alike_key("\xff"), look_alike_key("\ufffd")) << "what is no UTF-8 harms nothing";
}

}  // namespace
}  // namespace webwrap
