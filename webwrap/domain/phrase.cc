#include "domain/phrase.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace webwrap {
namespace {

constexpr int drawn_words = 6;

/// A sentence, and 64 words of two syllables or more that everybody knows and nobody mistakes for each other; without accents, which
/// recognisers may leave out. Six of them in an order are 36 bits.
struct Language {
  const char* code;
  const char* sentence;
  std::string_view words;
};

constexpr Language languages[] = {
    {"en", "This is my own voice, and I agree that a singing voice is made from it.",
     "window garden river yellow table winter mountain summer paper kitchen silver orange village doctor pocket engine "
     "planet butter bottle candle desert dragon feather finger forest gentle hammer island jacket ladder lemon market "
     "mirror morning music number ocean painter pencil pepper picture pillow pirate potato rabbit monkey sailor "
     "saddle shadow shoulder station story sugar sunday teacher ticket tiger tomato tunnel turtle valley velvet wagon "
     "whistle"},
    {"de", "Dies ist meine eigene Stimme, und ich bin damit einverstanden, dass daraus eine Singstimme gemacht wird.",
     "fenster garten wasser sommer winter papier zucker banane kaffee lampe tasche bruder schwester morgen abend sonne "
     "wolke regen blume apfel kirsche tomate kartoffel teller gabel messer tasse flasche zeitung schule lehrer "
     "koffer reise insel wiese hafen donner spiegel treppe balkon ofen teppich kissen mantel jacke hammer nagel "
     "leiter pinguin farbe orange silber drache tiger hase igel schatten vogel feuer musik trommel geige fabrik zitrone"},
    {"fr", "Ceci est ma propre voix, et je suis d'accord pour qu'une voix qui chante en soit faite.",
     "maison jardin soleil cheval fromage montagne piscine village bouteille couteau fourchette cuisine tableau papier "
     "crayon musique guitare tambour chanson matin orange tomate banane citron carotte salade lapin mouton renard "
     "cochon canard serpent tortue dragon requin bateau voiture camion avion valise chapeau foulard chemise pantalon "
     "miroir coussin tapis rideau escalier plafond marteau argent couronne princesse docteur facteur boulanger dimanche "
     "vendredi octobre automne ouragan nuage cerise"},
    {"es", "Esta es mi propia voz, y estoy de acuerdo en que se haga de ella una voz que canta.",
     "ventana camino verano invierno papel cocina ciudad planeta botella cuchara tenedor cuchillo manzana naranja tomate "
     "patata cebolla zanahoria conejo caballo oveja gallina tortuga serpiente barco coche maleta sombrero camisa zapato "
     "espejo alfombra escalera moneda pintura guitarra tambor silencio domingo viernes octubre trueno nieve playa "
     "bosque puente castillo corona princesa doctora maestro cartero panadero marinero camarero estrella cohete "
     "limonada azucar pimienta mercado oficina biblioteca farmacia"},
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80)
      words.back() += static_cast<char>(std::tolower(byte));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

const Language& language_of(const std::string& code) {
  for (const Language& language : languages)
    if (language.code == code) return language;
  throw std::invalid_argument("There are no phrases in the language '" + code + "'.");
}

std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row[b.size()];
}

/// "pictures" for "picture", "grey" for "gray".
bool alike(const std::string& a, const std::string& b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  return edits(a, b) <= (shorter >= 8 ? 2u : shorter >= 5 ? 1u : 0u);
}

}  // namespace

std::vector<std::string> phrase_languages() {
  std::vector<std::string> codes;
  for (const Language& language : languages) codes.emplace_back(language.code);
  return codes;
}

Phrase make_phrase(const std::string& code) {
  const Language& language = language_of(code);
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised: the system gives no random numbers.");
  std::vector<std::string> pool = words_of(language.words);
  std::string text = language.sentence;
  for (int i = 0; i < drawn_words; ++i) {
    const auto at = pool.begin() + randombytes_uniform(static_cast<std::uint32_t>(pool.size()));
    text += (i == 0 ? " " : ", ") + *at;
    pool.erase(at);
  }
  return {code, text + "."};
}

Heard compare(const Phrase& phrase, const std::string& transcript) {
  const std::vector<std::string> wanted = words_of(phrase.text), heard = words_of(transcript);
  // The longest common subsequence, and which words of the phrase are in it.
  std::vector<std::vector<int>> best(wanted.size() + 1, std::vector<int>(heard.size() + 1));
  for (std::size_t i = wanted.size(); i-- > 0;)
    for (std::size_t j = heard.size(); j-- > 0;)
      best[i][j] = alike(wanted[i], heard[j]) ? best[i + 1][j + 1] + 1 : std::max(best[i + 1][j], best[i][j + 1]);
  Heard result;
  result.of = std::min<int>(drawn_words, int(wanted.size()));
  const std::size_t first_drawn = wanted.size() - std::size_t(result.of);
  int found = 0;
  for (std::size_t i = 0, j = 0; i < wanted.size() && j < heard.size();) {
    if (alike(wanted[i], heard[j])) {
      ++found;
      if (i >= first_drawn) ++result.drawn;
      ++i;
      ++j;
    } else if (best[i + 1][j] >= best[i][j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  result.spoken = wanted.empty() ? 0 : double(heard.size()) / double(wanted.size());
  result.share = wanted.empty() ? 0 : double(found) / double(wanted.size());
  return result;
}

}  // namespace webwrap
