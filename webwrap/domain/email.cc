#include "domain/email.h"

#include <algorithm>

#include "domain/text.h"

namespace webwrap {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || is_digit(c); }

/// Parts between dots, none of them empty, all of them `good`.
template <class Good>
bool all_parts(std::string_view text, Good good) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    if (end == at || !good(text.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

bool is_name_part(std::string_view part) {
  return std::all_of(part.begin(), part.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

bool is_label(std::string_view part) {
  return part.size() <= 63 && part.front() != '-' && part.back() != '-' &&
         std::all_of(part.begin(), part.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

}  // namespace

std::optional<std::string> normal_email(std::string_view text) {
  if (text.size() > 254) return std::nullopt;
  std::string email = lower_case(text);
  const std::size_t at = email.find('@');
  if (at == email.npos) return std::nullopt;
  const std::string_view name = std::string_view(email).substr(0, at), domain = std::string_view(email).substr(at + 1);
  const std::size_t last_dot = domain.rfind('.');
  if (name.size() > 64 || last_dot == domain.npos) return std::nullopt;
  const std::string_view top = domain.substr(last_dot + 1);
  if (std::all_of(top.begin(), top.end(), is_digit)) return std::nullopt;
  if (!all_parts(name, is_name_part) || !all_parts(domain, is_label)) return std::nullopt;
  return email;
}

}  // namespace webwrap
