#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace voxconv::eval {

/// The tokens of the multilingual Whisper: pieces of UTF-8 text, then special ones.
class WhisperVocabulary {
 public:
  /// Loads models/eval/whisper. Throws Error(not_found | bad_model).
  WhisperVocabulary();

  std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
  std::int64_t end() const { return end_; }
  std::int64_t start() const { return start_; }
  std::int64_t transcribe() const { return transcribe_; }
  std::int64_t no_speech() const { return no_speech_; }
  std::int64_t no_timestamps() const { return no_timestamps_; }
  std::int64_t space() const { return space_; }

  /// "en", "de" ...: token first_language() + i stands for languages()[i].
  const std::vector<std::string>& languages() const { return languages_; }
  std::int64_t first_language() const { return start_ + 1; }
  /// The token of a language. Throws Error(usage) that names those there are.
  std::int64_t language(const std::string& code) const;

  /// What a transcript of speech never has, as in openai/whisper: signs that captions use for sounds and speakers, and the special tokens
  /// that only a prompt has. Sorted.
  const std::vector<std::int64_t>& not_spoken() const { return not_spoken_; }

  /// The tokens as UTF-8; those from end() on give nothing. Text that the tokens break off in the middle of a character stays so.
  std::string text(const std::vector<std::int64_t>& tokens) const;

 private:
  std::int64_t find(const std::string& piece) const;

  std::string path_;
  std::vector<std::string> pieces_;
  std::unordered_map<std::string, std::int64_t> ids_;
  std::vector<std::string> languages_;
  std::vector<std::int64_t> not_spoken_;
  std::int64_t end_ = 0, start_ = 0, transcribe_ = 0, no_speech_ = 0, no_timestamps_ = 0, space_ = 0;
};

}  // namespace voxconv::eval
