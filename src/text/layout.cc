#include "text/layout.h"

#include <algorithm>

#include "base/error.h"

namespace tome {
namespace {

// Worked examples: harmless for any document.
constexpr const char* kKind = "Question: What kind of text is this?\nAnswer: a story\n\n";
constexpr const char* kForm =
    "Question: How should each question about the text be answered?\nAnswer: in a few words\n\n";
constexpr const char* kNote =
    "Note: On Friday the ferryman Oswin Tarrel painted his boat green.\n"
    "Question: Who painted the boat?\n"
    "Answer: Oswin Tarrel\n\n";
constexpr const char* kNotes =
    "Note: On Friday the ferryman Oswin Tarrel painted his boat green.\n"
    "Question: Who painted the boat?\n"
    "Answer: Oswin Tarrel\n"
    "Question: On which day was the boat painted?\n"
    "Answer: Friday\n"
    "Question: What colour did he paint it?\n"
    "Answer: green\n\n";
constexpr const char* kChatMl =
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\n<|im_start|>user\n";

std::vector<Layout> make_layouts() {
  const std::vector<std::string> line_end = {"\n"};
  return {
      {"qa", "", "\n\n", "Question: ", "\nAnswer:", line_end},
      {"qa-example", "", cat("\n\n", kKind), "Question: ", "\nAnswer:", line_end},
      {"qa-form", "", cat("\n\n", kForm), "Question: ", "\nAnswer:", line_end},
      {"qa-note", "", cat("\n\n", kNote), "Question: ", "\nAnswer:", line_end},
      {"qa-notes", "", cat("\n\n", kNotes), "Question: ", "\nAnswer:", line_end},
      {"qa-notes-form", "", cat("\n\n", kNotes, kForm), "Question: ", "\nAnswer:", line_end},
      {"qa-text", "", cat("\n\n", kNotes), "Question about the text above: ", "\nAnswer:", line_end},
      {"q-a", "", "\n\nQ: How should each question about the text be answered?\nA: in a few words\n\n",
       "Q: ", "\nA:", line_end},
      {"according", "", "\n\n",
       "According to the text above, answer shortly.\nQuestion: ", "\nShort answer:", line_end},
      {"quote", "", "\n\n", "Question: ", "\nThe text says: \"", {"\"", "\n"}},
      {"reading-test", "Read the text and answer the questions.\n\nText:\n",
       cat("\n\nQuestions about the text:\n\n", kForm), "Question: ", "\nAnswer:", line_end},
      {"chatml", kChatMl, "\n\n", "", "<|im_end|>\n<|im_start|>assistant\n", {}, true},
      {"chatml-answer", kChatMl, "\n\nAnswer the question in a few words.\n",
       "Question: ", "<|im_end|>\n<|im_start|>assistant\nAnswer:", line_end, true},
      {"chatml-turn", kChatMl,
       "\n\nHow should each question about the text be answered?<|im_end|>\n<|im_start|>assistant\nin a few "
       "words<|im_end|>\n"
       "<|im_start|>user\n",
       "", "<|im_end|>\n<|im_start|>assistant\n", line_end, true},
      {"chatml-notes", kChatMl, cat("\n\n", kNotes),
       "Question: ", "<|im_end|>\n<|im_start|>assistant\nAnswer:", line_end, true},
      {"gemma", "<start_of_turn>user\n", "\n\n", "", "<end_of_turn>\n<start_of_turn>model\n", {}, true},
      {"llama3",
       "<|start_header_id|>user<|end_header_id|>\n\n",
       "\n\n",
       "",
       "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
       {},
       true},
      {"llama2", "[INST] ", "\n\n", "", " [/INST]", {}, false},
  };
}

}  // namespace

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all = make_layouts();
  return all;
}

const Layout& find_layout(std::string_view name) {
  std::string names;
  for (const Layout& layout : layouts()) {
    if (layout.name == name) return layout;
    names += (names.empty() ? "" : ", ") + layout.name;
  }
  throw_user_error("--layout: got \"", name, "\", expected one of ", names);
}

const Layout& default_layout(const Tokenizer& tokenizer) {
  const std::string& chat = tokenizer.chat_template();
  const auto has = [&](const char* mark) { return chat.find(mark) != std::string::npos; };
  if (has("<|im_start|>")) return find_layout("chatml");
  if (has("<start_of_turn>")) return find_layout("gemma");
  if (has("<|start_header_id|>")) return find_layout("llama3");
  if (has("[INST]")) return find_layout("llama2");
  return find_layout("qa-example");
}

const Layout& question_layout(const Tokenizer& tokenizer) {
  const Layout& layout = default_layout(tokenizer);
  const bool smollm = layout.name == "chatml" && tokenizer.chat_template().find("SmolLM") != std::string::npos;
  return smollm ? find_layout("chatml-answer") : layout;
}

std::vector<TokenId> encode_frame(const Tokenizer& tokenizer, const Layout& layout, std::string_view text) {
  std::vector<TokenId> ids;
  const auto plain = [&](std::string_view part) {
    const auto encoded = tokenizer.encode(part);
    ids.insert(ids.end(), encoded.ids.begin(), encoded.ids.end());
  };
  if (!layout.control_tokens) {
    plain(text);
    return ids;
  }
  // Control tokens of the known templates look like <...>; anything else between angle brackets stays text.
  std::size_t open = text.find('<');
  while (open != std::string_view::npos) {
    const std::size_t close = text.find('>', open);
    const TokenId id = close == std::string_view::npos ? -1 : tokenizer.find(text.substr(open, close + 1 - open));
    if (id < 0) {
      open = text.find('<', open + 1);
      continue;
    }
    plain(text.substr(0, open));
    ids.push_back(id);
    text.remove_prefix(close + 1);
    open = text.find('<');
  }
  plain(text);
  return ids;
}

}  // namespace tome
