// From lines to examples: ids as tome ask puts them, targets, positions, and what is cut when the window is short.
#include "train/encode_row.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "data_files.h"
#include "real_models.h"
#include "text/prompt.h"
#include "text/tokenizer_goldens.h"

namespace tome {
namespace {

constexpr std::int64_t kWide = 10000;

DataRow questions(std::string document, std::vector<QuestionAnswer> pairs) {
  return {DataRow::Kind::kQuestions, std::move(document), std::move(pairs)};
}
DataRow chat(std::string system, std::vector<QuestionAnswer> pairs) {
  return {DataRow::Kind::kChat, std::move(system), std::move(pairs)};
}
DataRow text(std::string all) { return {DataRow::Kind::kText, std::move(all), {}}; }

std::string spell(const EncodedExample& example) { return LetterTokenizer().spell(example.ids); }

// Letters that tell where they are from.
std::string letters(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>('a' + i % 26);
  return out;
}

TEST(EncodeQuestions, OneQuestionIsAsAsked) {
  const EncodedRow out = encode(questions("story", {{"why?", "so"}}), kWide);
  ASSERT_EQ(out.examples.size(), 1u);
  const EncodedExample& example = out.examples[0];
  EXPECT_EQ(example.name, "data.jsonl:1");
  EXPECT_EQ(spell(example), "<bos>[story]Q:why?A: so\n");
  EXPECT_EQ(spell_targets(example), "............... so\n.");
  EXPECT_EQ(example.branches, (std::vector<std::size_t>{8}));
  for (std::size_t i = 0; i < example.ids.size(); ++i) EXPECT_EQ(example.positions[i], static_cast<std::int64_t>(i));
  const TrainingExample pass = pass_of(example);
  expect_sound(pass);
  for (std::size_t i = 0; i < pass.ids.size(); ++i) {
    EXPECT_EQ(pass.visible[i], ops::causal_range(static_cast<std::int64_t>(i), 0));
  }
}

TEST(EncodeQuestions, SeveralSeeTheDocumentAndThemselvesOnly) {
  const EncodedRow out = encode(questions("doc", {{"a", "1"}, {"b", "22"}, {"c", "3"}}), kWide);
  ASSERT_EQ(out.examples.size(), 1u);
  const EncodedExample& example = out.examples[0];
  EXPECT_EQ(spell(example), "<bos>[doc]Q:aA: 1\nQ:bA: 22\nQ:cA: 3\n");
  EXPECT_EQ(spell_targets(example),
            ".........."
            " 1\n"
            "....."
            " 22\n"
            "....."
            " 3\n.");
  EXPECT_EQ(example.branches, (std::vector<std::size_t>{6, 14, 23}));
  const std::vector<std::int64_t> positions = {0, 1, 2,  3,  4,  5,  6,  7, 8, 9, 10, 11, 12, 13, 6, 7,
                                               8, 9, 10, 11, 12, 13, 14, 6, 7, 8, 9,  10, 11, 12, 13};
  EXPECT_EQ(example.positions, positions);
  const TrainingExample pass = pass_of(example);
  expect_sound(pass);
  EXPECT_EQ(spell_visible(pass, 5), "<bos>[doc]");
  EXPECT_EQ(spell_visible(pass, 13), "<bos>[doc]Q:aA: 1\n");
  EXPECT_EQ(spell_visible(pass, 14), "<bos>[doc]Q");
  EXPECT_EQ(spell_visible(pass, 22), "<bos>[doc]Q:bA: 22\n");
  EXPECT_EQ(spell_visible(pass, 30), "<bos>[doc]Q:cA: 3\n");
  EXPECT_EQ(pass.visible[13], (ops::KeyRange{0, 14, 0, 0}));
  EXPECT_EQ(pass.visible[14], (ops::KeyRange{0, 15, 6, 14}));
  EXPECT_EQ(pass.visible[30], (ops::KeyRange{0, 31, 6, 23}));
}

TEST(EncodeQuestions, EachRowIsThatOfTheQuestionAlone) {
  const std::vector<QuestionAnswer> pairs = {{"first?", "1"}, {"second?", "22"}, {"third?", "333"}};
  for (const TrainOn train_on : {TrainOn::kAnswers, TrainOn::kAll}) {
    const auto build = [&](std::vector<QuestionAnswer> some) {
      return pass_of(
          encode(questions("document", std::move(some)), kWide, short_layout(), {}, train_on).examples.at(0));
    };
    const TrainingExample together = build(pairs);
    expect_sound(together);
    std::size_t row = 11;  // where the document ends
    for (const QuestionAnswer& pair : pairs) {
      const TrainingExample alone = build({pair});
      for (std::size_t i = 11; i < alone.ids.size(); ++i, ++row) {
        EXPECT_EQ(together.ids[row], alone.ids[i]);
        EXPECT_EQ(together.targets[row], alone.targets[i]);
        EXPECT_EQ(together.positions[row], alone.positions[i]);
        EXPECT_EQ(spell_visible(together, row), spell_visible(alone, i));
      }
    }
    EXPECT_EQ(row, together.ids.size());
  }
}

TEST(EncodeQuestions, TrainedOnAll) {
  const auto targets = [](std::vector<QuestionAnswer> pairs) {
    const DataRow row = questions("D", std::move(pairs));
    return spell_targets(encode(row, kWide, short_layout(), {}, TrainOn::kAll).examples.at(0));
  };
  EXPECT_EQ(targets({{"a", "1"}}), "[D]Q:aA: 1\n.");
  EXPECT_EQ(targets({{"a", "1"}, {"b", "2"}}), "[D].:aA: 1\n.:bA: 2\n.");
}

// <bos>[ ] are 3, Q:xA: 1\n are 8.
TEST(EncodeQuestions, WhatFitsIsNotCut) {
  const DataRow row = questions(letters(20), {{"x", "1"}});
  const EncodedRow fits = encode(row, 31);
  EXPECT_EQ(fits.cut_tokens, 0);
  EXPECT_EQ(fits.cut_examples, 0);
  EXPECT_EQ(spell(fits.examples.at(0)), "<bos>[abcdefghijklmnopqrst]Q:xA: 1\n");
  const EncodedRow cut = encode(row, 30);
  EXPECT_EQ(cut.cut_tokens, 1);
  EXPECT_EQ(cut.cut_examples, 1);
  EXPECT_EQ(spell(cut.examples.at(0)), "<bos>[abcdefghiklmnopqrst]Q:xA: 1\n");
  const EncodedRow most = encode(row, 12);
  EXPECT_EQ(most.cut_tokens, 19);
  EXPECT_EQ(spell(most.examples.at(0)), "<bos>[t]Q:xA: 1\n");
}

TEST(EncodeQuestions, AQuestionWithoutRoomIsRefusedByName) {
  expect_user_error(
      [] {
        encode(questions(letters(20), {{"x", "1"}}), 11);
      },
      "data.jsonl:1: a question with its answer takes 8 tokens, more than the 7 that --context 11 leaves "
      "it; give at least --context 12");
  expect_user_error([] { encode(questions("d", {{"x", "1"}, {"x", std::string(100, 'y')}}), 50); }, "takes 107 tokens");
  expect_user_error([] { encode(questions("d", {{"x", "1"}}), 2); }, "more than the 0 that --context 2");
}

TEST(EncodeQuestions, QuestionsAreSpreadBeforeTheDocumentIsCut) {
  const DataRow row = questions(letters(20), {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}});
  const EncodedRow out = encode(row, 23 + 16);
  EXPECT_EQ(out.cut_tokens, 0);
  ASSERT_EQ(out.examples.size(), 3u);
  EXPECT_EQ(spell(out.examples[0]), "<bos>[abcdefghijklmnopqrst]Q:aA: 1\nQ:bA: 2\n");
  EXPECT_EQ(spell(out.examples[1]), "<bos>[abcdefghijklmnopqrst]Q:cA: 3\nQ:dA: 4\n");
  EXPECT_EQ(spell(out.examples[2]), "<bos>[abcdefghijklmnopqrst]Q:eA: 5\n");
}

TEST(EncodeQuestions, ADocumentThatIsCutLeavesHalfTheWindowToQuestions) {
  const DataRow row = questions(letters(100), {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}});
  const EncodedRow out = encode(row, 40);  // 20 for questions: two of them
  ASSERT_EQ(out.examples.size(), 3u);
  EXPECT_EQ(out.cut_examples, 3);
  EXPECT_EQ(out.cut_tokens, 2 * (103 + 16 - 40) + (103 + 8 - 40));
  for (const EncodedExample& example : out.examples) {
    EXPECT_EQ(example.ids.size(), 40u);
    expect_sound(pass_of(example));
  }
  EXPECT_EQ(out.examples[0].branches.size(), 2u);
  EXPECT_EQ(out.examples[2].branches.size(), 1u);
}

TEST(EncodeQuestions, EveryWindowKeepsQuestionsAndAnswers) {
  Dice dice(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<QuestionAnswer> pairs;
    for (std::size_t i = 0, count = 1 + dice.below(6); i < count; ++i) {
      pairs.push_back({letters(1 + dice.below(9)), letters(1 + dice.below(9))});
    }
    const auto window = static_cast<std::int64_t>(27 + dice.below(100));
    const EncodedRow out = encode(questions(letters(1 + dice.below(150)), pairs), window);
    std::size_t next = 0;
    std::int64_t cut = 0;
    for (const EncodedExample& example : out.examples) {
      ASSERT_LE(static_cast<std::int64_t>(example.ids.size()), window);
      expect_sound(pass_of(example));
      const std::string all = spell(example);
      for (std::size_t i = 0; i < example.branches.size(); ++i, ++next) {
        const std::size_t end = i + 1 < example.branches.size() ? example.branches[i + 1] : example.ids.size();
        const std::vector<TokenId> part(example.ids.begin() + static_cast<std::ptrdiff_t>(example.branches[i]),
                                        example.ids.begin() + static_cast<std::ptrdiff_t>(end));
        ASSERT_EQ(LetterTokenizer().spell(part), cat("Q:", pairs[next].question, "A: ", pairs[next].answer, "\n"));
      }
      ++cut;
    }
    ASSERT_EQ(next, pairs.size());
    ASSERT_LE(out.cut_examples, cut);
    ASSERT_EQ(out.cut_examples > 0, out.cut_tokens > 0);
  }
}

TEST(EncodeQuestions, AnswersOfSeveralLinesAreCounted) {
  const DataRow row = questions("D", {{"a", "1\n2"}, {"b", "3"}});
  EXPECT_EQ(encode(row, kWide).long_answers, 1);
  EXPECT_EQ(encode(row, kWide, find_layout("llama2")).long_answers, 0);
  EXPECT_EQ(encode(chat("", {{"a", "1\n2"}}), kWide).long_answers, 1);
}

TEST(EncodeText, EveryTokenIsATarget) {
  const EncodedRow out = encode(text("abcde"), kWide);
  ASSERT_EQ(out.examples.size(), 1u);
  EXPECT_EQ(spell(out.examples[0]), "<bos>abcde");
  EXPECT_EQ(spell_targets(out.examples[0]), "abcde.");
  EXPECT_TRUE(out.examples[0].branches.empty());
  EXPECT_EQ(out.examples[0].positions, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(EncodeText, LongTextsBecomeWindowsThatPredictEachTokenOnce) {
  LetterTokenizer::Settings without;
  without.add_bos = false;
  for (const bool bos : {true, false}) {
    const LetterTokenizer tokenizer = bos ? LetterTokenizer() : LetterTokenizer(without);
    for (std::int64_t window = 2; window <= 12; ++window) {
      for (const std::size_t length : {2u, 3u, 9u, 10u, 11u, 12u, 30u}) {
        const std::string all = letters(length);
        std::string predicted;
        for (const EncodedExample& example : encode(text(all), window, short_layout(), tokenizer).examples) {
          ASSERT_LE(static_cast<std::int64_t>(example.ids.size()), window);
          EXPECT_EQ(example.ids[0] == tokenizer.bos(), bos);
          expect_sound(pass_of(example));
          std::string targets = spell_targets(example);
          EXPECT_EQ(targets.back(), '.');
          targets.pop_back();
          predicted += targets;
        }
        EXPECT_EQ(predicted, bos ? all : all.substr(1)) << window << " " << length;
      }
    }
  }
}

TEST(EncodeText, ASingleTokenTeachesNothing) {
  LetterTokenizer::Settings without;
  without.add_bos = false;
  expect_user_error([&] { encode(text("a"), kWide, short_layout(), LetterTokenizer(without)); },
                    "data.jsonl:1: has no target");
}

TEST(EncodeChat, EveryAnswerIsATarget) {
  const EncodedRow out = encode(chat("S", {{"a", "1"}, {"b", "2"}}), kWide);
  ASSERT_EQ(out.examples.size(), 1u);
  EXPECT_EQ(spell(out.examples[0]), "<bos>[S]Q:aA: 1\nQ:bA: 2\n");
  EXPECT_EQ(spell_targets(out.examples[0]),
            "........"
            " 1\n"
            "....."
            " 2\n.");
  EXPECT_TRUE(out.examples[0].branches.empty());
  const TrainingExample pass = pass_of(out.examples[0]);
  expect_sound(pass);
  EXPECT_EQ(spell_visible(pass, pass.ids.size() - 1), "<bos>[S]Q:aA: 1\nQ:bA: 2\n");
}

TEST(EncodeChat, TrainedOnAll) {
  const EncodedRow out = encode(chat("", {{"a", "1"}}), kWide, short_layout(), {}, TrainOn::kAll);
  EXPECT_EQ(spell_targets(out.examples.at(0)), "Q:aA: 1\n.");
}

// Frames: <bos> 1, [ ] 2; of an exchange Q:A: 4 and " 1\n" 3.
TEST(EncodeChat, TheLongestMessagesLoseTheirMiddles) {
  const DataRow row = chat(letters(300), {{letters(200), "1"}, {letters(70), "2"}});
  const std::int64_t whole = 3 + 300 + 200 + 70 + 14;
  EXPECT_EQ(encode(row, whole).cut_tokens, 0);
  const EncodedRow little = encode(row, whole - 10);
  EXPECT_EQ(little.cut_tokens, 10);
  EXPECT_EQ(little.cut_examples, 1);
  const std::string system = letters(300);
  EXPECT_EQ(spell(little.examples.at(0)), cat("<bos>[", system.substr(0, 145), system.substr(155), "]Q:", letters(200),
                                              "A: 1\nQ:", letters(70), "A: 2\n"));
  const EncodedRow more = encode(row, 3 + 100 + 100 + 70 + 14);
  EXPECT_EQ(more.cut_tokens, 300);
  EXPECT_EQ(more.dropped_exchanges, 0);
  EXPECT_EQ(more.examples.at(0).ids.size(), 3u + 100 + 100 + 70 + 14);
  EXPECT_NE(spell(more.examples[0]).find(cat("Q:", letters(70), "A: 2\n")), std::string::npos);
}

TEST(EncodeChat, ThenTheOldestExchangesGo) {
  std::vector<QuestionAnswer> pairs;
  for (char c = 'a'; c < 'k'; ++c) pairs.push_back({std::string(20, c), "1"});
  const DataRow row = chat("S", pairs);  // 4 + 10 * 27
  EXPECT_EQ(encode(row, 274).dropped_exchanges, 0);
  const EncodedRow out = encode(row, 273);
  EXPECT_EQ(out.dropped_exchanges, 1);
  EXPECT_EQ(out.cut_tokens, 27);
  EXPECT_EQ(out.cut_examples, 1);
  EXPECT_EQ(spell(out.examples.at(0)).substr(0, 13), "<bos>[S]Q:bbb");
  const EncodedRow last = encode(row, 31);
  EXPECT_EQ(last.dropped_exchanges, 9);
  EXPECT_EQ(spell(last.examples.at(0)), cat("<bos>[S]Q:", std::string(20, 'j'), "A: 1\n"));
  expect_user_error([&] { encode(row, 30); }, "data.jsonl:1: an exchange takes 31 tokens");
}

TEST(EncodeChat, AnOpeningIsWholeAfterADrop) {
  LetterTokenizer::Settings settings;
  settings.controls = {"<|im_start|>", "<|im_end|>"};
  settings.ends = {"<|im_end|>"};
  settings.chat_template = "<|im_start|>";
  const LetterTokenizer tokenizer(settings);
  const DataRow row = chat("S", {{"a", "1"}, {"b", "2"}});
  const auto text_at = [&](std::int64_t window) {
    return tokenizer.spell(encode(row, window, find_layout("qa"), tokenizer).examples.at(0).ids);
  };
  const std::string end = "<|im_end|>\n<|im_start|>";
  EXPECT_EQ(text_at(kWide), cat("<|im_start|>system\nS", end, "user\na", end, "assistant\n1", end, "user\nb", end,
                                "assistant\n2<|im_end|>"));
  EXPECT_EQ(text_at(50), cat("<|im_start|>system\nS", end, "user\nb", end, "assistant\n2<|im_end|>"));
}

TEST(EncodeChat, EveryWindowKeepsTheLastAnswer) {
  Dice dice(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<QuestionAnswer> pairs;
    for (std::size_t i = 0, count = 1 + dice.below(8); i < count; ++i) {
      pairs.push_back({letters(1 + dice.below(150)), letters(1 + dice.below(20))});
    }
    const auto window = static_cast<std::int64_t>(180 + dice.below(900));
    const EncodedRow out = encode(chat(letters(dice.below(200)), pairs), window);
    ASSERT_EQ(out.examples.size(), 1u);
    const EncodedExample& example = out.examples[0];
    ASSERT_LE(static_cast<std::int64_t>(example.ids.size()), window);
    expect_sound(pass_of(example));
    ASSERT_TRUE(spell(example).ends_with(cat("A: ", pairs.back().answer, "\n")));
    ASSERT_LT(out.dropped_exchanges, static_cast<std::int64_t>(pairs.size()));
  }
}

TEST(TrainOn, ByName) {
  EXPECT_EQ(parse_train_on("answers"), TrainOn::kAnswers);
  EXPECT_EQ(parse_train_on("all"), TrainOn::kAll);
  expect_user_error([] { parse_train_on("some"); }, "--train-on: got \"some\", expected answers or all");
}

// ---- the ids of tome ask, with real vocabularies: reading is encode_document, asking is encode_question

void expect_as_asked(const Tokenizer& tokenizer) {
  const std::string document = "It was the ferryman, Oswin <b>Tarrel</b>.\n\nNobody  saw 123 <|im_end|> <eos>.";
  for (const Layout& layout : layouts()) {
    const DataRow row = questions(document, {{" Who was it? ", "Oswin"}, {"What?", "a knife."}});
    const EncodedRow out = encode_row(row, "x", tokenizer, layout, {kWide, TrainOn::kAnswers});
    ASSERT_EQ(out.examples.size(), 1u);
    const EncodedExample& example = out.examples[0];
    const DocumentPrompt read = encode_document(tokenizer, layout, document);
    std::vector<TokenId> expected = read.ids;
    std::string answers;
    for (std::size_t i = 0; i < row.questions.size(); ++i) {
      EXPECT_EQ(example.branches.at(i), expected.size());
      const auto asked = encode_question(tokenizer, layout, row.questions[i].question);
      expected.insert(expected.end(), asked.begin(), asked.end());
      // From here on the model writes: what it is trained to write reads as the answer and ends with a stop.
      std::vector<TokenId> written;
      for (std::size_t at = expected.size() - 1; at < example.targets.size() && example.targets[at] != kNoTarget;
           ++at) {
        written.push_back(example.targets[at]);
      }
      ASSERT_FALSE(written.empty());
      std::string said = tokenizer.decode(written);
      if (!layout.stops.empty()) {
        ASSERT_TRUE(said.ends_with(layout.stops.front())) << layout.name;
        said.resize(said.size() - layout.stops.front().size());
      } else {
        const auto& ends = tokenizer.end_tokens();
        EXPECT_NE(std::find(ends.begin(), ends.end(), written.back()), ends.end()) << layout.name;
      }
      if (said.starts_with(' ')) said.erase(0, 1);
      EXPECT_EQ(said, row.questions[i].answer) << layout.name;
      expected.insert(expected.end(), written.begin(), written.end());
    }
    EXPECT_EQ(example.ids, expected) << layout.name;
  }
}

TEST(AsAsked, TinyVocabularies) {
  for (const char* name : {"gemma.gguf", "gpt-2.gguf", "llama-bpe.gguf", "llama.gguf", "smollm.gguf", "gemma-json"}) {
    SCOPED_TRACE(name);
    expect_as_asked(*tiny(name));
  }
}

TEST(AsAsked, RealVocabularies) {
  namespace fs = std::filesystem;
  for (const char* name : {"gemma.gguf", "smollm2.gguf"}) {
    const fs::path path = real_model(name);
    if (!fs::exists(path)) GTEST_SKIP() << path << " is not there; ./run setup fetches it";
    SCOPED_TRACE(name);
    expect_as_asked(*OpenTokenizer(path));
  }
}

}  // namespace
}  // namespace tome
