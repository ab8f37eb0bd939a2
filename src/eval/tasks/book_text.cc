#include "eval/tasks/book_text.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

std::string normalised(std::string_view bytes) {
  if (bytes.starts_with(kBom)) bytes.remove_prefix(kBom.size());
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool line_end = bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n';
    if (!line_end) out += bytes[i];
  }
  return out;
}

/// "*** START OF THIS PROJECT GUTENBERG EBOOK ...", "THE PROJECT" in newer files; npos without one.
std::size_t find_mark(std::string_view text, std::string_view verb) {
  for (const std::string_view article : {"THIS", "THE"}) {
    const std::size_t at = text.find(cat("*** ", verb, " OF ", article, " PROJECT GUTENBERG"));
    if (at != std::string_view::npos && (at == 0 || text[at - 1] == '\n')) return at;
  }
  return std::string_view::npos;
}

/// Puts [begin, end) around what is not white space.
void trim(BookText& book) {
  const std::string_view body = book.body();
  const std::size_t first = body.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) {
    book.end = book.begin;
    return;
  }
  book.end = book.begin + body.find_last_not_of(kWhiteSpace) + 1;
  book.begin += first;
}

void find_body(BookText& book) {
  book.begin = 0;
  book.end = book.text.size();
  const std::size_t start = find_mark(book.text, "START"), stop = find_mark(book.text, "END");
  if (start != std::string::npos && stop != std::string::npos && start < stop) {
    book.begin = book.text.find('\n', start);
    book.end = stop;
    trim(book);
    const std::size_t typist_end = book.text.find("\n\n", book.begin);
    if (book.body().starts_with("Produced by ") && typist_end < book.end) book.begin = typist_end;
    const std::size_t last_line = book.body().rfind('\n');
    if (last_line != std::string_view::npos && book.body().substr(last_line + 1).starts_with("End of ")) {
      book.end = book.begin + last_line;
    }
  }
  trim(book);
}

}  // namespace

BookText read_book(const std::filesystem::path& path) {
  const MappedFile file(path);
  BookText book;
  book.text = normalised({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  const std::size_t bad = find_invalid_utf8(book.text);
  if (bad < book.text.size()) {
    throw_user_error(path.string(), ": not UTF-8, the mistake is at byte ", bad + 1, " of the text; convert it first");
  }
  const std::size_t nul = book.text.find('\0');
  if (nul != std::string::npos) throw_user_error(path.string(), ": has a NUL byte at byte ", nul + 1, " of the text");
  find_body(book);
  if (book.body().empty()) throw_user_error(path.string(), ": holds no text");
  Sha256 hash;
  hash.update(std::as_bytes(std::span(book.text.data(), book.text.size())));
  book.sha256 = hash.finish();
  return book;
}

}  // namespace tome::eval
