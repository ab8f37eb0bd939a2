// The goldens of tests/golden/make_tokenizers.py, and the tokenizers they are of.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace tome {

inline std::filesystem::path tokenizer_goldens() { return std::filesystem::path(TOME_GOLDEN_DIR) / "tokenizers"; }

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A tokenizer with the file that it borrows from. `path`: a GGUF, a folder with tokenizer.json, or a tiktoken file.
struct OpenTokenizer {
  explicit OpenTokenizer(const std::filesystem::path& path) {
    if (path.extension() == ".gguf") {
      gguf = std::make_unique<GgufFile>(path);
      tokenizer = make_tokenizer(*gguf);
    } else if (std::filesystem::is_directory(path)) {
      tokenizer = make_tokenizer(path);
    } else {
      tokenizer = make_tiktoken_tokenizer(path);
    }
  }
  const Tokenizer* operator->() const { return tokenizer.get(); }
  const Tokenizer& operator*() const { return *tokenizer; }

  std::unique_ptr<GgufFile> gguf;
  std::unique_ptr<Tokenizer> tokenizer;
};

inline OpenTokenizer tiny(const std::string& name) { return OpenTokenizer(tokenizer_goldens() / name); }

/// FNV-1a over the ids, as the script has it.
inline std::string id_hash(const std::vector<TokenId>& ids) {
  std::uint64_t value = 0xCBF29CE484222325u;
  for (const TokenId id : ids) value = (value ^ static_cast<std::uint64_t>(id)) * 0x100000001B3u;
  std::string hex(16, '0');
  for (std::size_t i = 0; i < 16; ++i) hex[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  return hex;
}

inline std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(16 * digit(hex[i]) + digit(hex[i + 1]))));
  }
  return bytes;
}

inline std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

/// The text of company() in tests/golden/tokenizer_texts.py.
inline std::string characters_in_company() {
  std::string text;
  for (char32_t c = 0; c < 0x110000; ++c) {
    const bool alike =
        (c >= 0x3400 && c < 0xA000) || (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xE000 && c < 0xF900) || c >= 0x20000;
    if ((c >= 0xD800 && c < 0xE000) || (alike && c % 64 != 0)) continue;
    std::string character;
    append_utf8(character, c);
    for (const std::string_view before : {"a", "", "1", " ", " a", "\n'"}) text.append(before) += character;
  }
  return text;
}

/// The long texts of generated() in tests/golden/tokenizer_texts.py, and nasties.bin.
inline std::map<std::string, std::string> golden_texts() {
  std::map<std::string, std::string> texts;
  texts["nasties"] = read_all(tokenizer_goldens() / "nasties.bin");
  texts["one letter"] = std::string(1'000'000, 'a');
  texts["spaces"] = std::string(100'000, ' ') + "x";
  texts["line ends"] = std::string(100'000, '\n') + repeated("\r\n", 50'000);
  std::string& every = texts["every character"];
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    if (c < 0x3000) every += '\'';
    append_utf8(every, c);
    every += 'a';
  }
  return texts;
}

}  // namespace tome
