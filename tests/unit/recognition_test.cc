#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "eval/character_error.h"
#include "eval/recognizer.h"
#include "nn/safetensors.h"
#include "sine_voice.h"
#include "voxconv/audio_io.h"
#include "voxconv/error.h"
#include "voxconv/evaluator.h"

namespace voxconv::eval {
namespace fs = std::filesystem;
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CharacterError, CountsWhatWasInsertedLeftOutAndChanged) {
  EXPECT_EQ(character_error("kitten", "kitten"), 0);
  EXPECT_NEAR(character_error("kitten", "sitting"), 3 / 6.0, 1e-12);
  EXPECT_NEAR(character_error("abcd", ""), 1, 1e-12);
  EXPECT_NEAR(character_error("ab", "abcdefgh"), 3, 1e-12);
  EXPECT_NEAR(character_error("the cat", "the  bat"), 1 / 7.0, 1e-12);
}

TEST(CharacterError, IsUndefinedWithoutWords) {
  EXPECT_TRUE(std::isnan(character_error("", "words")));
  EXPECT_TRUE(std::isnan(character_error(" ... ♪", "words")));
}

TEST(CharacterError, CaseAndPunctuationDoNotCount) {
  EXPECT_EQ(character_error(" ÄRGER, Ωmega – Привет! 42%", "ärger ωmega привет 42"), 0);
  EXPECT_EQ(character_error("さくら、さくら。", "さくら さくら"), 0);
  EXPECT_EQ(spoken_characters("  It's\t\n“Über” 3,5 "), U"it s über 3 5");
  EXPECT_EQ(spoken_characters("夏の歌「ラ」한국"), U"夏の歌 ラ 한국");
}

TEST(CharacterError, BytesThatAreNoTextAreGaps) {
  EXPECT_EQ(spoken_characters("a\xff"
                              "b\xc3"),
            U"a b");
  EXPECT_EQ(spoken_characters("\xe3\x81"), U"");
  EXPECT_EQ(spoken_characters("x\xc0\xafy"), U"x y");
}

TEST(WhisperVocabulary, WritesTextOfAnyScript) {
  const WhisperVocabulary vocabulary;
  EXPECT_EQ(vocabulary.size(), 51865);
  EXPECT_EQ(vocabulary.text({38908, 11451, 364, 10337, 15101}), " Grüße an Zoë");
  EXPECT_EQ(vocabulary.text({6722, 6134, 5154, 220, 29582, vocabulary.end()}), "さくら 歌");
  EXPECT_EQ(vocabulary.text({33573, 11, 22188, 0}), " mañana, señor!");
}

TEST(WhisperVocabulary, KnowsItsSpecialTokens) {
  const WhisperVocabulary vocabulary;
  EXPECT_EQ(vocabulary.end(), 50257);
  EXPECT_EQ(vocabulary.start(), 50258);
  EXPECT_EQ(vocabulary.transcribe(), 50359);
  EXPECT_EQ(vocabulary.no_speech(), 50362);
  EXPECT_EQ(vocabulary.no_timestamps(), 50363);
  EXPECT_EQ(vocabulary.space(), 220);
  EXPECT_EQ(vocabulary.languages().size(), 99u);
  EXPECT_EQ(vocabulary.language("en"), 50259);
  EXPECT_EQ(vocabulary.language("ja"), 50266);
  try {
    vocabulary.language("klingon");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_THAT(e.what(), HasSubstr("it knows en, zh, de"));
  }
}

TEST(WhisperVocabulary, LeavesOutWhatTheOriginalLeavesOut) {
  // "suppress_ids" of the original conversion's config.json.
  EXPECT_THAT(WhisperVocabulary().not_spoken(),
              ElementsAre(1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 359, 503, 522, 542, 873,
                          893, 902, 918, 922, 931, 1350, 1853, 1982, 2460, 2627, 3246, 3253, 3268, 3536, 3846, 3961, 4183, 4667, 6585, 6647,
                          7273, 9061, 9383, 10428, 10929, 11938, 12033, 12331, 12562, 13793, 14157, 14635, 15265, 15618, 16553, 16604,
                          18362, 18956, 20075, 21675, 22520, 26130, 26161, 26435, 28279, 29464, 31650, 32302, 32470, 36865, 42863, 47425,
                          49870, 50254, 50258, 50358, 50359, 50360, 50361, 50362));
}

TEST(Recognizer, WindowsEndInPauses) {
  constexpr std::int64_t second = 16000;
  torch::Tensor audio = torch::sin(torch::arange(70 * second) * 0.1) * 0.3;
  audio.slice(0, 22 * second, 22 * second + second / 2) *= 0.01;
  audio.slice(0, 40 * second, 40 * second + second / 2) *= 0.01;
  const auto ends = Recognizer::window_ends(audio);
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_NEAR(double(ends[0]) / second, 22.25, 0.25);
  EXPECT_NEAR(double(ends[1]) / second, 40.25, 0.25);
  EXPECT_EQ(ends[2], 70 * second);
  EXPECT_THAT(Recognizer::window_ends(audio.slice(0, 0, 30 * second)), ElementsAre(30 * second));
  EXPECT_TRUE(Recognizer::window_ends(torch::zeros({0})).empty());
}

/// A token and how much it is wanted.
using Wishes = std::vector<std::pair<std::int64_t, double>>;

/// Writes a decoder that listens to nothing: at each position it gives the tokens that are wished for there, whatever came before.
std::string make_decoder(const fs::path& path, const std::vector<Wishes>& wishes) {
  constexpr std::int64_t dim = 512, vocabulary = 51865, positions = 448;
  const auto noise = at::detail::createCPUGenerator(1);
  const torch::Tensor embeddings = torch::randn({vocabulary, dim}, noise) * 0.1;
  torch::Tensor places = torch::zeros({positions, dim});
  for (std::size_t i = 0; i < wishes.size(); ++i)
    for (const auto& [token, weight] : wishes[i]) places[std::int64_t(i)] += 20 * weight * embeddings[token];
  std::map<std::string, torch::Tensor> tensors{{"decoder/embeddings/weight", embeddings.to(torch::kHalf)},
                                               {"decoder/position_encodings/encodings", places},
                                               {"decoder/num_heads", torch::tensor(8, torch::kShort)}};
  const auto norm = [&](const std::string& name) {
    tensors[name + "/gamma"] = torch::ones({dim});
    tensors[name + "/beta"] = torch::zeros({dim});
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    tensors[name + "/weight"] = torch::zeros({out, in}, torch::kHalf);
    tensors[name + "/bias"] = torch::zeros({out});
  };
  norm("decoder/layer_norm");
  for (const char* part : {"self_attention", "attention", "ffn"}) norm(std::string("decoder/layer_0/") + part + "/layer_norm");
  linear("decoder/layer_0/self_attention/linear_0", 3 * dim, dim);
  linear("decoder/layer_0/self_attention/linear_1", dim, dim);
  linear("decoder/layer_0/attention/linear_0", dim, dim);
  linear("decoder/layer_0/attention/linear_1", 2 * dim, dim);
  linear("decoder/layer_0/attention/linear_2", dim, dim);
  linear("decoder/layer_0/ffn/linear_0", 4 * dim, dim);
  linear("decoder/layer_0/ffn/linear_1", dim, 4 * dim);
  nn::save_safetensors(path, tensors);
  return path;
}

class MadeRecognizer : public testing::Test {
 protected:
  ~MadeRecognizer() override { fs::remove(path_); }
  Recognizer recognizer(const std::vector<Wishes>& wishes) const { return Recognizer(make_decoder(path_, wishes)); }

  static constexpr std::int64_t end = 50257, de = 50261, no_speech = 50362, note = 3961, timestamp = 50400;
  const fs::path path_ = fs::path(testing::TempDir()) / ("voxconv_recognizer." + std::to_string(::getpid()) + ".safetensors");
  const torch::Tensor sound_ = torch::sin(torch::arange(8000) * 0.1) * 0.1;
};

TEST_F(MadeRecognizer, WritesTheLikeliestTokensThatCanBeSpoken) {
  // Positions 1 and 2 are the prompt's; what position 3 gives is the first token. That no speech is likely does not matter where words are.
  const Recognizer made = recognizer({{{de, 1}, {no_speech, 1.3}},
                                      {},
                                      {},
                                      {{end, 3}, {220, 2}, {38908, 1}},
                                      {{note, 3}, {11451, 1}},
                                      {{timestamp, 2}, {364, 1}},
                                      {{end, 1}}});
  const Transcript transcript = made.transcribe(sound_);
  EXPECT_EQ(transcript.language, "de");
  EXPECT_EQ(transcript.text, WhisperVocabulary().text({38908, 11451, 364}));
  EXPECT_THROW(made.transcribe(sound_, "xx"), Error);
  EXPECT_EQ(made.transcribe(torch::zeros({8000}), "de").text, "");
  EXPECT_EQ(made.transcribe(torch::zeros({8000})).language, "");
  EXPECT_EQ(made.transcribe(torch::zeros({0})).text, "");
}

TEST_F(MadeRecognizer, UnlikelyWordsInWhatIsNoSpeechAreNone) {
  Wishes unsure;
  for (std::int64_t token = 1000; token < 2000; ++token) unsure.emplace_back(token, 1);
  EXPECT_EQ(recognizer({{{no_speech, 1}}, {}, {}, unsure, {{end, 1}}}).transcribe(sound_, "de").text, "");
  EXPECT_NE(recognizer({{{de, 1}}, {}, {}, unsure, {{end, 1}}}).transcribe(sound_, "de").text, "");
}

TEST_F(MadeRecognizer, IsUsedByEvaluationWhereItIsInstalled) {
  const fs::path folder = path_.string() + ".data", model = folder / "voxconv/models/eval/whisper-base/model.bin";
  fs::create_directories(model.parent_path());
  ::setenv("XDG_DATA_HOME", folder.c_str(), 1);
  make_decoder(model, {{{de, 1}}, {}, {}, {{38908, 1}}, {{end, 1}}});
  AudioBuffer audio(16000, 1, 8000);
  for (std::size_t i = 0; i < audio.frames(); ++i) audio.channels[0][i] = float(0.1 * std::sin(double(i) * 0.08));
  EvalOptions options;
  options.sources = {(folder / "sung.wav").string()};
  const auto writer = open_writer(options.sources[0], {.rate = 16000, .channels = 1});
  writer->write(audio);
  writer->finish();
  const EvalReport report = evaluate(sine_voice(), options);
  EXPECT_EQ(report.rows.at(0).language, "de");
  EXPECT_EQ(report.rows.at(0).cer, 0);
  EXPECT_GT(report.rows.at(0).result_sound.ovrl, 0.9);
  EXPECT_GT(report.rows.at(0).source_sound.bak, 0.9);
  ::unsetenv("XDG_DATA_HOME");
  fs::remove_all(folder);
}

TEST_F(MadeRecognizer, AnotherModelIsRefused) {
  nn::save_safetensors(path_, {{"decoder/embeddings/weight", torch::zeros({10, 64})}});
  EXPECT_THROW((Recognizer(path_)), Error);
}

}  // namespace
}  // namespace voxconv::eval
