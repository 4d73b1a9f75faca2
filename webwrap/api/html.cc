#include "api/html.h"

#include <fmt/format.h>

namespace webwrap {

const char html_head_start[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<link rel=\"icon\" href=\"/assets/favicon.svg\">\n"
    "<link rel=\"stylesheet\" href=\"/assets/css/base.css\">\n"
    "<link rel=\"stylesheet\" href=\"/assets/share.css\">\n";

const char html_brand[] =
    "<p class=\"brand\"><a href=\"/\"><img src=\"/assets/favicon.svg\" alt=\"\" width=\"28\" height=\"28\">Made with voxconv</a></p>\n";

std::string escape_html(const std::string& text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  return result;
}

std::string isolated(const std::string& text) { return "<bdi>" + escape_html(text) + "</bdi>"; }

std::string meta_tag(const char* kind, const std::string& name, const std::string& content) {
  return fmt::format("<meta {}=\"{}\" content=\"{}\">\n", kind, name, escape_html(content));
}

http::Response html_response(int status, std::string html) {
  http::Response response;
  response.status = status;
  response.type = "text/html; charset=utf-8";
  response.body = std::move(html);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  return response;
}

http::Response message_page(int status, const std::string& title, const std::string& html) {
  return html_response(status,
                       fmt::format("{}<title>{}</title>\n<meta name=\"robots\" content=\"noindex\">\n</head>\n<body>\n<main>\n<h1>{}</h1>\n"
                                   "{}{}</main>\n</body>\n</html>\n",
                                   html_head_start, escape_html(title), escape_html(title), html, html_brand));
}

}  // namespace webwrap
