#pragma once
#include <string>

namespace webwrap {

constexpr std::size_t min_password_length = 12, max_password_length = 128;  ///< characters (code points)

/// Bits that a guesser has to find out who tries common things first: zxcvbn's estimate (Wheeler, USENIX Security 2016), separators left
/// out.
double bits_to_guess(std::string password);

/// Why a new password is not good enough, as a sentence; empty: it is. Length rather than rules about kinds of characters (NIST SP
/// 800-63B): refuses short ones, those that are guessed first (bits_to_guess), and those with the name in the e-mail address or of this
/// service.
std::string password_problem(const std::string& password, const std::string& email);

}  // namespace webwrap
