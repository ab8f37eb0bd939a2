#include "text/epub.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "text/encoding.h"
#include "text/epub_package.h"
#include "text/epub_zip.h"
#include "text/html.h"

namespace tome {
namespace {

constexpr std::size_t kMaxTitle = 300;
constexpr const char* kContainer = "META-INF/container.xml";
constexpr const char* kEncryption = "META-INF/encryption.xml";

[[noreturn]] void throw_incomplete(const std::string& where, const std::string& what) {
  throw_user_error(where, ": the EPUB is damaged: ", what, "; fetch the book again");
}

std::string xml_text(const std::string& bytes) { return decode_text(bytes, declared_encoding(bytes)).text; }

// Letters and digits alone, without case: "I.\n\nThe Moon" and "I. THE MOON" are the same title.
class PlainLetters {
 public:
  explicit PlainLetters(std::string_view text) : text_(text) {}

  /// The next letter or digit; -1 at the end.
  UChar32 next() {
    const auto* data = reinterpret_cast<const std::uint8_t*>(text_.data());
    while (at_ < text_.size()) {
      UChar32 character;
      U8_NEXT(data, at_, text_.size(), character);
      if (u_isalnum(character)) return u_foldCase(character, U_FOLD_CASE_DEFAULT);
    }
    return -1;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool begins_with_title(std::string_view text, std::string_view title) {
  PlainLetters have(text), want(title);
  for (UChar32 letter = want.next(); letter >= 0; letter = want.next()) {
    if (have.next() != letter) return false;
  }
  return true;
}

struct Mark {
  std::size_t at;  // in the chapter's text
  std::string title;
};

class Book {
 public:
  explicit Book(const DocumentSource& source) : source_(source), zip_(source.where, source.bytes) {}

  Document read() {
    const EpubPackage package = read_package();
    document_.empty_pages = package.pictures;
    read_contents(package);
    for (const std::string& path : package.chapters) read_chapter(path);
    if (!document_.sections.empty()) document_.sections.back().end = document_.text.size();
    return std::move(document_);
  }

 private:
  EpubPackage read_package() {
    const auto meta = zip_.read({kContainer, kEncryption});
    if (!meta.contains(kContainer)) throw_incomplete(source_.where, cat("it has no ", kContainer));
    const std::string path = parse_container(xml_text(meta.at(kContainer)));
    if (path.empty()) throw_incomplete(source_.where, cat(kContainer, " names no package document"));
    const auto files = zip_.read({path});
    if (!files.contains(path)) throw_incomplete(source_.where, cat(printable(path), " is missing"));
    EpubPackage package = parse_package(xml_text(files.at(path)), path);
    if (package.chapters.empty() && package.pictures == 0) {
      throw_incomplete(source_.where, cat(printable(path), " lists no chapters"));
    }
    if (meta.contains(kEncryption)) {
      const auto encrypted = parse_encryption(xml_text(meta.at(kEncryption)));
      for (const std::string& chapter : package.chapters) {
        if (encrypted.contains(chapter)) throw_protected_book(source_.where);
      }
    }
    return package;
  }

  // Reads the chapters' files too: the archive is gone through once.
  void read_contents(const EpubPackage& package) {
    std::set<std::string> names(package.chapters.begin(), package.chapters.end());
    for (const std::string& path : {package.navigation, package.ncx}) {
      if (!path.empty()) names.insert(path);
    }
    files_ = zip_.read(names);
    std::vector<EpubContent> contents;
    if (const auto file = files_.find(package.navigation); file != files_.end()) {
      contents = parse_navigation(xml_text(file->second), package.navigation);
    }
    if (const auto file = files_.find(package.ncx); contents.empty() && file != files_.end()) {
      contents = parse_ncx(xml_text(file->second), package.ncx);
    }
    has_contents_ = !contents.empty();
    for (EpubContent& content : contents) contents_[content.path].push_back(std::move(content));
  }

  void read_chapter(const std::string& path) {
    const auto file = files_.find(path);
    if (file == files_.end()) {
      document_.warnings.push_back(cat(source_.where, ": ", printable(path), " is missing from the book"));
      return;
    }
    const std::vector<EpubContent>& contents = contents_[path];
    std::set<std::string, std::less<>> fragments;
    for (const EpubContent& content : contents) fragments.insert(content.fragment);
    const Decoded decoded = decode_text(file->second, declared_encoding(file->second));
    for (std::string& warning : decoding_warnings(cat(source_.where, " (", printable(path), ")"), decoded)) {
      document_.warnings.push_back(std::move(warning));
    }
    const HtmlText chapter = html_text(decoded.text, true, fragments);
    file->second = {};
    if (chapter.text.empty()) {
      ++document_.empty_pages;
    } else {
      append(chapter, has_contents_ ? content_marks(chapter, contents) : heading_marks(chapter));
    }
    if (document_.text.size() > kMaxDocumentBytes) {
      throw_user_error(source_.where, ": has more than ", kMaxDocumentBytes >> 20, " MiB of text");
    }
  }

  static std::vector<Mark> content_marks(const HtmlText& chapter, const std::vector<EpubContent>& contents) {
    std::map<std::string, std::size_t> anchors(chapter.anchors.begin(), chapter.anchors.end());
    std::vector<Mark> marks;
    for (const EpubContent& content : contents) {
      const auto anchor = anchors.find(content.fragment);
      marks.push_back({anchor == anchors.end() ? 0 : anchor->second, content.title});
    }
    return marks;
  }

  static std::vector<Mark> heading_marks(const HtmlText& chapter) {
    std::vector<Mark> marks;
    for (const HtmlHeading& heading : chapter.headings) {
      if (heading.level <= 3) marks.push_back({heading.begin, heading.title});
    }
    return marks;
  }

  void append(const HtmlText& chapter, std::vector<Mark> marks) {
    if (!document_.text.empty()) document_.text += '\n';
    std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.at < b.at; });
    if (document_.sections.empty() && (marks.empty() || marks.front().at > 0)) begin_section(source_.name);
    const std::string_view text = chapter.text;
    std::size_t done = 0;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const bool same_place = i + 1 < marks.size() && marks[i + 1].at == marks[i].at;
      if (same_place) {  // "Part One" and its "Chapter 1"
        const bool room = marks[i].title.size() + marks[i + 1].title.size() < kMaxTitle;
        if (room && marks[i + 1].title != marks[i].title) {
          marks[i + 1].title = cat(marks[i].title, ": ", marks[i + 1].title);
        }
        continue;
      }
      document_.text += text.substr(done, marks[i].at - done);
      done = marks[i].at;
      if (done == text.size()) break;
      begin_section(marks[i].title);
      if (!begins_with_title(text.substr(done), marks[i].title)) document_.text += cat("## ", marks[i].title, "\n\n");
    }
    document_.text += text.substr(done);
  }

  void begin_section(const std::string& title) {
    const std::size_t at = document_.text.size();
    if (!document_.sections.empty()) document_.sections.back().end = at;
    document_.sections.push_back({title, at, at});
  }

  const DocumentSource& source_;
  EpubZip zip_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::vector<EpubContent>> contents_;  // by path
  bool has_contents_ = false;
  Document document_;
};

}  // namespace

Document read_epub(const DocumentSource& source) { return Book(source).read(); }

}  // namespace tome
