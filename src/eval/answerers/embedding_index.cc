#include "eval/answerers/embedding_index.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "eval/answerers/api_request.h"
#include "read/session.h"

namespace tome::eval {
namespace {

class EmbeddingIndex : public PassageIndex {
 public:
  EmbeddingIndex(EmbeddingRetriever& retriever, std::shared_ptr<const Embeddings> passages)
      : retriever_(retriever), passages_(std::move(passages)) {}

  std::vector<std::vector<std::size_t>> best(const std::vector<std::string>& questions, std::size_t count) override {
    std::vector<std::vector<std::size_t>> result;
    for (const std::vector<float>& question : retriever_.embed(questions)) result.push_back(nearest(question, count));
    return result;
  }

 private:
  std::vector<std::size_t> nearest(const std::vector<float>& question, std::size_t count) const {
    std::vector<double> cosines;
    for (const std::vector<float>& passage : *passages_) {
      cosines.push_back(std::inner_product(passage.begin(), passage.end(), question.begin(), 0.0));
    }
    std::vector<std::size_t> order(cosines.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return cosines[a] > cosines[b]; });
    order.resize(std::min(order.size(), count));
    return order;
  }

  EmbeddingRetriever& retriever_;
  std::shared_ptr<const Embeddings> passages_;
};

std::uint64_t hash_of(const std::vector<std::string_view>& passages) {
  std::uint64_t hash = 0;
  for (const std::string_view passage : passages) hash = XXH3_64bits_withSeed(passage.data(), passage.size(), hash);
  return hash;
}

void normalise(std::vector<float>& vector) {
  const double length = std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
  if (length == 0) return;
  for (float& value : vector) value = static_cast<float>(value / length);
}

EmbeddingOptions checked(EmbeddingOptions options) {
  if (options.model.empty()) throw_user_error("--retrieve embeddings: needs --embeddings-model NAME");
  if (options.connection.url.empty()) options.connection.url = default_url(ApiKind::kOpenai);
  TOME_CHECK(options.batch > 0);
  return options;
}

}  // namespace

EmbeddingRetriever::EmbeddingRetriever(EmbeddingOptions options, std::function<bool()> stopped)
    : options_(checked(std::move(options))),
      stopped_(std::move(stopped)),
      client_(options_.connection, ApiKind::kOpenai, api_endpoint(options_.connection.url, "embeddings")) {}

std::unique_ptr<PassageIndex> EmbeddingRetriever::index(const std::vector<std::string_view>& passages) {
  std::shared_ptr<const Embeddings>& kept = documents_[hash_of(passages)];
  if (!kept) {
    kept = std::make_shared<const Embeddings>(embed({passages.begin(), passages.end()}));
  }
  return std::make_unique<EmbeddingIndex>(*this, kept);
}

Embeddings EmbeddingRetriever::embed(const std::vector<std::string>& texts) {
  Embeddings result;
  for (std::size_t begin = 0; begin < texts.size(); begin += options_.batch) {
    for (auto& vector : embed_batch(texts, begin, std::min(begin + options_.batch, texts.size()))) {
      normalise(vector);
      result.push_back(std::move(vector));
    }
  }
  return result;
}

Embeddings EmbeddingRetriever::embed_batch(const std::vector<std::string>& texts, std::size_t begin, std::size_t end) {
  nlohmann::json request = {
      {"model", options_.model}, {"encoding_format", "float"}, {"input", nlohmann::json::array()}};
  for (std::size_t i = begin; i < end; ++i) request["input"].push_back(texts[i]);
  Embeddings result;
  const ApiReply reply =
      client_.post(request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), "embeddings",
                   [&](std::string_view body) { result = parse_embeddings(body, end - begin); }, {stopped_, stopped_});
  if (reply.stopped) throw Interrupted("stopped while passages were embedded");
  if (!reply.error.empty()) {
    throw_user_error(client_.endpoint().text(), ": ", reply.error, "; without embeddings no passage can be chosen");
  }
  if (width_ == 0) width_ = result.front().size();
  if (result.front().size() != width_) {
    throw_user_error(client_.endpoint().text(), ": embeddings of ", width_, " and of ", result.front().size(),
                     " numbers; is it one model?");
  }
  return result;
}

nlohmann::json EmbeddingRetriever::description() const {
  return {{"retrieve", "embeddings"}, {"url", client_.endpoint().text()}, {"model", options_.model}};
}

}  // namespace tome::eval
