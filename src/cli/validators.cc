#include "cli/validators.h"

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/common.h"

namespace tome::cli {
namespace {

// parse_count and parse_bytes read it.
CLI::Validator read_by(const std::function<std::int64_t(const std::string&, const std::string&)>& parse,
                       const std::string& name) {
  return {[parse](std::string& text) {
            try {
              if (!text.empty()) parse("", text);
              return std::string();
            } catch (const UserError& error) {
              return std::string(std::string_view(error.what()).substr(std::string_view(": ").size()));
            }
          },
          name};
}

}  // namespace

CLI::Validator between(double least, double most) {
  const std::string range = cat(least, " to ", most);
  return {[=](std::string& text) {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            const bool good = !text.empty() && *end == '\0' && value >= least && value <= most;
            return good ? std::string() : cat("got \"", text, "\", expected a number, ", range);
          },
          range};
}

CLI::Validator count() { return read_by(parse_count, "such as 8k or 100000"); }
CLI::Validator bytes() { return read_by(parse_bytes, "such as 512MiB or 2GiB"); }

}  // namespace tome::cli
