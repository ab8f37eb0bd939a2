#include "text/chat.h"

#include "base/error.h"
#include "text/prompt.h"

namespace tome {
namespace {

/// What a family's template says beyond its layout, whose words open a conversation and lie between question and
/// answer.
struct ChatTemplate {
  const char* layout;
  const char* before_system;  // with a system message these two stand in place of the layout's opening
  const char* after_system;
  const char* next_user;      // from an answer to the next question
  bool trims_system = false;  // white space at both ends is dropped
  bool trims_turns = false;
  bool repeats_bos = false;  // before each question
};

constexpr ChatTemplate kTemplates[] = {
    {"chatml", "<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n", "\n<|im_start|>user\n"},
    {"gemma", "<start_of_turn>user\n", "\n\n", "\n<start_of_turn>user\n", false, true},
    {"llama3", "<|start_header_id|>system<|end_header_id|>\n\n",
     "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n", "<|start_header_id|>user<|end_header_id|>\n\n", true,
     true},
    {"llama2", "[INST] <<SYS>>\n", "\n<</SYS>>\n\n", "[INST] ", false, true, true},
};

const ChatTemplate* find_template(const Layout& layout) {
  for (const ChatTemplate& known : kTemplates) {
    if (layout.name.starts_with(known.layout)) return &known;
  }
  return nullptr;
}

std::string_view trimmed(std::string_view text, bool trims) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (!trims || begin == std::string_view::npos) return text;
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

ChatPrompt encode_templated(const Tokenizer& tokenizer, const ChatTemplate& chat, std::string_view system,
                            std::span<const QuestionAnswer> exchanges) {
  const Layout& layout = find_layout(chat.layout);
  const auto frame = [&](std::string_view words) { return encode_frame(tokenizer, layout, words); };
  const auto with_bos = [&](bool wanted, const std::vector<TokenId>& ids) {
    std::vector<TokenId> all;
    if (wanted && tokenizer.add_bos()) all.push_back(tokenizer.bos());
    all.insert(all.end(), ids.begin(), ids.end());
    return all;
  };
  ChatPrompt prompt;
  prompt.layout = &layout;
  prompt.opening = with_bos(true, frame(system.empty() ? layout.before_document : chat.before_system));
  if (!system.empty()) {
    prompt.system = tokenizer.encode(trimmed(system, chat.trims_system)).ids;
    prompt.after_system = frame(chat.after_system);
  }
  for (const QuestionAnswer& exchange : exchanges) {
    ChatExchange& turn = prompt.exchanges.emplace_back();
    if (prompt.exchanges.size() > 1) turn.before = with_bos(chat.repeats_bos, frame(chat.next_user));
    turn.question = tokenizer.encode(trimmed(exchange.question, chat.trims_turns)).ids;
    turn.after = frame(layout.after_question);
    turn.answer = encode_answer(tokenizer, layout, trimmed(exchange.answer, chat.trims_turns));
  }
  return prompt;
}

ChatPrompt encode_plain(const Tokenizer& tokenizer, const Layout& layout, std::string_view system,
                        std::span<const QuestionAnswer> exchanges) {
  const auto frame = [&](std::string_view words) { return encode_frame(tokenizer, layout, words); };
  ChatPrompt prompt;
  prompt.layout = &layout;
  if (system.empty()) {
    if (tokenizer.add_bos()) prompt.opening.push_back(tokenizer.bos());
  } else {
    const DocumentPrompt document = encode_document(tokenizer, layout, system);
    const auto begin = document.ids.begin() + static_cast<std::ptrdiff_t>(document.begin);
    const auto end = document.ids.begin() + static_cast<std::ptrdiff_t>(document.end);
    prompt.opening.assign(document.ids.begin(), begin);
    prompt.system.assign(begin, end);
    prompt.after_system.assign(end, document.ids.end());
  }
  for (const QuestionAnswer& exchange : exchanges) {
    ChatExchange& turn = prompt.exchanges.emplace_back();
    const bool first = prompt.exchanges.size() == 1;
    turn.before = frame(first || ends_at_line(layout) ? layout.before_question : cat('\n', layout.before_question));
    turn.question = tokenizer.encode(exchange.question).ids;
    turn.after = frame(layout.after_question);
    turn.answer = encode_answer(tokenizer, layout, trimmed(exchange.answer, true));
  }
  return prompt;
}

}  // namespace

ChatPrompt encode_chat(const Tokenizer& tokenizer, const Layout& layout, std::string_view system,
                       std::span<const QuestionAnswer> exchanges) {
  const ChatTemplate* chat = find_template(layout);
  if (chat == nullptr) chat = find_template(default_layout(tokenizer));
  if (chat == nullptr) return encode_plain(tokenizer, layout, system, exchanges);
  return encode_templated(tokenizer, *chat, system, exchanges);
}

}  // namespace tome
