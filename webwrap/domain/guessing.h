#pragma once
#include <string>

namespace webwrap {

/// Roughly how many bits a guesser who tries common things first has to find out: the cheapest way to put the password together from common
/// words ("p@ssw0rd" is one), keyboard and counting rows, years, runs of one character, repetitions of what came before, and single
/// characters. An idea of zxcvbn's (Wheeler, USENIX Security 2016), much simplified; costs are those of English text, so what is random is
/// underestimated. Case, spaces, '.', '-' and '_' count nothing.
int bits_to_guess(const std::string& password);

}  // namespace webwrap
