#pragma once
#include <string>
#include <vector>

namespace webwrap {

/// What somebody is asked to speak to consent to a voice: a sentence that says what is consented to, and words drawn at random, so that no
/// recording made before can hold it.
struct Phrase {
  std::string language;  ///< "en" ...
  std::string text;      ///< all of it, to be shown
};

/// The languages that phrases are made in, the first is the usual one.
std::vector<std::string> phrase_languages();

/// A new phrase. Throws std::invalid_argument for another language.
Phrase make_phrase(const std::string& language);

/// How much of a phrase was heard.
struct Heard {
  double share = 0;   ///< of all its words, in their order, 0..1
  int drawn = 0;      ///< of its words that were drawn at random ...
  int of = 0;         ///< ... which are so many
  double spoken = 0;  ///< words that were heard for each word of the phrase

  /// Recognisers mishear a word now and then, and who speaks slips: most of the sentence, and all drawn words but one.
  /// Not much else, though: a recording of all words that can be drawn holds every phrase.
  bool is_enough() const { return share >= 0.7 && drawn >= of - 1 && spoken <= 1.5; }
};

/// Compares what a recogniser wrote down with the phrase: case, punctuation and single letters of longer words don't count.
Heard compare(const Phrase& phrase, const std::string& transcript);

}  // namespace webwrap
