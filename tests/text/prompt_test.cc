// Prompts part by part: what is read once, what is asked, what a model is to write.
#include "text/prompt.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/letter_tokenizer.h"
#include "text/tokenizer_goldens.h"

namespace tome {
namespace {

Layout made_layout() {
  Layout layout;
  layout.name = "made";
  layout.before_document = "<<";
  layout.after_document = ">>";
  layout.before_question = "Q:";
  layout.after_question = "\nA:";
  layout.stops = {"\n"};
  return layout;
}

TEST(Prompt, ADocumentStandsBetweenTheLayoutsWords) {
  const LetterTokenizer tokenizer;
  const DocumentPrompt prompt = encode_document(tokenizer, made_layout(), "story");
  EXPECT_EQ(tokenizer.spell(prompt.ids), "<bos><<story>>");
  EXPECT_EQ(prompt.begin, 3u);
  EXPECT_EQ(prompt.end, 8u);
  EXPECT_EQ(prompt.offsets, (std::vector<std::uint32_t>{0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 5}));
  EXPECT_EQ(tokenizer.spell(encode_document(tokenizer, made_layout(), "story", "why?").ids), "<bos><<why?\n\nstory>>");
  LetterTokenizer::Settings settings;
  settings.add_bos = false;
  EXPECT_EQ(tokenizer.spell(encode_document(LetterTokenizer(settings), made_layout(), "x").ids), "<<x>>");
}

TEST(Prompt, ACutTakesIdsAndTheirOffsets) {
  const LetterTokenizer tokenizer;
  DocumentPrompt prompt = encode_document(tokenizer, made_layout(), "story");
  cut_document(prompt, 4, 3);
  EXPECT_EQ(tokenizer.spell(prompt.ids), "<bos><<sy>>");
  EXPECT_EQ(prompt.offsets, (std::vector<std::uint32_t>{0, 0, 0, 0, 4, 5, 5, 5}));
  EXPECT_EQ(prompt.end, 5u);
  EXPECT_THROW(cut_document(prompt, 2, 1), InternalError);
  EXPECT_THROW(cut_document(prompt, 4, 2), InternalError);
}

TEST(Prompt, AnAnswerIsWhatTheModelWouldWrite) {
  const LetterTokenizer tokenizer;
  EXPECT_EQ(tokenizer.spell(encode_question(tokenizer, made_layout(), "why?")), "Q:why?\nA:");
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, made_layout(), "so")), " so\n");
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, find_layout("quote"), "so")), "so\"");
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, find_layout("llama2"), "so")), " so<eos>");
}

TEST(Prompt, AChatAnswerEndsWithItsTemplatesToken) {
  LetterTokenizer::Settings settings;
  settings.controls = {"<bos>", "<eos>", "<|im_start|>", "<|im_end|>"};
  settings.ends = {"<eos>", "<|im_end|>"};
  const LetterTokenizer tokenizer(settings);
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, find_layout("chatml"), "so")), "so<|im_end|>");
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, find_layout("chatml-answer"), "so")), " so\n");
  // A vocabulary without the template's token: EOS.
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, find_layout("gemma"), "so")), "so<eos>");
}

TEST(Prompt, WithoutAnEndTokenThereIsNoChatAnswer) {
  LetterTokenizer::Settings settings;
  settings.ends = {};
  EXPECT_THROW(encode_answer(LetterTokenizer(settings), find_layout("chatml"), "so"), UserError);
}

TEST(Prompt, ASpaceThatTheTokenizerAddsIsNotAddedTwice) {
  LetterTokenizer::Settings settings;
  settings.prefixes_space = true;
  const LetterTokenizer tokenizer(settings);
  EXPECT_EQ(tokenizer.spell(encode_answer(tokenizer, made_layout(), "so")), " so\n");
}

TEST(Prompt, AnAnswerReadsTheSameWithEveryVocabulary) {
  for (const char* name : {"gemma.gguf", "gpt-2.gguf", "llama-bpe.gguf", "llama.gguf", "smollm.gguf", "gemma-json"}) {
    const OpenTokenizer tokenizer = tiny(name);
    const std::vector<TokenId> answer = encode_answer(*tokenizer, find_layout("qa"), "Oswin Tarrel");
    EXPECT_EQ(tokenizer->decode(answer), " Oswin Tarrel\n") << name;
  }
}

}  // namespace
}  // namespace tome
