#pragma once
#include <string_view>
#include <vector>

namespace webwrap {

/// What people make passwords of: the words, names and sentences of lists of the commonest ones, in small letters and without spaces.
const std::vector<std::string_view>& common_words();

}  // namespace webwrap
