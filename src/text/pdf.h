// PDF to running text, by poppler's pdftotext.
#pragma once

#include "text/document.h"
#include "text/document_source.h"

namespace tome {

/// Each page with text begins with a line `[page 12]` and is a section; pages without text are counted. The text is in
/// reading order (columns one after the other, words divided at line ends joined), its lines as on the page.
/// pdftotext runs as a child process with limits on its time, memory and output. Throws UserError when it is not
/// installed, and for files that are encrypted, damaged or go beyond the limits.
Document read_pdf(const DocumentSource& source);

}  // namespace tome
