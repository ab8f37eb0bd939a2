#include "text/report_page.h"

#include "base/error.h"
#include "text/html_escape.h"
#include "text/report_style.h"

namespace tome {

std::string report_page(std::string_view title, std::string_view command, std::string_view lead,
                        std::string_view body) {
  const std::string name = escape_html(title);
  return cat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // Nothing may load or run, whatever an answer holds.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>",
      name, " \xc2\xb7 ", escape_html(command), "</title>\n<style>", kReportStyle,
      "</style>\n</head>\n<body>\n<main>\n<h1>", name, "</h1>\n<p class=\"lead\">", escape_html(lead), "</p>\n", body,
      "</main>\n</body>\n</html>\n");
}

}  // namespace tome
