// Any bytes as an EPUB, and as the files that say how an EPUB is put together: never a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "text/encoding.h"
#include "text/epub.h"
#include "text/epub_package.h"

namespace {

void read_book(const std::string& bytes) {
  try {
    const tome::Document document = tome::read_epub({"input", "input.epub", bytes});
    TOME_CHECK(tome::valid_utf8(document.text) == document.text);
    std::size_t at = 0;
    for (const tome::Section& section : document.sections) {
      TOME_CHECK(section.begin == at && section.begin <= section.end);
      at = section.end;
    }
    TOME_CHECK(at == document.text.size());
  } catch (const tome::UserError&) {
  }
}

void check_path(const std::string& path) {
  TOME_CHECK(!path.starts_with('/') && !path.starts_with("../") && path.find("/../") == std::string::npos);
}

// What lies inside the archive is compressed, and seldom hit by chance.
void read_parts(const std::string& xml) {
  check_path(tome::parse_container(xml));
  tome::parse_encryption(xml);
  const tome::EpubPackage package = tome::parse_package(xml, "a/book.opf");
  for (const std::string& chapter : package.chapters) check_path(chapter);
  for (const tome::EpubContent& content : tome::parse_navigation(xml, "a/nav.xhtml")) check_path(content.path);
  for (const tome::EpubContent& content : tome::parse_ncx(xml, "a/toc.ncx")) check_path(content.path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read_book(bytes);
  read_parts(tome::valid_utf8(bytes));
  return 0;
}
