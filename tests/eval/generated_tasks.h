// What the tests of generated tasks share: ways to count tokens, a folder for files, and the measures of a sample.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "eval/fit.h"
#include "eval/task.h"
#include "eval/tasks/cells.h"
#include "text/letter_tokenizer.h"
#include "text/tokenizer_goldens.h"

namespace tome::eval {

/// Words, digits and marks: each run of letters, each digit and each other character that is no blank.
inline std::int64_t count_words(std::string_view text) {
  std::int64_t count = 0;
  bool inside = false;
  for (const char c : text) {
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    if (c != ' ' && !(letter && inside)) ++count;
    inside = letter;
  }
  return count;
}

struct Counter {
  std::string name;
  CountTokens count;
};

inline CountTokens counter_of(std::shared_ptr<const Tokenizer> tokenizer) {
  return [tokenizer = std::move(tokenizer)](std::string_view text) {
    return static_cast<std::int64_t>(tokenizer->encode(text).ids.size());
  };
}

inline std::filesystem::path published_model(const std::string& name) {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder = data != nullptr ? data : "";
  if (folder.empty() && home != nullptr) folder = std::filesystem::path(home) / ".local/share";
  const std::filesystem::path path = folder / "tome/models" / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

/// Words, bytes, small vocabularies of either kind, and the published models where they are.
inline const std::vector<Counter>& counters() {
  static const std::vector<Counter> all = [] {
    std::vector<Counter> some = {{"words", count_words},
                                 {"letters", counter_of(std::make_shared<LetterTokenizer>())},
                                 {"letters with a space in front", [](std::string_view text) {
                                    return static_cast<std::int64_t>(text.size()) + (text.empty() ? 0 : 1);
                                  }}};
    const auto add = [&](const std::filesystem::path& path) {
      const auto open = std::make_shared<OpenTokenizer>(path);
      some.push_back({path.filename().string(), [open](std::string_view text) {
                        return static_cast<std::int64_t>((*open)->encode(text).ids.size());
                      }});
    };
    for (const char* name : {"llama.gguf", "gpt-2.gguf"}) add(tokenizer_goldens() / name);
    for (const char* name : {"gemma.gguf", "smollm2.gguf"}) {
      if (const auto path = published_model(name); !path.empty()) add(path);
    }
    return some;
  }();
  return all;
}

inline TaskRequest request_for(const CountTokens& count, std::vector<std::int64_t> lengths, std::int64_t samples,
                               std::uint64_t seed = 1) {
  TaskRequest request;
  request.lengths = std::move(lengths);
  request.samples = samples;
  request.seed = seed;
  request.count_tokens = count;
  return request;
}

/// Tokens of document, question and answer together.
inline std::int64_t tokens_of(const EvalSet& set, const EvalSample& sample, const CountTokens& count) {
  return count(set.documents.at(sample.document).text) + question_room(count, sample);
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Ids are unique, documents stand in order and are used, answers are there.
inline void check_set(const EvalSet& set) {
  std::set<std::string> ids;
  std::size_t last = 0;
  for (const EvalSample& sample : set.samples) {
    EXPECT_TRUE(ids.insert(sample.id).second) << sample.id;
    ASSERT_LT(sample.document, set.documents.size());
    EXPECT_GE(sample.document, last) << sample.id;
    last = sample.document;
    ASSERT_FALSE(sample.answers.empty());
    EXPECT_FALSE(sample.question.empty());
  }
  EXPECT_EQ(last + 1, set.documents.size());
}

inline bool same(const EvalSet& one, const EvalSet& other) {
  if (one.documents.size() != other.documents.size() || one.samples.size() != other.samples.size()) return false;
  for (std::size_t i = 0; i < one.documents.size(); ++i) {
    if (one.documents[i].text != other.documents[i].text) return false;
  }
  for (std::size_t i = 0; i < one.samples.size(); ++i) {
    const EvalSample &a = one.samples[i], &b = other.samples[i];
    if (a.id != b.id || a.question != b.question || a.answers != b.answers || a.depth != b.depth) return false;
  }
  return true;
}

/// TOME_DATA/NAME, or empty.
inline std::filesystem::path shared_data(const std::string& name) {
  const char* folder = std::getenv("TOME_DATA");
  if (folder == nullptr) return {};
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

/// TOME_DATA is as if it were not set while this lives.
class WithoutData {
 public:
  WithoutData() {
    const char* folder = std::getenv("TOME_DATA");
    if (folder != nullptr) folder_ = folder;
    ::unsetenv("TOME_DATA");
  }
  ~WithoutData() {
    if (!folder_.empty()) ::setenv("TOME_DATA", folder_.c_str(), 1);
  }
  WithoutData(const WithoutData&) = delete;
  WithoutData& operator=(const WithoutData&) = delete;

 private:
  std::string folder_;
};

/// A folder that goes when the test ends.
class TaskFiles : public testing::Test {
 protected:
  TaskFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "tome-tasks-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~TaskFiles() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// The message of the UserError that `call` throws; "" when it throws none.
template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

}  // namespace tome::eval
