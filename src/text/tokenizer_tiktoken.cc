// Tokenizers from a tiktoken file: a line for each piece, its bytes in base64, a space, its rank (which is its id).
// https://github.com/openai/tiktoken
#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/bpe_byte_level.h"
#include "text/tokenizer.h"

namespace tome {
namespace {

/// Llama 3.1's control tokens follow the pieces: these, then <|reserved_special_token_N|> up to 256 in all.
/// https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py
constexpr std::size_t kControlTokens = 256;
constexpr std::string_view kControlNames[] = {"<|begin_of_text|>",
                                              "<|end_of_text|>",
                                              "<|reserved_special_token_0|>",
                                              "<|reserved_special_token_1|>",
                                              "<|finetune_right_pad_id|>",
                                              "<|step_id|>",
                                              "<|start_header_id|>",
                                              "<|end_header_id|>",
                                              "<|eom_id|>",
                                              "<|eot_id|>",
                                              "<|python_tag|>",
                                              "<|image|>"};

/// False when `text` is not base64 with its padding.
bool read_base64(std::string_view text, std::string& bytes) {
  static const std::array<int, 256> values = [] {
    std::array<int, 256> table;
    table.fill(-1);
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
    return table;
  }();
  bytes.clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  unsigned group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool padded = i >= text.size() - padding;
    const int value = padded ? 0 : values[static_cast<unsigned char>(text[i])];
    if (value < 0) return false;
    group = (group << 6) | static_cast<unsigned>(value);
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16u, 8u, 0u})
      bytes.push_back(static_cast<char>(static_cast<unsigned char>(group >> shift)));
    group = 0;
  }
  bytes.resize(bytes.size() - padding);
  return true;
}

Pieces read_pieces(const std::string& where, std::string_view text) {
  Pieces pieces(where, 1u << 17, text.size());
  std::string bytes;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (entry.ends_with('\r')) entry.remove_suffix(1);
    if (entry.empty()) continue;
    const std::size_t space = std::min(entry.find(' '), entry.size() - 1);
    const std::string_view number = entry.substr(space + 1);
    std::size_t rank = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), rank);
    const bool is_number = error == std::errc() && stop == number.data() + number.size();
    if (!is_number || !read_base64(entry.substr(0, space), bytes)) {
      throw_user_error(where, ": line ", line,
                       " is not a token in base64, a space and its rank; this is no tiktoken file");
    }
    if (rank != pieces.size()) {
      throw_user_error(where, ": line ", line, ": got rank ", rank, ", expected ", pieces.size());
    }
    pieces.add(bytes, PieceType::kNormal);
  }
  if (pieces.size() == 0) throw_user_error(where, ": no tokens in it; get the file again");
  return pieces;
}

AddedTokens add_control_tokens(Pieces& pieces) {
  AddedTokens added;
  for (std::size_t i = 0; i < kControlTokens; ++i) {
    constexpr std::size_t kNamed = std::size(kControlNames);
    const std::string name =
        i < kNamed ? std::string(kControlNames[i]) : cat("<|reserved_special_token_", i - kNamed + 2, "|>");
    added.add(name, static_cast<TokenId>(pieces.size()), true);
    pieces.add(name, PieceType::kControl);
  }
  added.finish(pieces.where());
  return added;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tiktoken_tokenizer(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  const auto bytes = mapped.bytes();
  Pieces pieces = read_pieces(file.string(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  AddedTokens added = add_control_tokens(pieces);
  pieces.index([&pieces](TokenId id) { return pieces.text(id); });
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(static_cast<unsigned char>(byte));
    if (pieces.find_text({&c, 1}) < 0) {
      throw_user_error(file.string(), ": byte ", byte, " is not a token, expected all 256; get the file again");
    }
  }
  TokenizerSettings settings;
  settings.bos = pieces.find(kControlNames[0]);
  settings.add_bos = true;
  settings.ends = {pieces.find("<|end_of_text|>"), pieces.find("<|eot_id|>"), pieces.find("<|eom_id|>")};
  auto tokenizer = std::make_unique<ByteLevelTokenizer>(std::move(pieces), MergeRules(MergeRules::Order::kIds),
                                                        std::move(added), PreTokenizer::kLlama3, /*whole_words=*/true);
  tokenizer->settle(std::move(settings));
  return tokenizer;
}

}  // namespace tome
