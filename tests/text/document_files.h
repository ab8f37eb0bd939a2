// Files for the tests of documents: a folder that is gone afterwards, and what is promised of every document.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "text/document.h"
#include "text/encoding.h"

namespace tome {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tome-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// What holds for every document: clean text, and sections that tile it.
inline void expect_sound(const Document& document) {
  EXPECT_EQ(valid_utf8(document.text), document.text);
  EXPECT_EQ(document.text.find('\r'), std::string::npos);
  EXPECT_EQ(document.text.find('\0'), std::string::npos);
  EXPECT_FALSE(document.name.empty());
  std::size_t at = 0;
  for (const Section& section : document.sections) {
    EXPECT_EQ(section.begin, at) << section.title;
    EXPECT_LT(section.begin, section.end) << section.title;
    EXPECT_FALSE(section.title.empty());
    at = section.end;
  }
  EXPECT_EQ(at, document.text.size());
}

/// The message of the UserError that reading throws; it must be one line that names the file.
inline std::string read_error(const std::filesystem::path& path) {
  try {
    read_documents({path});
  } catch (const UserError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_THAT(message, testing::StartsWith(path.string() + ": "));
    return message;
  }
  ADD_FAILURE() << path << " was read";
  return {};
}

inline std::string section_text(const Document& document, std::size_t index) {
  const Section& section = document.sections.at(index);
  return document.text.substr(section.begin, section.end - section.begin);
}

/// TOME_DATA/NAME, or empty.
inline std::filesystem::path shared_file(const std::string& name) {
  const char* folder = std::getenv("TOME_DATA");
  if (folder == nullptr) return {};
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace tome
