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

/// Reads txt, Markdown, HTML, EPUB, PDF (by content, then by name), a folder (its readable files in name order), or
/// stdin ("-"). Several paths are joined with a mark for each. Throws UserError: `PATH: reason; what to do`.
Document read_documents(const std::vector<std::filesystem::path>& paths);

}  // namespace tome
