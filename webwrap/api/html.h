#pragma once
#include <string>

#include "http/message.h"

namespace webwrap {

/// The parts that pages made by the service have in common. What people wrote goes through escape_html or isolated, always.

std::string escape_html(const std::string& text);
/// Text amid other text: escaped, and its direction does not turn what is around it.
std::string isolated(const std::string& text);
/// `<meta {kind}="{name}" content="{content}">`
std::string meta_tag(const char* kind, const std::string& name, const std::string& content);

/// From the doctype into the head, with the styles that all these pages share.
extern const char html_head_start[];
/// The line at the foot of a page that says what made it.
extern const char html_brand[];

/// A page that says one thing: `text` is HTML. Not for search engines.
http::Response message_page(int status, const std::string& title, const std::string& html);
http::Response html_response(int status, std::string html);

}  // namespace webwrap
