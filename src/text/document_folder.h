// The files that a path stands for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tome {

struct DocumentFile {
  std::filesystem::path path;
  std::string label;         // the file's name; inside a folder its path from there
  bool from_folder = false;  // found, not named by the user
};

/// The path's last name, also of "books/".
std::filesystem::path name_of(const std::filesystem::path& path);

/// Appends `path` itself, or all regular files under the folder `path`: by name, numbers by their value ("2.txt" before
/// "10.txt"), hidden files and linked folders left out. Throws UserError when a folder cannot be listed, nests deeper
/// than 64 folders or holds more than 10,000 files.
void list_files(const std::filesystem::path& path, std::vector<DocumentFile>& files);

}  // namespace tome
