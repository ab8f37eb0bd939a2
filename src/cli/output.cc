#include "cli/output.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/error.h"

namespace tome::cli {

void OutFlags::add_to(CLI::App& command) {
  command.add_option("-o,--out", path, "write to this file instead of stdout");
  command.add_flag("--force", force, "replace the file if it exists");
}

void refuse_overwriting(const std::string& path, bool force) {
  std::error_code error;
  if (!force && std::filesystem::exists(path, error)) {
    throw_user_error(path, ": is there already; --force replaces it");
  }
}

Output::Output(const OutFlags& flags) {
  if (flags.path.empty() || flags.path == "-") return;
  refuse_overwriting(flags.path, flags.force);
  file_ = std::make_unique<NewFile>(flags.path);
}

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
    return;
  }
  errno = 0;
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!std::cout) finish_stdout();
}

void Output::finish() {
  if (file_) {
    file_->finish();
  } else {
    finish_stdout();
  }
}

void finish_stdout() {
  std::cout.flush();
  if (std::cout || errno == EPIPE) return;
  const int reason = errno;
  std::cout.clear();
  throw_user_error("stdout: ", reason != 0 ? std::strerror(reason) : "cannot be written to",
                   "; make room or write elsewhere");
}

}  // namespace tome::cli
