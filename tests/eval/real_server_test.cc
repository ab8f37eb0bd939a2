// Against a real server, started by real_server.py; skipped without TOME_API_URL. TOME_API_EMBEDDINGS=1: it serves
// embeddings instead of answers.
#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/answerers/api_answerer.h"
#include "eval/answerers/embedding_index.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;

class RealServer : public testing::Test {
 protected:
  void SetUp() override {
    const char* url = std::getenv("TOME_API_URL");
    if (url == nullptr) GTEST_SKIP() << "TOME_API_URL is not set; tests/eval/real_server.py sets it";
    options_.connection.url = url;
    options_.connection.retries = 0;
    options_.connection.timeout_seconds = 900;
    options_.connection.raw_folder = folder_.path();
    options_.prompt.model = "default";
    options_.prompt.min_answer_tokens = 1;
    embeddings_ = std::getenv("TOME_API_EMBEDDINGS") != nullptr;
  }

  EvalAnswer answer(const std::string& document, const std::string& question) {
    EvalSet set;
    set.documents.push_back({document, 0});
    EvalSample sample;
    sample.id = "real";
    sample.question = question;
    sample.answers = {"x"};
    sample.answer_tokens = 8;
    set.samples.push_back(sample);
    const std::size_t wanted[] = {0};
    const std::atomic<bool> stop{false};
    EvalAnswer result;
    ApiAnswerer(options_).answer(
        set, wanted, [&](std::size_t, const EvalAnswer& came) { result = came; }, {}, stop);
    return result;
  }

  TestFolder folder_;
  ApiOptions options_;
  bool embeddings_ = false;
};

TEST_F(RealServer, Chat) {
  if (embeddings_) GTEST_SKIP() << "it serves embeddings";
  const EvalAnswer result = answer("The number of the house is 4711.\n", "What is the number of the house?");
  EXPECT_EQ(result.error, "");
  EXPECT_FALSE(result.text.empty());
  EXPECT_TRUE(result.finish_reason == "stop" || result.finish_reason == "length") << result.finish_reason;
  EXPECT_GT(result.prompt_tokens, 10);
  EXPECT_GE(result.answer_tokens, 1);
  EXPECT_LE(result.answer_tokens, 8);
  EXPECT_GT(result.seconds, 0);
  EXPECT_EQ(folder_.files().size(), 1u);
  std::cout << "answer: " << result.text << '\n';
}

TEST_F(RealServer, Completions) {
  if (embeddings_) GTEST_SKIP() << "it serves embeddings";
  options_.kind = ApiKind::kOpenaiCompletions;
  const EvalAnswer result = answer("", "one two three four five");
  EXPECT_EQ(result.error, "");
  EXPECT_FALSE(result.text.empty());
  EXPECT_GE(result.prompt_tokens, 4);
  std::cout << "answer: " << result.text << '\n';
}

TEST_F(RealServer, ATextThatDoesNotFitIsAnErrorThatSaysSo) {
  if (embeddings_) GTEST_SKIP() << "it serves embeddings";
  std::string document;
  for (int i = 0; i < 5000; ++i) document += cat("Line ", i, ".\n");
  EXPECT_THAT(answer(document, "What?").error, HasSubstr("too long for the model: 400: "));
}

TEST_F(RealServer, Embeddings) {
  if (!embeddings_) GTEST_SKIP() << "TOME_API_EMBEDDINGS is not set";
  EmbeddingOptions options;
  options.connection = options_.connection;
  options.model = "default";
  EmbeddingRetriever retriever(options, [] { return false; });
  const std::vector<std::string_view> passages = {"The ferryman sold his boat.", "Bread is baked in an oven."};
  const auto index = retriever.index(passages);
  EXPECT_THAT(index->best({std::string(passages[1]), std::string(passages[0])}, 1),
              testing::ElementsAre(testing::ElementsAre(1u), testing::ElementsAre(0u)));
}

}  // namespace
}  // namespace tome::eval
