#include "eval/answerers/embedding_index.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/api_server.h"
#include "read/session.h"

namespace tome::eval {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// How often a, b and c stand in a text, in no order that the caller may rely on.
void count_letters(const httplib::Request& request, httplib::Response& response) {
  const json input = json::parse(request.body).at("input");
  json data = json::array();
  for (std::size_t i = input.size(); i-- > 0;) {
    const auto text = input[i].get<std::string>();
    const auto count = [&](char letter) { return std::count(text.begin(), text.end(), letter); };
    data.push_back({{"index", i}, {"embedding", {count('a'), count('b'), count('c')}}});
  }
  response.set_content(json({{"data", data}}).dump(), "application/json");
}

EmbeddingOptions options_for(const std::string& url) {
  EmbeddingOptions options;
  options.connection.url = url;
  options.connection.first_wait_seconds = 0.01;
  options.connection.retries = 2;
  options.model = "e";
  options.batch = 2;
  return options;
}

const std::function<bool()> kNever = [] { return false; };

TEST(EmbeddingRetriever, FindsTheNearestByAngle) {
  ApiServer server([](std::size_t call, const httplib::Request& request, httplib::Response& response) {
    call == 0 ? void(response.status = 500) : count_letters(request, response);
  });
  EmbeddingRetriever retriever(options_for(server.url()), kNever);
  const auto index = retriever.index({"aab", "bbb bbb bbb a", "c", "", "aab"});
  EXPECT_THAT(index->best({"b", "aaaabb", "ccc"}, 2),
              ElementsAre(ElementsAre(1u, 0u), ElementsAre(0u, 4u), ElementsAre(2u, 0u)));
  EXPECT_EQ(index->best({"a"}, 99).front().size(), 5u);
  const auto calls = server.calls();
  EXPECT_EQ(calls.size(), 1u + 3 + 2 + 1);
  EXPECT_EQ(calls[1].path, "/v1/embeddings");
  EXPECT_EQ(calls[1].json(), json({{"model", "e"}, {"encoding_format", "float"}, {"input", {"aab", "bbb bbb bbb a"}}}));
}

TEST(EmbeddingRetriever, ADocumentIsEmbeddedOnce) {
  ApiServer server([](std::size_t, const httplib::Request& request, httplib::Response& response) {
    count_letters(request, response);
  });
  EmbeddingRetriever retriever(options_for(server.url()), kNever);
  retriever.index({"a", "b"});
  retriever.index({"a", "b"});
  EXPECT_EQ(server.calls().size(), 1u);
  retriever.index({"a", "c"});
  EXPECT_EQ(server.calls().size(), 2u);
}

TEST(EmbeddingRetriever, Errors) {
  ApiServer broken([](std::size_t, const httplib::Request&, httplib::Response& response) { response.status = 500; });
  EmbeddingRetriever retriever(options_for(broken.url()), kNever);
  EXPECT_THAT(user_error_of([&] { retriever.index({"a"}); }), HasSubstr("500 (3 attempts)"));
  ApiServer changing([](std::size_t call, const httplib::Request&, httplib::Response& response) {
    response.set_content(json({{"data", {{{"embedding", std::vector<int>(call + 1, 1)}}}}}).dump(), "application/json");
  });
  EmbeddingRetriever other(options_for(changing.url()), kNever);
  other.index({"a"});
  EXPECT_THAT(user_error_of([&] { other.index({"b"}); }), HasSubstr("embeddings of 1 and of 2"));
  EmbeddingRetriever stopped(options_for(broken.url()), [] { return true; });
  EXPECT_THROW(stopped.index({"a"}), Interrupted);
  EXPECT_THAT(user_error_of([] { EmbeddingRetriever none({}, kNever); }), HasSubstr("--embeddings-model"));
}

}  // namespace
}  // namespace tome::eval
