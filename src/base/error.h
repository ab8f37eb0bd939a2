// Errors: thrown once, at the edge where the input came in; printed only by cli/.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace tome {

/// Joins its arguments as operator<< prints them: cat("layer ", 3, " of ", 30).
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// The user's input or surroundings are wrong (bad file, bad flag, full disk). Exit code 2.
/// The message is one line: what, where, and what to do.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An invariant of ours is broken. Exit code 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

template <typename... Parts>
[[noreturn]] void throw_user_error(const Parts&... parts) {
  throw UserError(cat(parts...));
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const std::string& detail);

}  // namespace tome

/// An invariant; extra arguments are joined into the message.
#define TOME_CHECK(condition, ...)                                                                      \
  do {                                                                                                  \
    if (!(condition)) [[unlikely]]                                                                      \
      ::tome::check_failed(#condition, __FILE__, __LINE__, ::tome::cat("" __VA_OPT__(, ) __VA_ARGS__)); \
  } while (false)
