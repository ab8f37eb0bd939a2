#include "cli/output.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
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

std::string one_line(std::string_view text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;  // U+0080 to U+009F
    if (byte >= 0x20 && byte != 0x7F && !c1) {
      line += text[i];
      continue;
    }
    const unsigned char code = c1 ? next : byte;
    line += {'\\', 'x', kDigits[code >> 4], kDigits[code & 15]};
    i += c1 ? 1 : 0;
  }
  return line;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += cat(all.empty() ? "" : ", ", part);
  return all.empty() ? "none" : all;
}

std::string shortest(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

void finish_stdout() {
  if (std::cout) errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (written || errno == EPIPE) return;
  const int reason = errno;
  std::cout.clear();
  throw_user_error("stdout: ", reason != 0 ? std::strerror(reason) : "cannot be written to",
                   "; make room or write elsewhere");
}

}  // namespace tome::cli
