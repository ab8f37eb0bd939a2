// HTML and XHTML to running text.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/document.h"
#include "text/document_source.h"

namespace tome {

struct HtmlHeading {
  std::size_t begin = 0;  // of its line in the text
  int level = 1;          // 1 to 6
  std::string title;
};

struct HtmlText {
  std::string text;  // empty, or ends with a line end
  std::vector<HtmlHeading> headings;
  std::vector<std::pair<std::string, std::size_t>>
      anchors;  // the wanted ids that were found, and the lines they are at
};

/// Blocks become paragraphs (an empty line between them), headings lines with `#` in front as in Markdown, list items
/// lines with `- ` or their number, rows of tables lines with ` | ` between the cells (of tables that only lay out the
/// page: paragraphs). <pre> is kept as it is. Left out: scripts, styles, forms' fields, what is hidden by `hidden` or
/// by the element's own style, page numbers of a printed edition. A picture is `[image: its text]`.
/// `html` is valid UTF-8. Linear time; elements nested deeper than 512 are read as if they were not nested.
HtmlText html_text(std::string_view html, bool xml, const std::set<std::string, std::less<>>& wanted_anchors = {});

/// What the bytes say of their own encoding, in <meta> or the XML declaration; may be nonsense, empty when nothing.
std::string declared_encoding(std::string_view bytes);

/// One section for each heading of the levels 1 to 3.
Document read_html(const DocumentSource& source);

}  // namespace tome
