// The bytes of one file or of stdin, and what kind of document they are.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "text/encoding.h"

namespace tome {

constexpr std::size_t kMaxDocumentBytes = std::size_t{256} << 20;  // of a file, and of the text made from it

enum class DocumentType { kText, kHtml, kEpub, kPdf };

struct DocumentSource {
  std::string where;  // as the user wrote it, for messages
  std::string name;   // the file's own name, or "stdin"
  std::string bytes;
};

/// A file name for messages and mark lines: valid UTF-8, control characters as U+FFFD.
std::string printable(const std::filesystem::path& path);

/// What the user should know about how the bytes were read: a guessed encoding, damaged characters, NULs.
std::vector<std::string> decoding_warnings(const std::string& where, const Decoded& decoded);

/// "-" is stdin; pipes are read to their end. Throws UserError for what cannot be read, is empty, is larger than
/// kMaxDocumentBytes or begins as a binary file that is no document (only its head is read then).
DocumentSource read_source(const std::filesystem::path& path);

/// By content, then by name. Throws UserError naming the kind of a file that cannot be read as text.
DocumentType identify(const DocumentSource& source);

}  // namespace tome
