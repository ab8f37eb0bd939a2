// A tokenizer that can be read: a byte is its own id, control tokens come after them by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace tome {

class LetterTokenizer : public Tokenizer {
 public:
  struct Settings {
    std::vector<std::string> controls = {"<bos>", "<eos>"};  // ids from 256 on; "<bos>" is BOS
    std::vector<std::string> ends = {"<eos>"};
    bool add_bos = true;
    bool prefixes_space = false;  // as Llama 2's
    std::string chat_template;
  };

  LetterTokenizer() : LetterTokenizer(Settings()) {}
  explicit LetterTokenizer(Settings settings) : settings_(std::move(settings)) {
    chat_template_ = settings_.chat_template;
    bos_ = find("<bos>");
    add_bos_ = settings_.add_bos && bos_ >= 0;
    for (const std::string& name : settings_.ends) end_.push_back(find(name));
    for (int byte = 0; byte < 256; ++byte) bytes_.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  }

  Encoded encode(std::string_view text) const override {
    Encoded encoded;
    if (settings_.prefixes_space && !text.empty()) {
      encoded.ids.push_back(' ');
      encoded.offsets.push_back(0);
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      encoded.offsets.push_back(static_cast<std::uint32_t>(i));
      encoded.ids.push_back(static_cast<unsigned char>(text[i]));
    }
    encoded.offsets.push_back(static_cast<std::uint32_t>(text.size()));
    return encoded;
  }
  std::string_view bytes(TokenId id) const override {
    return id < 256 ? std::string_view(bytes_).substr(static_cast<std::size_t>(id), 1) : std::string_view();
  }
  TokenId find(std::string_view piece) const override {
    for (std::size_t i = 0; i < settings_.controls.size(); ++i) {
      if (settings_.controls[i] == piece) return static_cast<TokenId>(256 + i);
    }
    return -1;
  }
  std::size_t vocabulary() const override { return 256 + settings_.controls.size(); }

  /// The ids as text, control tokens by name.
  std::string spell(const std::vector<TokenId>& ids) const {
    std::string text;
    for (const TokenId id : ids) {
      text += id < 256 ? std::string(bytes(id)) : settings_.controls.at(static_cast<std::size_t>(id - 256));
    }
    return text;
  }

 private:
  Settings settings_;
  std::string bytes_;
};

}  // namespace tome
