#include "eval/answerers/api_response.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

json chat(const json& content) {
  return {{"choices", {{{"message", {{"role", "assistant"}, {"content", content}}}, {"finish_reason", "stop"}}}},
          {"usage", {{"prompt_tokens", 12}, {"completion_tokens", 3}}}};
}

EvalAnswer openai(const json& response) { return parse_answer(ApiKind::kOpenai, response.dump()); }

TEST(ApiResponse, OpenaiChat) {
  const EvalAnswer answer = openai(chat(" The ferryman.\n"));
  EXPECT_EQ(answer.text, " The ferryman.\n");
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.prompt_tokens, 12);
  EXPECT_EQ(answer.answer_tokens, 3);
  EXPECT_EQ(answer.error, "");
}

TEST(ApiResponse, ContentMayBePartsOrNothing) {
  EXPECT_EQ(openai(chat(json::array(
                       {{{"type", "text"}, {"text", "a"}}, {{"type", "image"}}, {{"type", "text"}, {"text", "b"}}})))
                .text,
            "ab");
  EXPECT_EQ(openai(chat(nullptr)).text, "");
}

TEST(ApiResponse, OpenaiCompletions) {
  const char* body = R"({"choices":[{"text":" x ","finish_reason":"length"}]})";
  const EvalAnswer answer = parse_answer(ApiKind::kOpenaiCompletions, body);
  EXPECT_EQ(answer.text, " x ");
  EXPECT_EQ(answer.finish_reason, "length");
  EXPECT_EQ(answer.prompt_tokens, 0);
  EXPECT_THAT(user_error_of([&] { parse_answer(ApiKind::kOpenai, body); }), HasSubstr("no \"message\""));
}

TEST(ApiResponse, Anthropic) {
  const char* body = R"({"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"42"}],
    "stop_reason":"max_tokens","usage":{"input_tokens":5,"cache_read_input_tokens":100,"output_tokens":2}})";
  const EvalAnswer answer = parse_answer(ApiKind::kAnthropic, body);
  EXPECT_EQ(answer.text, "42");
  EXPECT_EQ(answer.finish_reason, "length");
  EXPECT_EQ(answer.prompt_tokens, 105);
  EXPECT_EQ(answer.answer_tokens, 2);
  EXPECT_EQ(parse_answer(ApiKind::kAnthropic, R"({"content":[],"stop_reason":"end_turn"})").finish_reason, "stop");
}

TEST(ApiResponse, WrongOnesAreErrors) {
  for (const char* body :
       {"", "<html>", "{", "[]", "null", "{}", R"({"choices":[]})", R"({"choices":[1]})",
        R"({"choices":[{"message":null}]})", R"({"choices":[{"message":{"content":5}}]})",
        R"({"error":{"message":"later"},"choices":[{"message":{"content":"x"}}]})", "{\"a\":\"\xff\"}"}) {
    EXPECT_NE(user_error_of([&] { parse_answer(ApiKind::kOpenai, body); }), "") << body;
    EXPECT_NE(user_error_of([&] { parse_answer(ApiKind::kAnthropic, body); }), "") << body;
  }
  EXPECT_NE(user_error_of([] { parse_answer(ApiKind::kOpenai, std::string(100000, '[')); }), "");
}

TEST(ApiResponse, StrangeUsageCountsAsNone) {
  for (const json& tokens : {json(-5), json(1e300), json("many"), json(18446744073709551615u), json(1.5)}) {
    json response = chat("x");
    response["usage"]["prompt_tokens"] = tokens;
    EXPECT_EQ(openai(response).prompt_tokens, 0) << tokens;
  }
}

TEST(ApiResponse, Errors) {
  const ApiError error = parse_error(
      R"({"error":{"message":"This model's maximum context length is 4096 tokens.\nYou sent 9000.","code":"context_length_exceeded"}})");
  EXPECT_EQ(error.message, "This model's maximum context length is 4096 tokens. You sent 9000.");
  EXPECT_TRUE(error.too_long);
  EXPECT_TRUE(
      parse_error(R"({"type":"error","error":{"message":"prompt is too long: 9 tokens > 8 maximum"}})").too_long);
  EXPECT_TRUE(parse_error(R"({"error":{"code":400,"type":"exceed_context_size_error","message":"x"}})").too_long);
  EXPECT_TRUE(parse_error(R"({"error":{"code":"insufficient_quota","message":"x"}})").no_credit);
  EXPECT_EQ(parse_error(R"({"error":"no such model"})").message, "no such model");
  EXPECT_FALSE(parse_error(R"({"error":"no such model"})").too_long);
  EXPECT_EQ(parse_error("<html>502</html>").message, "");
  EXPECT_EQ(parse_error(json({{"error", std::string(299, 'x') + "\u00e4\u00e4"}}).dump()).message,
            std::string(299, 'x') + "...");
}

TEST(ApiResponse, Embeddings) {
  const char* body = R"({"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2.5]}]})";
  EXPECT_THAT(parse_embeddings(body, 2), ElementsAre(ElementsAre(1.0f, 2.5f), ElementsAre(3.0f, 4.0f)));
  for (const char* wrong :
       {R"({"data":[]})", R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]})",
        R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})", R"({"data":[{"embedding":[]},{"embedding":[]}]})",
        R"({"data":[{"embedding":[1e39]},{"embedding":[1]}]})", R"({"data":[{"embedding":["1"]},{"embedding":[1]}]})",
        R"({"data":[1,2]})", "[]"}) {
    EXPECT_NE(user_error_of([&] { parse_embeddings(wrong, 2); }), "") << wrong;
  }
}

}  // namespace
}  // namespace tome::eval
