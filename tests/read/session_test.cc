// Readings of tiny models: fresh, resumed, extended, changed, reopened; every way gives the same greedy answer.
#include "read/session.h"

#include <algorithm>

#include "read_files.h"

namespace tome {
namespace {

class SessionTest : public ReadTest {};

TEST_F(SessionTest, KeptIsAsUnkept) {
  for (const std::string model : {"llama", "gemma"}) {
    const ReadingInput text = make_text(1000);
    const auto kept = session(model);
    const ReadingResult result = read(*kept, text);
    EXPECT_EQ(result.tokens, 1000);
    EXPECT_EQ(result.reused_tokens, 0);
    EXPECT_TRUE(std::filesystem::exists(result.path));
    const Answer answer = ask(*kept);
    EXPECT_EQ(answer.text, fresh_answer(model, text));
    EXPECT_EQ(answer.text, shown_);
    EXPECT_EQ(answer.question_tokens, 5);
    EXPECT_EQ(answer.answer_tokens, 20);
    EXPECT_EQ(answer.finish_reason, "length");
    EXPECT_EQ(ask(*kept).text, answer.text);  // a second question
  }
}

TEST_F(SessionTest, UnkeptLeavesNothing) {
  const auto unkept = session("llama", false);
  EXPECT_TRUE(read(*unkept, make_text(300)).path.empty());
  EXPECT_TRUE(stored().empty());
  ReadingResult result;
  EXPECT_FALSE(unkept->open_kept(make_text(300).text_hash, &result));
}

TEST_F(SessionTest, ANewProcessFindsItByTextOrByTokens) {
  for (const std::string model : {"llama", "gemma"}) {
    const ReadingInput text = make_text(700);
    const auto first = session(model);
    read(*first, text);
    const std::string answer = ask(*first).text;
    const auto second = session(model);
    ReadingResult result;
    ASSERT_TRUE(second->open_kept(text.text_hash, &result));
    EXPECT_EQ(result.reused_tokens, 700);
    EXPECT_EQ(ask(*second).text, answer);
    EXPECT_FALSE(second->open_kept(text.text_hash + 1, &result));
    ReadingInput renamed = text;  // other bytes, the same tokens
    renamed.text_hash += 1;
    const auto third = session(model);
    EXPECT_EQ(read(*third, renamed).reused_tokens, 700);
    EXPECT_EQ(ask(*third).text, answer);
  }
}

TEST_F(SessionTest, AnInterruptionLosesAtMostOneLayer) {
  for (const std::string model : {"llama", "gemma"}) {
    const std::size_t layers = Model(tiny_folder(model)).config().layers;
    for (std::size_t stop_in = 0; stop_in < layers; ++stop_in) {
      const ReadingInput text = make_text(900, 10 + stop_in);
      std::atomic<bool> stop{false};
      const auto interrupted = session(model);
      EXPECT_THROW(interrupted->read(
                       text, [&](const ReadingProgress& p) { stop = p.layer == stop_in && p.rows_done > 700; }, stop),
                   Interrupted);
      ReadingResult result;
      EXPECT_FALSE(session(model)->open_kept(text.text_hash, &result)) << "half a text";
      std::size_t first_layer = layers;
      const auto resumed = session(model);
      resumed->read(
          text, [&](const ReadingProgress& p) { first_layer = std::min(first_layer, p.layer); }, never_);
      EXPECT_EQ(first_layer, stop_in) << model;
      EXPECT_EQ(ask(*resumed).text, fresh_answer(model, text)) << model << " " << stop_in;
      for (const std::string& name : stored()) EXPECT_TRUE(name.ends_with(".safetensors")) << name;
    }
  }
}

TEST_F(SessionTest, AnExtendedTextReusesAllOfIt) {
  for (const std::string model : {"llama", "gemma"}) {
    for (const std::size_t tokens : {255u, 256u, 300u, 1000u}) {
      std::filesystem::remove_all(store());
      std::size_t before = 0;
      for (const std::size_t more : {0u, 1u, 255u, 256u, 900u}) {  // a chain of segments
        const ReadingInput text = make_text(tokens + more);
        const auto extended = session(model);
        EXPECT_EQ(read(*extended, text).reused_tokens, static_cast<std::int64_t>(before))
            << model << " " << tokens << "+" << more;
        EXPECT_EQ(ask(*extended).text, fresh_answer(model, text)) << model << " " << tokens << "+" << more;
        before = tokens + more;
      }
    }
  }
}

// A text of `tokens` that differs from make_text from token `changed` on.
ReadingInput changed_text(std::size_t tokens, std::size_t changed) {
  ReadingInput text = make_text(tokens);
  for (std::size_t i = changed; i < tokens; ++i) text.tokens[i] = (text.tokens[i] + 1) % 150;
  text.text_hash += 17 + changed;
  return text;
}

TEST_F(SessionTest, AChangedTextReusesWhatComesBeforeTheChange) {
  for (const std::size_t changed : {0u, 1u, 255u, 256u, 257u, 899u}) {
    std::filesystem::remove_all(store());
    read(*session("llama"), make_text(900));
    const ReadingInput text = changed_text(900, changed);
    const auto again = session("llama");
    EXPECT_EQ(read(*again, text).reused_tokens, static_cast<std::int64_t>(changed));
    EXPECT_EQ(ask(*again).text, fresh_answer("llama", text)) << changed;
  }
}

TEST_F(SessionTest, AShorterTextReusesAllButItsLastToken) {
  read(*session("llama"), make_text(900));
  for (const std::size_t tokens : {600u, 512u, 1u}) {
    const auto shorter = session("llama");
    EXPECT_EQ(read(*shorter, make_text(tokens)).reused_tokens, static_cast<std::int64_t>(tokens) - 1);
    EXPECT_EQ(ask(*shorter).text, fresh_answer("llama", make_text(tokens))) << tokens;
  }
}

TEST_F(SessionTest, SlidingLayersGoOnFromASnapshot) {
  read(*session("gemma"), make_text(4800));
  for (const auto& [changed, reused] :
       {std::pair(4000u, 0), std::pair(4095u, 0), std::pair(4096u, 4096), std::pair(4700u, 4096)}) {
    const ReadingInput text = changed_text(4900, changed);
    const auto again = session("gemma");
    EXPECT_EQ(read(*again, text).reused_tokens, reused) << changed;
    EXPECT_EQ(ask(*again).text, fresh_answer("gemma", text)) << changed;
  }
}

TEST_F(SessionTest, AChangeInsideTheFirstSegmentOfAChain) {
  for (const std::string model : {"llama", "gemma"}) {
    read(*session(model), make_text(700));
    read(*session(model), make_text(1300));
    const ReadingInput text = changed_text(1300, 300);
    const auto again = session(model);
    EXPECT_EQ(read(*again, text).reused_tokens, model == "llama" ? 300 : 0);
    EXPECT_EQ(ask(*again).text, fresh_answer(model, text));
  }
}

TEST_F(SessionTest, OtherSettingsAreOtherReadings) {
  read(*session("llama"), make_text(300));
  models_["llama"] = std::make_unique<Model>(tiny_folder("llama"));
  models_["llama"]->config().rope_scaling = parse_rope_scaling("linear:2", models_["llama"]->config().context_length);
  EXPECT_EQ(read(*session("llama"), make_text(300)).reused_tokens, 0);
}

TEST_F(SessionTest, StopStringsAcrossTokens) {
  const auto kept = session("llama");
  read(*kept, make_text(400));
  const std::string all = ask(*kept).text;
  const std::size_t border = all.find(' ', all.find(' ', 1) + 1);  // before the third token
  ASSERT_NE(border, std::string::npos);
  const std::string stop = all.substr(border - 1, 3);
  const Answer answer = ask(*kept, {"never there", stop});
  EXPECT_EQ(answer.text, all.substr(0, all.find(stop)));
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(shown_, answer.text);
  const Answer almost = ask(*kept, {stop + "!", all + "!"});  // beginnings only: withheld, then shown
  EXPECT_EQ(almost.text, all);
  EXPECT_EQ(shown_, all);
  EXPECT_EQ(almost.finish_reason, "length");
}

TEST_F(SessionTest, EndTokensAndBrokenCharacters) {
  const auto kept = session("llama");
  read(*kept, make_text(400));
  const std::string all = ask(*kept, {}, 1).text;
  const TokenId first = std::stoi(all.substr(2));
  tokenizer_.set_piece(first, "\xe2\x82");  // the beginning of a character
  EXPECT_TRUE(ask(*kept, {}, 1).text == "\xef\xbf\xbd");
  tokenizer_.set_end(first);
  const Answer answer = ask(*kept);
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.answer_tokens, 0);
  EXPECT_EQ(answer.finish_reason, "stop");
}

TEST_F(SessionTest, StoppingAnAnswer) {
  const auto kept = session("llama");
  read(*kept, make_text(400));
  const std::vector<TokenId> question = {1, 2};
  std::atomic<bool> stop{false};
  const Answer answer = kept->ask(
      question, tokenizer_, {}, {}, 20, [&](std::string_view) { stop = true; }, stop);
  EXPECT_EQ(answer.finish_reason, "interrupted");
  EXPECT_EQ(answer.answer_tokens, 1);
}

}  // namespace
}  // namespace tome
