#include "text/document_folder.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "text/document_source.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 10000;
constexpr int kMaxDepth = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view number_at(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == '0') ++at;
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return text.substr(begin, at - begin);
}

bool name_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = number_at(a, i), right = number_at(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i, ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "01" and "1"
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with('.')) entries.push_back(at->path());
    if (entries.size() > kMaxFiles) break;
  }
  if (error) throw_user_error(printable(folder), ": the folder cannot be listed: ", error.message());
  std::sort(entries.begin(), entries.end(), [](const fs::path& a, const fs::path& b) {
    return name_less(a.filename().string(), b.filename().string());
  });
  return entries;
}

void list_folder(const fs::path& folder, const std::string& prefix, int depth, std::vector<DocumentFile>& files) {
  if (depth > kMaxDepth) throw_user_error(printable(folder), ": more than ", kMaxDepth, " folders inside each other");
  for (const fs::path& entry : sorted_entries(folder)) {
    std::error_code error;
    const std::string label = prefix + printable(entry.filename());
    if (fs::is_directory(entry, error)) {
      if (!fs::is_symlink(entry, error)) list_folder(entry, label + "/", depth + 1, files);
    } else if (fs::is_regular_file(entry, error)) {
      files.push_back({entry, label, true});
      if (files.size() > kMaxFiles) {
        throw_user_error(printable(folder), ": more than ", kMaxFiles, " files; name the ones to read");
      }
    }
  }
}

}  // namespace

fs::path name_of(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  if (normal.has_filename() && normal != "." && normal != "..") return normal.filename();
  if (normal.has_filename() || !normal.has_parent_path()) return fs::absolute(normal).lexically_normal().filename();
  return normal.parent_path().filename();
}

void list_files(const fs::path& path, std::vector<DocumentFile>& files) {
  std::error_code error;
  if (path != "-" && fs::is_directory(path, error)) {
    list_folder(path, "", 0, files);
  } else {
    files.push_back({path, path == "-" ? "stdin" : printable(path.filename()), false});
  }
}

}  // namespace tome
