// A folder for a test's files, and what other programs computed.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"

namespace tome {

/// Removed with everything in it when the test ends.
class TrainTest : public testing::Test {
 protected:
  TrainTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tome-train-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~TrainTest() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// No file may grow beyond `bytes` while this lives: stands for a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_signal_(::signal(SIGXFSZ, SIG_IGN)) {
    if (::getrlimit(RLIMIT_FSIZE, &old_) != 0) std::abort();
    const rlimit now{bytes, old_.rlim_max};
    if (::setrlimit(RLIMIT_FSIZE, &now) != 0) std::abort();
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*old_signal_)(int);
  rlimit old_{};
};

inline std::string read_text(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Sanitizers keep books about every page, so that private memory says nothing about the program.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsMeasurable = false;
#else
inline constexpr bool kMemoryIsMeasurable = true;
#endif

/// `run` throws a UserError of one line that holds all `words`.
template <typename Run>
void expect_user_error(const Run& run, const std::vector<std::string>& words) {
  try {
    run();
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    for (const std::string& word : words) EXPECT_THAT(error.what(), testing::HasSubstr(word));
  }
}

/// A tensor of tests/golden/optimizer.safetensors.
template <typename T>
std::vector<T> golden(const std::string& name) {
  static const SafetensorsFile file(std::filesystem::path(TOME_GOLDEN_DIR) / "optimizer.safetensors");
  const SafetensorsEntry* entry = file.find(name);
  if (entry == nullptr) throw UserError("no golden " + name);
  std::vector<T> values(entry->bytes / sizeof(T));
  std::memcpy(values.data(), file.data(*entry).data(), entry->bytes);
  return values;
}

}  // namespace tome
