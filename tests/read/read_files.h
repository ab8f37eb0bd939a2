// For the tests of read: tiny models, texts, a tokenizer of made-up pieces, and sessions over a folder of readings.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "formats/files.h"
#include "read/session.h"

namespace tome {

/// Token i reads as " wI", so that every answer can be taken apart again.
class WordTokenizer : public Tokenizer {
 public:
  WordTokenizer() {
    for (int i = 0; i < 400; ++i) pieces_.push_back(cat(" w", i));
  }
  Encoded encode(std::string_view) const override { return {}; }
  std::string_view bytes(TokenId id) const override { return pieces_[static_cast<std::size_t>(id)]; }
  TokenId find(std::string_view) const override { return -1; }
  std::size_t vocabulary() const override { return pieces_.size(); }
  void set_piece(TokenId id, std::string piece) { pieces_[static_cast<std::size_t>(id)] = std::move(piece); }
  void set_end(TokenId id) { end_ = {id}; }

 private:
  std::vector<std::string> pieces_;
};

inline std::filesystem::path tiny_folder(const std::string& name) {
  return std::filesystem::path(TOME_GOLDEN_DIR) / "models" / name;
}

/// Random tokens; texts of the same seed share their beginning.
inline ReadingInput make_text(std::size_t tokens, std::uint64_t seed = 1) {
  ReadingInput input;
  input.name = "text";
  Dice dice(seed);
  for (std::size_t i = 0; i < tokens; ++i) {
    input.offsets.push_back(static_cast<std::uint32_t>(4 * i));
    input.tokens.push_back(static_cast<TokenId>(dice.below(150)));
  }
  input.offsets.push_back(static_cast<std::uint32_t>(4 * tokens));
  input.text_hash = seed * 1000003 + tokens;
  return input;
}

class ReadTest : public testing::Test {
 protected:
  /// A session as a new process would make it.
  std::unique_ptr<Session> session(const std::string& model, bool keep = true, std::uintmax_t store_bytes = 1u << 30) {
    auto& opened = models_[model];
    if (!opened) opened = std::make_unique<Model>(tiny_folder(model));
    SessionOptions options;
    options.keep = keep;
    options.store = store();
    options.store_bytes = store_bytes;
    options.exact = true;
    options.chunk_rows = 700;
    return std::make_unique<Session>(*opened, 5, threads_, options);
  }
  std::filesystem::path store() const { return scratch_.path() / "readings"; }
  ReadingResult read(Session& session, const ReadingInput& text) { return session.read(text, nullptr, never_); }
  Answer ask(Session& session, const std::vector<std::string>& stops = {}, std::int64_t most_tokens = 20) {
    const std::vector<TokenId> question = {3, 1, 4, 1, 5};
    shown_.clear();
    return session.ask(
        question, tokenizer_, stops, {}, most_tokens, [&](std::string_view text) { shown_ += text; }, never_);
  }
  /// What the text gives without anything kept.
  std::string fresh_answer(const std::string& model, const ReadingInput& text) {
    const auto unkept = session(model, false);
    EXPECT_EQ(read(*unkept, text).reused_tokens, 0);
    return ask(*unkept).text;
  }
  std::vector<std::string> stored() const {
    std::vector<std::string> names;
    if (std::filesystem::exists(store())) {
      for (const auto& entry : std::filesystem::directory_iterator(store())) names.push_back(entry.path().filename());
    }
    return names;
  }

  Scratch scratch_;
  Threads threads_{2};
  WordTokenizer tokenizer_;
  std::string shown_;
  std::atomic<bool> never_{false};
  std::map<std::string, std::unique_ptr<Model>> models_;
};

}  // namespace tome
