#include "text/prompt.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace tome {
namespace {

void append(std::vector<TokenId>& ids, const std::vector<TokenId>& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

// A space that the tokenizer itself puts before a text is not put twice.
bool prefixes_space(const Tokenizer& tokenizer) { return tokenizer.decode(tokenizer.encode("a").ids) == " a"; }

TokenId end_of_turn(const Tokenizer& tokenizer, const Layout& layout) {
  const auto& ends = tokenizer.end_tokens();
  if (layout.control_tokens) {
    const std::vector<TokenId> after = encode_frame(tokenizer, layout, layout.after_question);
    if (!after.empty() && std::find(ends.begin(), ends.end(), after.front()) != ends.end()) return after.front();
  }
  if (ends.empty()) {
    throw_user_error("layout ", layout.name,
                     ": this model's tokenizer has no token that ends an answer; choose another --layout");
  }
  return ends.front();
}

// A space stands before the answer where the layout's words end in one (as "Answer:").
std::string spaced_answer(const Tokenizer& tokenizer, const Layout& layout, std::string_view answer) {
  const bool spaced = !layout.after_question.empty() &&
                      std::string_view(" \n\"").find(layout.after_question.back()) == std::string_view::npos;
  return spaced && !prefixes_space(tokenizer) ? cat(' ', answer) : std::string(answer);
}

}  // namespace

DocumentPrompt encode_document(const Tokenizer& tokenizer, const Layout& layout, std::string_view document,
                               std::string_view first_question) {
  DocumentPrompt prompt;
  if (tokenizer.add_bos()) prompt.ids.push_back(tokenizer.bos());
  append(prompt.ids, encode_frame(tokenizer, layout, layout.before_document));
  if (!first_question.empty()) append(prompt.ids, tokenizer.encode(cat(first_question, "\n\n")).ids);
  prompt.begin = prompt.ids.size();
  prompt.offsets.assign(prompt.begin, 0);
  const Encoded text = tokenizer.encode(document);
  append(prompt.ids, text.ids);
  prompt.offsets.insert(prompt.offsets.end(), text.offsets.begin(), text.offsets.end() - 1);
  prompt.end = prompt.ids.size();
  append(prompt.ids, encode_frame(tokenizer, layout, layout.after_document));
  prompt.offsets.resize(prompt.ids.size() + 1, static_cast<std::uint32_t>(document.size()));
  return prompt;
}

void cut_document(DocumentPrompt& prompt, std::size_t from, std::size_t count) {
  TOME_CHECK(prompt.begin <= from && from <= prompt.end && count <= prompt.end - from);
  const auto erase = [&](auto& list) {
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(from);
    list.erase(first, first + static_cast<std::ptrdiff_t>(count));
  };
  erase(prompt.ids);
  erase(prompt.offsets);
  prompt.end -= count;
}

std::vector<TokenId> encode_question(const Tokenizer& tokenizer, const Layout& layout, std::string_view question) {
  std::vector<TokenId> ids = encode_frame(tokenizer, layout, layout.before_question);
  append(ids, tokenizer.encode(question).ids);
  append(ids, encode_frame(tokenizer, layout, layout.after_question));
  return ids;
}

bool ends_at_line(const Layout& layout) { return !layout.stops.empty() && layout.stops.front() == "\n"; }

std::vector<TokenId> encode_answer_begin(const Tokenizer& tokenizer, const Layout& layout, std::string_view words) {
  return tokenizer.encode(spaced_answer(tokenizer, layout, words)).ids;
}

std::vector<TokenId> encode_answer(const Tokenizer& tokenizer, const Layout& layout, std::string_view answer) {
  const std::string text = spaced_answer(tokenizer, layout, answer);
  if (!layout.stops.empty()) return tokenizer.encode(text + layout.stops.front()).ids;
  std::vector<TokenId> ids = tokenizer.encode(text).ids;
  ids.push_back(end_of_turn(tokenizer, layout));
  return ids;
}

}  // namespace tome
