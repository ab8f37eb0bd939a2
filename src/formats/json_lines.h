// A file of JSON lines that grows.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tome {

/// Appended to line by line; each is on disk when add() returns.
class JsonLines {
 public:
  /// `lines`: what the file shall hold at first. It replaces the file at once. Throws UserError naming the file.
  JsonLines(std::filesystem::path path, const std::vector<std::string>& lines);
  ~JsonLines();
  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;

  void add(const std::string& line);

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace tome
