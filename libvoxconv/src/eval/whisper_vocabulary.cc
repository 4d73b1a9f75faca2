#include "eval/whisper_vocabulary.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/paths.h"

namespace voxconv::eval {
namespace {

// GPT-2's way to write any bytes as visible text: a byte that is a visible character of Latin 1 stands for itself, the others, in their
// order, for the characters from U+0100 on.
constexpr bool stands_for_itself(int byte) { return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174; }

constexpr std::array<int, 0x144> make_bytes() {
  std::array<int, 0x144> bytes{};
  bytes.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) bytes[stands_for_itself(byte) ? byte : next++] = byte;
  return bytes;
}
constexpr std::array<int, 0x144> byte_of = make_bytes();

/// The bytes that a line of the vocabulary stands for; false: it has other characters.
bool read_piece(std::string_view line, std::string& piece) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    int character = static_cast<unsigned char>(line[i]);
    if (character >= 0xc2 && character <= 0xc5 && i + 1 < line.size())
      character = (character & 0x1f) << 6 | (static_cast<unsigned char>(line[++i]) & 0x3f);
    if (character >= static_cast<int>(byte_of.size()) || byte_of[character] < 0) return false;
    piece += static_cast<char>(byte_of[character]);
  }
  return true;
}

constexpr const char* signs[] = {"\"",  "#",  "(",  ")",  "*",   "+",  "/",  ":",   ";",   "<",  "=",  ">",  "@",  "[",   "\\",  "]",
                                 "^",   "_",  "`",  "{",  "|",   "}",  "~",  "「",  "」",  "『", "』", "<<", ">>", "<<<", ">>>", "--",
                                 "---", "-(", "-[", "('", "(\"", "((", "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪",  "♪♪♪"};
constexpr const char* notes[] = {"♩", "♪", "♫", "♬", "♭", "♮", "♯"};

}  // namespace

WhisperVocabulary::WhisperVocabulary() : path_(model_file("eval/whisper/vocabulary.txt")) {
  const std::string content = read_file(path_);
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    std::string piece;
    if (!read_piece(std::string_view(content).substr(begin, end - begin), piece))
      fail(ErrorCode::bad_model, "{} is damaged: its line {} is no token of Whisper.", path_, pieces_.size() + 1);
    ids_.emplace(piece, size());
    pieces_.push_back(std::move(piece));
    begin = end + 1;
  }
  end_ = find("<|endoftext|>");
  start_ = find("<|startoftranscript|>");
  transcribe_ = find("<|transcribe|>");
  no_speech_ = find("<|nocaptions|>");
  no_timestamps_ = find("<|notimestamps|>");
  space_ = find(" ");
  const std::int64_t translate = find("<|translate|>");
  if (end_ + 1 != start_ || translate < start_) fail(ErrorCode::bad_model, "{} is damaged: its special tokens have changed places.", path_);
  for (std::int64_t i = start_ + 1; i < translate; ++i) languages_.push_back(pieces_[i].substr(2, pieces_[i].size() - 4));

  for (const char* word : {" -", " '"}) not_spoken_.push_back(find(word));
  for (const char* lead : {"", " "}) {
    for (const char* sign : signs)
      if (const auto found = ids_.find(std::string(lead) + sign); found != ids_.end()) not_spoken_.push_back(found->second);
    for (const std::string note : notes) {  // where one is no token itself, the token that all of them begin with
      const auto found = ids_.find(lead + note);
      not_spoken_.push_back(found != ids_.end() ? found->second : find(lead + note.substr(0, 2)));
    }
  }
  for (const char* special :
       {"<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>"})
    not_spoken_.push_back(find(special));
  std::sort(not_spoken_.begin(), not_spoken_.end());
  not_spoken_.erase(std::unique(not_spoken_.begin(), not_spoken_.end()), not_spoken_.end());
}

std::int64_t WhisperVocabulary::find(const std::string& piece) const {
  const auto found = ids_.find(piece);
  if (found == ids_.end()) fail(ErrorCode::bad_model, "{} is damaged: it lacks the token \"{}\".", path_, piece);
  return found->second;
}

std::int64_t WhisperVocabulary::language(const std::string& code) const {
  const auto found = std::find(languages_.begin(), languages_.end(), code);
  if (found == languages_.end())
    fail(ErrorCode::usage, "Whisper knows no language \"{}\"; it knows {}.", code, fmt::join(languages_, ", "));
  return first_language() + (found - languages_.begin());
}

std::string WhisperVocabulary::text(const std::vector<std::int64_t>& tokens) const {
  std::string result;
  for (const std::int64_t token : tokens)
    if (token >= 0 && token < end_) result += pieces_[token];
  return result;
}

}  // namespace voxconv::eval
