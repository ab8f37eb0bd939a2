// Layouts: names, their own control tokens, and the choice for the two real vocabularies.
#include "text/layout.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>

#include "base/error.h"
#include "formats/gguf.h"
#include "real_models.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

// A letter is its own id; "<a>" is a control token.
class LetterTokenizer : public Tokenizer {
 public:
  explicit LetterTokenizer(std::string chat = {}) { chat_template_ = std::move(chat); }
  Encoded encode(std::string_view text) const override {
    Encoded encoded;
    for (std::size_t i = 0; i < text.size(); ++i) encoded.ids.push_back(text[i]);
    for (std::size_t i = 0; i <= text.size(); ++i) encoded.offsets.push_back(static_cast<std::uint32_t>(i));
    return encoded;
  }
  std::string_view bytes(TokenId) const override { return {}; }
  TokenId find(std::string_view piece) const override { return piece == "<a>" ? kControl : -1; }
  std::size_t vocabulary() const override { return 1001; }

  static constexpr TokenId kControl = 1000;
};

Layout with_control_tokens() {
  Layout layout;
  layout.control_tokens = true;
  return layout;
}

TEST(Layout, NamesAreUniqueAndFound) {
  std::set<std::string> names;
  for (const Layout& layout : layouts()) {
    EXPECT_TRUE(names.insert(layout.name).second) << layout.name;
    EXPECT_EQ(&find_layout(layout.name), &layout);
  }
  EXPECT_THROW(find_layout("no such layout"), UserError);
}

TEST(Layout, ControlTokensOfAFrameAreOneId) {
  const LetterTokenizer tokenizer;
  const std::vector<TokenId> expected = {'x', LetterTokenizer::kControl, LetterTokenizer::kControl, 'y'};
  EXPECT_EQ(encode_frame(tokenizer, with_control_tokens(), "x<a><a>y"), expected);
}

TEST(Layout, OtherAngleBracketsStayText) {
  const LetterTokenizer tokenizer;
  const std::vector<TokenId> unknown = {'<', 'b', '>', LetterTokenizer::kControl};
  EXPECT_EQ(encode_frame(tokenizer, with_control_tokens(), "<b><a>"), unknown);
  const std::vector<TokenId> open = {'1', '<', '2'};
  EXPECT_EQ(encode_frame(tokenizer, with_control_tokens(), "1<2"), open);
  const std::vector<TokenId> nested = {'<', LetterTokenizer::kControl};
  EXPECT_EQ(encode_frame(tokenizer, with_control_tokens(), "<<a>"), nested);
}

TEST(Layout, APlainLayoutHasNoControlTokens) {
  const LetterTokenizer tokenizer;
  const std::vector<TokenId> expected = {'<', 'a', '>'};
  EXPECT_EQ(encode_frame(tokenizer, Layout{}, "<a>"), expected);
}

TEST(Layout, AChatTemplateDecides) {
  EXPECT_EQ(default_layout(LetterTokenizer("{{ '<start_of_turn>' }}")).name, "gemma");
  EXPECT_EQ(default_layout(LetterTokenizer("<|start_header_id|>")).name, "llama3");
  EXPECT_EQ(default_layout(LetterTokenizer("[INST]")).name, "llama2");
  EXPECT_FALSE(default_layout(LetterTokenizer()).control_tokens);
}

TEST(Layout, ADocumentsQuestionsHaveTheBestMeasured) {
  EXPECT_EQ(question_layout(LetterTokenizer("<|im_start|>system\nYou are ... named SmolLM")).name, "chatml-answer");
  EXPECT_EQ(question_layout(LetterTokenizer("<|im_start|>system\nYou are Qwen")).name, "chatml");
  EXPECT_EQ(question_layout(LetterTokenizer("[INST]")).name, "llama2");
  EXPECT_EQ(question_layout(LetterTokenizer()).name, "qa-example");
}

struct RealModel {
  const char* name;
  bool chat;
};

class LayoutOfRealModel : public testing::TestWithParam<RealModel> {};

TEST_P(LayoutOfRealModel, IsKnownFromTheFile) {
  const fs::path path = real_model(std::string(GetParam().name) + ".gguf");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there; ./run setup fetches it";
  const GgufFile gguf(path);
  const auto tokenizer = make_tokenizer(gguf);
  EXPECT_EQ(tokenizer->chat_template().empty(), !GetParam().chat);
  const Layout& layout = default_layout(*tokenizer);
  if (!layout.control_tokens) return;
  // Every control token of the frame is known to this vocabulary: none is spelled out.
  for (const std::string* text :
       {&layout.before_document, &layout.after_document, &layout.before_question, &layout.after_question}) {
    for (const TokenId id : encode_frame(*tokenizer, layout, *text)) {
      EXPECT_EQ(tokenizer->bytes(id).find("<|"), std::string_view::npos) << *text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LayoutOfRealModel,
                         testing::Values(RealModel{"gemma", false}, RealModel{"smollm2", true}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace tome
