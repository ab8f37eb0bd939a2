#include "eval/answerers/api_request.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using nlohmann::json;
using testing::HasSubstr;

EvalSet one_sample(const std::string& document = "A story.") {
  EvalSet set;
  set.documents.push_back({document, 0});
  EvalSample sample;
  sample.id = "a/1";
  sample.question = "Who?";
  sample.answers = {"He"};
  set.samples.push_back(sample);
  return set;
}

json request(ApiKind kind, const EvalSet& set, ApiPrompt prompt = {}, const std::string& base = "http://localhost") {
  prompt.model = "m";
  return json::parse(answer_request(kind, answer_endpoint(kind, base), prompt, set, set.samples[0]));
}

TEST(ApiRequest, Endpoints) {
  EXPECT_EQ(answer_endpoint(ApiKind::kOpenai, "http://localhost:8080").text(),
            "http://localhost:8080/v1/chat/completions");
  EXPECT_EQ(answer_endpoint(ApiKind::kOpenai, "https://a.org/x/v1/").text(), "https://a.org/x/v1/chat/completions");
  EXPECT_EQ(answer_endpoint(ApiKind::kOpenaiCompletions, "https://a.org/v1").text(), "https://a.org/v1/completions");
  EXPECT_EQ(answer_endpoint(ApiKind::kAnthropic, default_url(ApiKind::kAnthropic)).text(),
            "https://api.anthropic.com/v1/messages");
}

TEST(ApiRequest, Kinds) {
  EXPECT_EQ(find_api_kind("openai-completions"), ApiKind::kOpenaiCompletions);
  EXPECT_THAT(user_error_of([] { find_api_kind("bard"); }), HasSubstr("anthropic"));
}

TEST(ApiRequest, MessageJoinsItsParts) {
  EvalSet set = one_sample();
  EXPECT_EQ(message_text(set, set.samples[0], true), "A story.\n\nWho?");
  set.documents[0].text = "A story.\n";
  EXPECT_EQ(message_text(set, set.samples[0], true), "A story.\nWho?");
  set.documents[0].text = "";
  EXPECT_EQ(message_text(set, set.samples[0], true), "Who?");
  set.samples[0].shots = {{"What?", "That"}, {"Q: When?\nA:", " Then"}};
  set.samples[0].answer_prefix = "It was";
  EXPECT_EQ(message_text(set, set.samples[0], true), "What?\nThat\n\nQ: When?\nA: Then\n\nWho?\nIt was");
  EXPECT_EQ(message_text(set, set.samples[0], false), "What?\nThat\n\nQ: When?\nA: Then\n\nWho?");
}

TEST(ApiRequest, ALayoutGoesAroundTextCompletions) {
  EvalSet set = one_sample();
  set.samples[0].shots = {{"What?", "That"}, {"When?", " Then"}};
  set.samples[0].answer_prefix = "It was";
  const Layout layout{"qa", "<", ">\n", "Question: ", "\nAnswer:", {"\n"}};
  const std::string laid_out =
      "<A story.>\nQuestion: What?\nAnswer: That\nQuestion: When?\nAnswer: Then\nQuestion: Who?\nAnswer: It was";
  EXPECT_EQ(laid_out_text(layout, set, set.samples[0]), laid_out);
  ApiPrompt prompt;
  prompt.layout = &layout;
  EXPECT_EQ(prompt_text(ApiKind::kOpenaiCompletions, prompt, set, set.samples[0]), laid_out);
  EXPECT_THAT(prompt_text(ApiKind::kOpenai, prompt, set, set.samples[0]), testing::StartsWith("A story.\n\nWhat?"));
}

TEST(ApiRequest, OpenaiChat) {
  const json body = request(ApiKind::kOpenai, one_sample());
  EXPECT_EQ(body, json({{"model", "m"},
                        {"temperature", 0},
                        {"max_tokens", 64},
                        {"messages", {{{"role", "user"}, {"content", "A story.\n\nWho?"}}}}}));
}

TEST(ApiRequest, OpenaiItselfHasAnotherNameForTheLength) {
  ApiPrompt prompt;
  prompt.temperature.reset();
  const json body = request(ApiKind::kOpenai, one_sample(), prompt, "https://api.openai.com/v1");
  EXPECT_EQ(body.at("max_completion_tokens"), 64);
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_FALSE(body.contains("temperature"));
}

TEST(ApiRequest, CompletionsGetTheirRoomExactly) {
  const json body = request(ApiKind::kOpenaiCompletions, one_sample());
  EXPECT_EQ(body.at("prompt"), "A story.\n\nWho?");
  EXPECT_EQ(body.at("max_tokens"), 32);
}

TEST(ApiRequest, AnthropicTakesTheFirstWordsAsItsOwn) {
  EvalSet set = one_sample();
  EXPECT_EQ(request(ApiKind::kAnthropic, set).at("messages").size(), 1u);
  set.samples[0].answer_prefix = " It was \n";
  set.samples[0].answer_tokens = 100;
  const json body = request(ApiKind::kAnthropic, set);
  EXPECT_EQ(body.at("max_tokens"), 100);
  ASSERT_EQ(body.at("messages").size(), 2u);
  EXPECT_EQ(body["messages"][0]["content"], "A story.\n\nWho?");
  EXPECT_EQ(body["messages"][1], json({{"role", "assistant"}, {"content", " It was"}}));
  ApiPrompt prompt;
  prompt.prefill = false;
  const json without = request(ApiKind::kAnthropic, set, prompt);
  ASSERT_EQ(without.at("messages").size(), 1u);
  EXPECT_EQ(without["messages"][0]["content"], "A story.\n\nWho? It was \n");
}

TEST(ApiRequest, InvalidUtf8IsMended) {
  EXPECT_EQ(request(ApiKind::kOpenai, one_sample("a\xff"))["messages"][0]["content"], "a\uFFFD\n\nWho?");
}

}  // namespace
}  // namespace tome::eval
