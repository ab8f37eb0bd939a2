// Retrieval by meaning: cosines of the embeddings that a /v1/embeddings endpoint gives.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "eval/answerers/api_client.h"
#include "eval/answerers/retrieval.h"

namespace tome::eval {

struct EmbeddingOptions {
  ApiConnection connection;  // its url: --embeddings-url, its key: OPENAI_API_KEY or --key-variable
  std::string model;
  std::size_t batch = 32;  // texts in a request
};

using Embeddings = std::vector<std::vector<float>>;  // of length 1, or zeros

/// Keeps the embeddings of every document that it has seen.
class EmbeddingRetriever : public Retriever {
 public:
  /// Throws UserError as ApiClient does.
  EmbeddingRetriever(EmbeddingOptions options, std::function<bool()> stopped);

  /// Asks for embeddings. Throws UserError when none come, and Interrupted when `stopped` says true.
  std::unique_ptr<PassageIndex> index(const std::vector<std::string_view>& passages) override;
  nlohmann::json description() const override;

  /// In batches, in the order of `texts`.
  Embeddings embed(const std::vector<std::string>& texts);

 private:
  Embeddings embed_batch(const std::vector<std::string>& texts, std::size_t begin, std::size_t end);

  EmbeddingOptions options_;
  std::function<bool()> stopped_;
  ApiClient client_;
  std::size_t width_ = 0;                                                 // of a vector; 0: none has come
  std::map<std::uint64_t, std::shared_ptr<const Embeddings>> documents_;  // by the hash of their passages
};

}  // namespace tome::eval
