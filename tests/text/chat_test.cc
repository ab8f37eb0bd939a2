// Conversations in the models' chat templates, against transformers' apply_chat_template (golden/make_chats.py).
#include "text/chat.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "real_models.h"
#include "text/letter_tokenizer.h"
#include "text/tokenizer_goldens.h"

namespace tome {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json golden() { return json::parse(read_all(fs::path(TOME_GOLDEN_DIR) / "chats.json")); }

struct Conversation {
  std::string system;
  std::vector<QuestionAnswer> exchanges;

  explicit Conversation(const json& messages) {
    for (const json& message : messages) {
      const std::string content = message.at("content");
      if (message.at("role") == "system") system = content;
      if (message.at("role") == "user") exchanges.push_back({content, {}});
      if (message.at("role") == "assistant") exchanges.back().answer = content;
    }
  }
};

struct Flat {
  std::vector<TokenId> ids;
  std::vector<std::vector<std::size_t>> answers;
};

Flat flatten(const ChatPrompt& prompt) {
  Flat flat;
  const auto append = [&](const std::vector<TokenId>& ids) { flat.ids.insert(flat.ids.end(), ids.begin(), ids.end()); };
  for (const auto* part : {&prompt.opening, &prompt.system, &prompt.after_system}) append(*part);
  for (const ChatExchange& exchange : prompt.exchanges) {
    for (const auto* part : {&exchange.before, &exchange.question, &exchange.after}) append(*part);
    flat.answers.push_back({flat.ids.size(), flat.ids.size() + exchange.answer.size()});
    append(exchange.answer);
  }
  return flat;
}

ChatPrompt encode(const Tokenizer& tokenizer, const Layout& layout, const json& messages) {
  const Conversation conversation(messages);
  return encode_chat(tokenizer, layout, conversation.system, conversation.exchanges);
}

void expect_golden_ids(bool tiny_ones, const std::string& layout) {
  const json all = golden();
  std::size_t checked = 0;
  for (const json& family : all.at("tokens")) {
    if (family.at("tiny") != tiny_ones || family.at("layout") != layout) continue;
    const std::string file = family.at("tokenizer");
    const fs::path path = tiny_ones ? tokenizer_goldens() / file : real_model(file);
    if (!fs::exists(path)) GTEST_SKIP() << path << " is not there; ./run setup fetches it";
    const OpenTokenizer tokenizer(path);
    for (const json& chat : family.at("chats")) {
      const Flat flat = flatten(encode(*tokenizer, find_layout(layout), chat.at("messages")));
      const auto whole = chat.at("ids").get<std::vector<TokenId>>();
      ASSERT_LE(flat.ids.size(), whole.size());
      const auto end = whole.begin() + static_cast<std::ptrdiff_t>(flat.ids.size());
      EXPECT_EQ(flat.ids, std::vector<TokenId>(whole.begin(), end)) << file << " " << chat.at("messages");
      EXPECT_EQ(tokenizer->decode({end, whole.end()}), "\n");  // nobody generates what follows the last turn
      EXPECT_EQ(flat.answers, chat.at("answers").get<std::vector<std::vector<std::size_t>>>());
      ++checked;
    }
  }
  EXPECT_EQ(checked, 5u);
}

TEST(Chat, IdsOfChatMlAreThoseOfTransformers) { expect_golden_ids(true, "chatml"); }
TEST(Chat, IdsOfGemmaAreThoseOfTransformers) { expect_golden_ids(true, "gemma"); }
TEST(Chat, IdsOfTheRealSmolLm2AreThoseOfTransformers) { expect_golden_ids(false, "chatml"); }
TEST(Chat, IdsOfTheRealGemmaAreThoseOfTransformers) { expect_golden_ids(false, "gemma"); }

LetterTokenizer::Settings controls_of(const std::string& layout) {
  LetterTokenizer::Settings settings;
  if (layout == "chatml") settings.controls = {"<|im_start|>", "<|im_end|>"};
  if (layout == "gemma") settings.controls = {"<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"};
  if (layout == "llama3") {
    settings.controls = {"<bos>", "<eos>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
  }
  settings.ends = {settings.controls.back()};
  return settings;
}

TEST(Chat, TextsAreThoseOfTheTemplates) {
  std::set<std::string> seen;
  const json all = golden();
  for (const json& family : all.at("texts")) {
    const std::string layout = family.at("layout");
    seen.insert(layout);
    const LetterTokenizer tokenizer(controls_of(layout));
    for (const json& chat : family.at("chats")) {
      std::string text = tokenizer.spell(flatten(encode(tokenizer, find_layout(layout), chat.at("messages"))).ids);
      if (layout == "chatml" || layout == "gemma") text += "\n";
      EXPECT_EQ(text, chat.at("text").get<std::string>()) << layout;
    }
  }
  EXPECT_EQ(seen, (std::set<std::string>{"chatml", "gemma", "llama2", "llama3"}));
}

TEST(Chat, TheTokenizersTemplateServesWhenTheLayoutIsNone) {
  LetterTokenizer::Settings settings = controls_of("gemma");
  settings.chat_template = "{{ '<start_of_turn>' }}";
  const LetterTokenizer tokenizer(settings);
  const std::vector<QuestionAnswer> exchanges = {{"Q", "A"}};
  const ChatPrompt prompt = encode_chat(tokenizer, find_layout("qa"), "", exchanges);
  EXPECT_EQ(prompt.layout->name, "gemma");
  EXPECT_EQ(tokenizer.spell(flatten(prompt).ids),
            "<bos><start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>");
}

TEST(Chat, WithoutATemplateQuestionAndAnswerAreInTheLayoutsWords) {
  const LetterTokenizer tokenizer;
  const std::vector<QuestionAnswer> exchanges = {{"Q", " A "}, {"R", "B"}};
  const auto text = [&](const char* layout, std::string_view system) {
    return tokenizer.spell(flatten(encode_chat(tokenizer, find_layout(layout), system, exchanges)).ids);
  };
  EXPECT_EQ(text("qa", ""), "<bos>Question: Q\nAnswer: A\nQuestion: R\nAnswer: B\n");
  EXPECT_EQ(text("qa", "A story."), "<bos>A story.\n\nQuestion: Q\nAnswer: A\nQuestion: R\nAnswer: B\n");
  EXPECT_EQ(text("quote", ""), "<bos>Question: Q\nThe text says: \"A\"\nQuestion: R\nThe text says: \"B\"");
}

TEST(Chat, AMessageCannotOpenATurn) {
  const LetterTokenizer tokenizer(controls_of("chatml"));
  const std::vector<QuestionAnswer> exchanges = {{"x<|im_end|>", "<|im_start|>y"}};
  const ChatPrompt prompt = encode_chat(tokenizer, find_layout("chatml"), "<|im_end|>", exchanges);
  EXPECT_EQ(prompt.system, tokenizer.encode("<|im_end|>").ids);
  EXPECT_EQ(prompt.exchanges[0].question, tokenizer.encode("x<|im_end|>").ids);
  std::vector<TokenId> answer = tokenizer.encode("<|im_start|>y").ids;
  answer.push_back(tokenizer.find("<|im_end|>"));
  EXPECT_EQ(prompt.exchanges[0].answer, answer);
}

}  // namespace
}  // namespace tome
