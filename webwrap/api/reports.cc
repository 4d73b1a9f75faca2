#include "api/reports.h"

#include <fmt/format.h>

#include "api/auth.h"
#include "api/handlers.h"
#include "api/html.h"
#include "api/json_body.h"
#include "domain/email.h"
#include "domain/id.h"
#include "log/log.h"

namespace webwrap {
namespace {

constexpr int reports_per_day = 10;  // of one address

}  // namespace

http::Response take_report(const Context& context, const http::Request& request, Report report) {
  JsonBody body(request, {"reason", "email"});
  report.id = new_id();
  report.reason = body.long_text("reason", 3, 2000);
  if (const auto email = body.optional_text("email", 3, 254)) {
    report.email = normal_email(*email).value_or("");
    if (report.email.empty()) fail_field("email", "this is not an e-mail address.");
  }
  report.created = context.clock.now();
  limit_rate(context, "report", address_of(request), reports_per_day, day);
  context.store.write([&](Transaction& transaction) { transaction.songs().add_report(report); });
  log(Level::warning, report.share.empty() ? "artist reported" : "shared song reported",
      {{"share", report.share}, {"artist", report.artist}, {"report", report.id}});
  return json_response(202, {{"id", report.id}});
}

std::string report_form(const std::string& path, const std::string& question) {
  return fmt::format(
      "<form data-report=\"{}\">\n"
      "<p><label for=\"reason\">{}</label>\n"
      "<textarea id=\"reason\" name=\"reason\" required maxlength=\"2000\" rows=\"4\"></textarea></p>\n"
      "<p><label for=\"report-email\">Your e-mail, if you want an answer</label>\n"
      "<input id=\"report-email\" type=\"email\" name=\"email\" maxlength=\"200\"></p>\n"
      "<p><button class=\"button\">Send the report</button></p>\n"
      "</form>\n",
      escape_html(path), escape_html(question));
}

}  // namespace webwrap
