// Reading a text once and answering questions about it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/decode.h"
#include "model/forward.h"
#include "model/model.h"
#include "read/reading_store.h"
#include "read/reading_writer.h"
#include "read/sampler.h"
#include "text/tokenizer.h"

namespace tome {

struct SessionOptions {
  bool exact = false;
  ops::KvType kv = ops::KvType::kNative;  // of the text's keys and values
  bool keep = true;
  std::filesystem::path store;               // folder of kept readings
  std::uintmax_t store_bytes = 20ull << 30;  // the oldest-used readings go when all take more
  std::size_t chunk_rows = kDefaultChunkRows;
  bool release_pages = false;  // --memory: weights, K and V of a layer leave resident memory when it is done
  std::uint64_t adapter_fingerprint = 0;
  std::span<const LayerAdapter> adapters;
};

/// The text to read: its ids, with the byte of the text at which each begins (one more offset than ids).
struct ReadingInput {
  std::string name;             // of the document, for people
  std::uint64_t text_hash = 0;  // of everything that decides `tokens` besides the tokenizer
  std::vector<TokenId> tokens;
  std::vector<std::uint32_t> offsets;
};

struct ReadingProgress {
  std::size_t layer, layers;
  std::int64_t rows_done, rows;
};

struct ReadingResult {
  std::int64_t tokens = 0;
  std::int64_t reused_tokens = 0;  // taken from kept readings
  double seconds = 0;
  std::filesystem::path path;  // empty when not kept
};

struct Answer {
  std::string text;
  std::string finish_reason;  // "stop", "length", "interrupted"
  std::int64_t question_tokens = 0, answer_tokens = 0;
  double first_token_seconds = 0, seconds = 0;  // from the call
};

class Session {
 public:
  /// Borrows model and threads.
  Session(const Model& model, std::uint64_t tokenizer_fingerprint, Threads& threads, SessionOptions options);

  /// Hash of all settings that decide K and V; readings with another one are never used.
  std::uint64_t settings() const { return settings_; }
  /// As the options, when the length of the text is known (model/plan.h).
  void bound_memory(std::size_t chunk_rows) {
    options_.chunk_rows = chunk_rows;
    options_.release_pages = true;
  }
  /// The kept reading of exactly the text with this hash: true when there is one, and then it is open.
  bool open_kept(std::uint64_t text_hash, ReadingResult* result);
  /// Reads the text, reusing what kept readings have of it, and keeps it. Throws Interrupted when `stop` becomes true:
  /// the layers done so far are kept and the next call goes on from there.
  ReadingResult read(const ReadingInput& input, const std::function<void(const ReadingProgress&)>& progress,
                     const std::atomic<bool>& stop);

  /// Answers after the reading. `tokens`: the question with all that stands around it. on_text gets whole UTF-8
  /// characters; text at and after a stop string is withheld.
  Answer ask(std::span<const TokenId> tokens, const Tokenizer& tokenizer, const std::vector<std::string>& stops,
             const SamplerOptions& sampling, std::int64_t most_tokens,
             const std::function<void(std::string_view)>& on_text, const std::atomic<bool>& stop);

 private:
  ForwardOptions forward_options() const;
  void read_rows(const ReadingInput& input, ReadingWriter& writer, const ReadingChain& parent, std::int64_t from,
                 const std::function<void(const ReadingProgress&)>& progress, const std::atomic<bool>& stop);
  void release_layer(std::size_t layer) const;
  std::vector<float> prefill_question(std::span<const TokenId> tokens, std::vector<KvSequence<bf16>>& kv);

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  SessionOptions options_;
  ReadingStore store_;
  std::uint64_t settings_;
  ReadingChain chain_;
  std::unique_ptr<ReadingWriter> unnamed_;  // holds the file of a reading that is not kept
};

/// Thrown when the user stops a reading.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tome
