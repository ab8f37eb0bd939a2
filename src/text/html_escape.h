// Strangers' text inside HTML that we write.
#pragma once

#include <string>
#include <string_view>

namespace tome {

/// `text` as it may stand in HTML text and in attributes: & < > " ' as entities, control characters and bytes that are
/// no UTF-8 as U+FFFD (a line feed and a tab stay).
std::string escape_html(std::string_view text);

}  // namespace tome
