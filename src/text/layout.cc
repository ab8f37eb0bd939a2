#include "text/layout.h"

#include <algorithm>

#include "base/error.h"

namespace tome {
namespace {

constexpr const char* kExample =
    "Question: What kind of text is this?\n"
    "Answer: a story\n\n";

std::vector<Layout> make_layouts() {
  const std::vector<std::string> line_end = {"\n"};
  return {
      {"qa", "", "\n\n", "Question: ", "\nAnswer:", line_end},
      {"qa-example", "", cat("\n\n", kExample), "Question: ", "\nAnswer:", line_end},
      {"qa-two-examples", "",
       cat("\n\n", kExample, "Question: In which language is it written?\nAnswer: English\n\n"), "Question: ", "\nAnswer:",
       line_end},
      {"reading-test", "Read the text and answer the questions.\n\nText:\n", cat("\n\nQuestions about the text:\n\n", kExample),
       "Question: ", "\nAnswer:", line_end},
      {"q-a", "", "\n\n", "Q: ", "\nA:", line_end},
      {"according", "", "\n\n", "According to the text above, answer shortly.\nQuestion: ", "\nShort answer:", line_end},
      {"chatml", "<|im_start|>user\n", "\n\n", "", "<|im_end|>\n<|im_start|>assistant\n", {}, true},
      {"chatml-qa", "<|im_start|>user\nRead the text, then answer the question in a few words.\n\n", "\n\n", "Question: ",
       "<|im_end|>\n<|im_start|>assistant\nAnswer:", {"\n"}, true},
      {"gemma", "<start_of_turn>user\n", "\n\n", "", "<end_of_turn>\n<start_of_turn>model\n", {}, true},
      {"llama3", "<|start_header_id|>user<|end_header_id|>\n\n", "\n\n", "",
       "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", {}, true},
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
  while (!text.empty()) {
    const std::size_t open = text.find('<');
    const std::size_t close = open == std::string_view::npos ? open : text.find('>', open);
    if (close == std::string_view::npos) break;
    const std::string_view piece = text.substr(open, close + 1 - open);
    const TokenId id = tokenizer.find(piece);
    if (id < 0) break;
    plain(text.substr(0, open));
    ids.push_back(id);
    text.remove_prefix(close + 1);
  }
  plain(text);
  return ids;
}

}  // namespace tome
