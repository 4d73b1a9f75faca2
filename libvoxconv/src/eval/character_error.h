#pragma once
#include <string>

namespace voxconv::eval {

/// UTF-8 text reduced to what a transcript says: letters and digits of Unicode in lower case; whatever lies between them (spaces,
/// punctuation, bytes that are no UTF-8) is one space, and none at the ends.
std::u32string spoken_characters(const std::string& text);

/// Character error rate of `result` against `source`, both as spoken_characters(): the least number of inserted, left out and changed
/// characters, divided by the number of characters of the source; may exceed 1. NaN where the source has none. Time grows with the product
/// of both lengths, memory with the result's.
double character_error(const std::string& source, const std::string& result);

}  // namespace voxconv::eval
