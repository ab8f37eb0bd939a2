#include "base/error.h"

namespace tome {

void check_failed(const char* condition, const char* file, int line, const std::string& detail) {
  throw InternalError(cat("check failed: ", condition, detail.empty() ? "" : ": ", detail, " (", file, ":", line, ")"));
}

}  // namespace tome
