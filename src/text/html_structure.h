// Lists and tables of an HTML page, as the reader needs to know them.
#pragma once

#include <string>
#include <vector>

#include "text/html_lexer.h"

namespace tome {

/// An open <ul> or <ol>.
struct HtmlList {
  explicit HtmlList(const HtmlToken& start);

  char style = '-';  // '-' bullets, '1' numbers, 'a' 'A' letters, 'i' 'I' Roman
  long next = 1;     // the next item's number
};

/// The mark in front of an item of the innermost of `lists` (not empty), indented by its depth: "  3. ". Counts on.
std::string item_mark(std::vector<HtmlList>& lists, const HtmlToken& item);

/// The table that begins at `rest` only arranges a page: it holds tables, headings or lists, or cells of several
/// paragraphs or long text. Reads up to the table's end or the next table's beginning.
bool lays_out_page(HtmlLexer rest);

}  // namespace tome
