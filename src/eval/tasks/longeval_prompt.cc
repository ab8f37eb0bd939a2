#include "eval/tasks/longeval_prompt.h"

#include "base/error.h"

namespace tome::eval {

std::pair<std::string, std::string> split_longeval_prompt(const JsonRow& row, std::string_view mark) {
  const std::string& prompt = row.text("prompt");
  const std::size_t begin = prompt.rfind(mark);
  if (begin == std::string::npos || begin == 0) {
    throw_user_error(row.where, ": \"prompt\" is not LongEval's, expected a record and then \"", mark, "\"");
  }
  return {prompt.substr(0, begin), prompt.substr(begin)};
}

}  // namespace tome::eval
