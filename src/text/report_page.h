// The frame of an HTML report: one file that opens anywhere, needs no network and runs no script.
#pragma once

#include <string>
#include <string_view>

namespace tome {

/// The whole page. `title` and `lead` are plain text, `body` is HTML; `command` stands in the window's title.
std::string report_page(std::string_view title, std::string_view command, std::string_view lead, std::string_view body);

}  // namespace tome
