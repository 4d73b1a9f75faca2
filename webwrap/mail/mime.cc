#include "mail/mime.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "domain/id.h"
#include "domain/text.h"

namespace webwrap {
namespace {

constexpr std::size_t max_line = 76;            // RFC 2045
constexpr std::size_t encoded_word_bytes = 45;  // 60 characters of base64: with the frame within the 75 of RFC 2047

bool is_plain(char c) { return !is_control(c) && static_cast<unsigned char>(c) < 0x80; }

void refuse_controls(const std::string& what, const std::string& text) {
  if (std::any_of(text.begin(), text.end(), is_control))
    throw std::runtime_error(fmt::format("The {} of a mail must not have control characters.", what));
}

std::string base64(const std::string& bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

/// Text in a header: as it is, or as encoded words of whole characters, one to a line.
std::string header_text(const std::string& text) {
  // "=?" would be read as an encoded word.
  if (text.size() <= max_line && std::all_of(text.begin(), text.end(), is_plain) && text.find("=?") == text.npos) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(at + encoded_word_bytes, text.size());
    while (end < text.size() && end > at + 1 && (text[end] & 0xc0) == 0x80) --end;
    out += (at ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?") + base64(text.substr(at, end - at)) + "?=";
    at = end;
  }
  return out;
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

std::string mailbox_text(const Mailbox& box) {
  if (box.name.empty()) return box.address;
  const bool plain = std::all_of(box.name.begin(), box.name.end(), is_plain);
  return (plain ? quoted(box.name) : header_text(box.name)) + " <" + box.address + ">";
}

std::string quoted_printable(const std::string& text) {
  std::string out, line;
  const auto add = [&](const std::string& piece) {
    if (line.size() + piece.size() > max_line - 1) {
      out += line + "=\r\n";
      line.clear();
    }
    line += piece;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n') {
      out += line + "\r\n";
      line.clear();
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool as_is = (is_plain(c) && c != '=' && c != ' ') || (c == ' ' && !at_end);
    add(as_is ? std::string(1, c) : fmt::format("={:02X}", static_cast<unsigned char>(c)));
  }
  if (!line.empty()) out += line + "\r\n";
  return out;
}

std::string date_text(Seconds now) {
  const std::time_t time = now;
  std::tm parts{};
  gmtime_r(&time, &parts);
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                     parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

Mailbox parse_mailbox(const std::string& text) {
  refuse_controls("address", text);
  Mailbox box;
  const std::size_t open = text.find('<');
  if (open == text.npos) {
    box.address = text;
  } else {
    if (text.back() != '>') throw std::runtime_error(fmt::format("\"{}\" is no mail address: expected \"Name <name@host>\".", text));
    box.address = text.substr(open + 1, text.size() - open - 2);
    const std::size_t last = text.find_last_not_of(' ', open ? open - 1 : 0);
    if (open > 0 && last != text.npos) box.name = text.substr(0, last + 1);
  }
  const std::size_t at = box.address.find('@');
  if (at == box.address.npos || at == 0 || at + 1 == box.address.size() ||
      box.address.find_first_of(" <>\",;@", at + 1) != box.address.npos || box.address.find_first_of(" <>\",;") < at ||
      !std::all_of(box.address.begin(), box.address.end(), is_plain))
    throw std::runtime_error(fmt::format("\"{}\" is no mail address: expected \"Name <name@host>\".", text));
  return box;
}

std::string mime_message(const Mail& mail, const Mailbox& from, Seconds now) {
  refuse_controls("subject", mail.subject);
  refuse_controls("address to unsubscribe at", mail.unsubscribe);
  const std::string list =
      mail.unsubscribe.empty()
          ? std::string()
          : fmt::format("List-Unsubscribe: <{}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", mail.unsubscribe);
  const Mailbox to = parse_mailbox(mail.to);
  const std::string host = from.address.substr(from.address.find('@') + 1);
  return fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{}>\r\nAuto-Submitted: auto-generated\r\n{}MIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
      date_text(now), mailbox_text(from), mailbox_text(to), header_text(mail.subject), new_id(), host, list, quoted_printable(mail.text));
}

}  // namespace webwrap
