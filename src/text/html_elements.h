// What each HTML element means for running text: https://html.spec.whatwg.org/multipage/rendering.html
#pragma once

#include <string_view>

#include "text/html_lexer.h"

namespace tome {

enum class HtmlRole {
  kNone,
  kHidden,
  kPreformatted,
  kHeading,
  kList,
  kItem,
  kTerm,  // <dt> and <dd>
  kTermList,
  kTable,
  kRows,  // <tbody> and its like
  kRow,
  kCell,
  kCaption,
  kRuby,
  kRubyText,
  kQuote,
  kParagraph,  // <p>
  kRoles,      // how many there are
};

struct HtmlElement {
  int line_ends = 0;  // around it: 0 runs on, 1 a line of its own, 2 a paragraph
  HtmlRole role = HtmlRole::kNone;
  bool empty = false;  // never has contents
};

/// An unknown name is an element that runs on with the text.
HtmlElement html_element(std::string_view name);

/// Hidden by its own attributes, or a page number of a printed edition.
bool is_hidden(const HtmlToken& start);

}  // namespace tome
