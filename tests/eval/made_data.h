// Small files in the published formats, made for a test, and requests over them.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "base/error.h"
#include "eval/scorers/words.h"
#include "eval/task.h"

namespace tome::eval {

class MadeData {
 public:
  MadeData() {
    std::string name = (std::filesystem::temp_directory_path() / "tome-data-sets-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~MadeData() { std::filesystem::remove_all(folder_); }
  MadeData(const MadeData&) = delete;
  MadeData& operator=(const MadeData&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  /// With the folder as --data NAME; tokens are words.
  TaskRequest request(const std::string& name) const {
    TaskRequest request;
    request.data[name] = folder_;
    request.count_tokens = [](std::string_view text) { return static_cast<std::int64_t>(split_words(text).size()); };
    return request;
  }

 private:
  std::filesystem::path folder_;
};

/// `make` throws a UserError whose one line has each of `words`.
inline void expect_error(const std::function<void()>& make, const std::vector<std::string>& words) {
  try {
    make();
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    const std::string message = error.what();
    for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << message << " / " << word;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

}  // namespace tome::eval
