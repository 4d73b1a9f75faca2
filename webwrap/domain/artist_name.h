#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace webwrap {

/// An artist has a handle, which stands in the address of the public page (/a/<handle>), and a name, in any script. Both are protected
/// against look-alikes: no two artists share a key (look_alike_key).

constexpr std::size_t min_handle_length = 3, max_handle_length = 30;  ///< characters
constexpr std::size_t max_artist_name_length = 60;                    ///< characters

/// Why a handle cannot be had, as a sentence; empty: it can, unless another artist has one like it. Letters a to z, digits, and single
/// hyphens between them; none that speaks for the service.
std::string handle_problem(std::string_view handle);

/// The name as it is stored (NFC, one space between words); nothing: it is not UTF-8.
std::optional<std::string> normal_artist_name(std::string_view text);
/// The same for a normal_artist_name(): letters of one script (Latin beside Chinese, Japanese or Korean is usual), no invisible characters.
std::string artist_name_problem(const std::string& name);

/// What all texts have in common that people take for each other: "Maria", "m-aria", "MARÍA", "rnaria" and "mar1a" all give "rnarla". By
/// Unicode's list of confusable characters (UTS 39), and what people write in the place of letters. Empty: no letter or digit in it.
std::string look_alike_key(std::string_view text);

}  // namespace webwrap
