// Text to token ids and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace tome {

using TokenId = std::int32_t;

struct Encoded {
  std::vector<TokenId> ids;
  /// offsets[i] is the byte of the input at which token i begins; one more entry than ids, the last is the input's
  /// size.
  std::vector<std::uint32_t> offsets;
};

/// Immutable and safe to share between threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The text's own tokens: no BOS or EOS is added, and the text of a control token stays plain text (as Hugging Face's
  /// split_special_tokens=True), while user-defined pieces are one id. Invalid UTF-8 reads as U+FFFD. Linear time.
  virtual Encoded encode(std::string_view text) const = 0;

  /// The bytes of one token, as they appear in running text; empty for control tokens. May be part of a UTF-8
  /// character.
  virtual std::string_view bytes(TokenId id) const = 0;

  /// The id of a whole piece by its own text ("<|im_start|>", "<bos>"), control tokens included; -1 when there is none.
  virtual TokenId find(std::string_view piece) const = 0;

  virtual std::size_t vocabulary() const = 0;

  TokenId bos() const { return bos_; }                             // -1: none
  const std::vector<TokenId>& end_tokens() const { return end_; }  // any of them ends an answer
  bool add_bos() const { return add_bos_; }                        // a document starts with bos()
  /// Jinja chat template as the file carries it; empty: none.
  const std::string& chat_template() const { return chat_template_; }
  /// A hash of everything that decides the ids; part of a reading's key.
  std::uint64_t fingerprint() const { return fingerprint_; }

  std::string decode(const std::vector<TokenId>& ids) const;

 protected:
  TokenId bos_ = -1;
  std::vector<TokenId> end_;
  bool add_bos_ = false;
  std::string chat_template_;
  std::uint64_t fingerprint_ = 0;
};

/// From a GGUF's tokenizer.ggml.* keys (models "gpt2" and "llama"; an unknown model or pre-tokenizer is a UserError
/// naming it). The GgufFile must outlive the tokenizer.
std::unique_ptr<Tokenizer> make_tokenizer(const GgufFile& gguf);
/// From a Hugging Face folder's tokenizer.json (+ tokenizer_config.json).
std::unique_ptr<Tokenizer> make_tokenizer(const std::filesystem::path& folder);
/// From a tiktoken file (Llama 3's tokenizer.model: base64 piece and rank a line).
std::unique_ptr<Tokenizer> make_tiktoken_tokenizer(const std::filesystem::path& file);

}  // namespace tome
