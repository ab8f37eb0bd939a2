#include "model/module_pattern.h"

#include <re2/re2.h>

#include <string>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::int64_t kMostMemory = 1 << 20;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// Python takes {,n} for {0,n}, RE2 for these characters.
std::string with_lower_bounds(std::string_view expression) {
  std::string text;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const bool escaped = expression[i] == '\\' && i + 1 < expression.size();
    text += expression[i];
    if (escaped) {
      text += expression[++i];
    } else if (expression.substr(i, 2) == "{,") {
      text += '0';
    }
  }
  return text;
}

}  // namespace

ModulePattern::ModulePattern(std::string_view expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // names are bytes
  options.set_max_mem(kMostMemory);
  const auto own = std::make_shared<re2::RE2>(piece(with_lower_bounds(expression)), options);
  if (!own->ok()) throw_user_error(expression, ": no regular expression that is understood: ", own->error());
  expression_ = std::make_shared<re2::RE2>("(?:.*\\.)?(?:" + own->pattern() + ")", options);
  if (!expression_->ok())
    throw_user_error(expression, ": no regular expression that is understood: ", expression_->error());
}

bool ModulePattern::matches(std::string_view module) const { return re2::RE2::FullMatch(piece(module), *expression_); }

std::size_t ModulePattern::size() const { return static_cast<std::size_t>(expression_->ProgramSize()); }

}  // namespace tome
