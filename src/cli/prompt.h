// Questions from a terminal, with history and line editing, or line by line from a pipe.
#pragma once

#include <functional>
#include <string>

namespace tome::cli {

/// Calls `ask` with each line that is not blank, until the end of input, "exit" or "quit". A UserError of one question
/// is shown at a terminal and the next one asked for, else thrown on; Ctrl-C at the prompt drops the line.
void prompt(const std::function<void(const std::string&)>& ask);

}  // namespace tome::cli
