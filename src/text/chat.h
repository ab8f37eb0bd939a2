// Conversations of several turns in a model's chat template, as token ids.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/layout.h"
#include "text/tokenizer.h"

namespace tome {

struct QuestionAnswer {
  std::string question, answer;
};

/// One exchange: the template's words, what the user said, the words up to where the answer begins, the answer with
/// what ends it.
struct ChatExchange {
  std::vector<TokenId> before, question, after, answer;
};

/// A conversation is these ids one after another.
struct ChatPrompt {
  const Layout* layout = nullptr;  // whose words they are
  std::vector<TokenId> opening, system, after_system;
  std::vector<ChatExchange> exchanges;
};

/// The template is that of `layout` when it is a chat layout, else the one that the tokenizer carries (ChatML, Gemma,
/// Llama 2 or 3); ids are those of transformers' apply_chat_template, but that a message never joins a token with the
/// template's words. A model without a template takes question and answer in `layout`'s words, the system message being
/// the document. `system` empty: none. The contents' own text of control tokens stays plain text.
ChatPrompt encode_chat(const Tokenizer& tokenizer, const Layout& layout, std::string_view system,
                       std::span<const QuestionAnswer> exchanges);

}  // namespace tome
