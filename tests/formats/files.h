// For the tests of formats: a folder that is gone afterwards, goldens, and what is asked of an error message.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"

namespace tome {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "tome-formats-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

  /// Names of all files in the folder.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename().string());
    return out;
  }

 private:
  std::filesystem::path path_;
};

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(TOME_GOLDEN_DIR) / "formats" / name;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The entry `name` of a safetensors file as numbers of type T.
template <typename T>
std::vector<T> numbers(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsEntry* entry = file.find(name);
  if (entry == nullptr) throw UserError(name + " is not in the golden");
  std::vector<T> out(entry->bytes / sizeof(T));
  std::memcpy(out.data(), file.data(*entry).data(), entry->bytes);
  return out;
}

/// Runs `action`, which must throw a UserError of one line that contains `part`.
template <typename Action>
void expect_user_error(const Action& action, std::string_view part) {
  try {
    action();
    ADD_FAILURE() << "no error, expected one with: " << part;
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(std::string(part)));
    EXPECT_EQ(std::string_view(error.what()).find_first_of("\n\r\x1b"), std::string_view::npos) << error.what();
  }
}

/// A small generator for tests: the same numbers everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }
  std::size_t below(std::size_t end) { return next() % end; }
  /// About normal, deviation 1.
  float normal() {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<float>(next()) / 0x1p31f;
    return sum - 6.0f;
  }

 private:
  std::uint64_t state_;
};

}  // namespace tome
