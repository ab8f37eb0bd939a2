// A document as the model reads it: one UTF-8 text, with the way back to the pages or chapters it came from.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

/// A page, chapter or file of the text: bytes [begin, end) of Document::text, its mark included.
struct Section {
  std::string title;  // "page 12", "Chapter II. The Curse", a file's name
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Document {
  std::string name;  // the file's name, or "stdin"
  std::string text;  // valid UTF-8, no BOM, LF line ends
  std::vector<Section> sections;
  std::size_t empty_pages = 0;        // pages without any text (scanned pictures): they are reported
  std::vector<std::string> warnings;  // one line each, for stderr
};

/// Reads txt, Markdown, HTML, EPUB and PDF (told apart by content, then by name), pipes, stdin ("-") and folders (all
/// files under it that can be read, by name; the others are named in warnings). Lines that tome adds to a text:
///   [file a.txt]   before each file, when there are several
///   [page 12]      before each page of a PDF that has text
///   ## Title       before a chapter of an EPUB that does not begin with its own title
/// txt and Markdown are else as they are: only a BOM and NUL characters are dropped (with a warning), and line ends are
/// LF. Sections tile the text. Throws UserError: `PATH: reason; what to do`.
Document read_documents(const std::vector<std::filesystem::path>& paths);

}  // namespace tome
