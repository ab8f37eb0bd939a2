// Names from files that strangers made, as they may appear in a one-line message.
#pragma once

#include <string>
#include <string_view>

namespace tome {

/// `text` in single quotes, control characters and bytes that are not ASCII as \xNN, cut after 80 characters.
std::string in_quotes(std::string_view text);

}  // namespace tome
