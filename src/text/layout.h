// How document and question are put before a model: the part that is read once, and the part that is asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace tome {

/// A layout is text with the document's place and the question's place; what comes before the question is read once.
struct Layout {
  std::string name;
  std::string before_document;
  std::string after_document;  // to the question's place: part of the reading
  std::string before_question;
  std::string after_question;
  std::vector<std::string> stops;  // an answer ends before any of them
  bool control_tokens = false;     // the texts around hold control tokens such as <|im_start|>, to be read as such
};

/// All layouts by name, for --layout and for comparisons.
const std::vector<Layout>& layouts();
/// Throws UserError listing the names.
const Layout& find_layout(std::string_view name);
/// The one that suits the model: by its chat template when it has one, else worked examples (docs/layouts.md).
const Layout& default_layout(const Tokenizer& tokenizer);
/// The one for a question about a document: the best of those measured (docs/layouts.md) for the models that they were
/// measured with, else the default.
const Layout& question_layout(const Tokenizer& tokenizer);

/// Ids of a layout's own text: control tokens inside it are themselves when the layout says so.
std::vector<TokenId> encode_frame(const Tokenizer& tokenizer, const Layout& layout, std::string_view text);

}  // namespace tome
