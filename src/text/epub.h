// EPUB 2 and 3 to running text.
#pragma once

#include "text/document.h"
#include "text/document_source.h"

namespace tome {

/// The chapters in reading order, each a section named as in the table of contents. A chapter that does not begin with
/// its own title gets it as a mark, `## Title`. Chapters that the table of contents does not name belong to the one
/// before them; without a table of contents the headings name the sections. Throws UserError for books that are
/// copy-protected or damaged.
Document read_epub(const DocumentSource& source);

}  // namespace tome
