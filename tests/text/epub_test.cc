#include "text/epub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "document_files.h"
#include "epub_files.h"
#include "text/epub_package.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Document read(const ZipFiles& files) {
  Document document = read_epub({"book.epub", "book.epub", make_zip(files)});
  document.name = "book.epub";
  expect_sound(document);
  return document;
}

std::string error_of(const std::string& bytes) {
  try {
    read_epub({"book.epub", "book.epub", bytes});
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "read";
}

std::vector<std::string> titles(const Document& document) {
  std::vector<std::string> out;
  for (const Section& section : document.sections) out.push_back(section.title);
  return out;
}

TEST(Epub, ChaptersComeInReadingOrderWithTheirTitles) {
  const Document document = read(epub_files(
      item("c", "b.xhtml") + item("a", "text/a%20%C3%A9.xhtml") + item("n", "nav.xhtml", "properties='nav'") +
          item("x", "x.xhtml"),
      itemref("a") + itemref("x", "linear='no'") + itemref("c") + itemref("a"),
      {{"b.xhtml", page("<p>The second.</p>")},
       {"text/a é.xhtml", page("<h2>Chapter I</h2><h3>The Moon</h3><p>The first.</p>")},
       {"x.xhtml", page("<p>not read</p>")},
       {"nav.xhtml",
        nav({{"text/a%20%C3%A9.xhtml", "I. The\n <b>Moon</b>"}, {"b.xhtml#top", "CHAPTER II: A &amp; B"}})}}));
  EXPECT_EQ(document.text,
            "## I. The Moon\n\n## Chapter I\n\n### The Moon\n\nThe first.\n\n## CHAPTER II: A & B\n\nThe second.\n");
  EXPECT_THAT(titles(document), ElementsAre("I. The Moon", "CHAPTER II: A & B"));
  EXPECT_THAT(document.warnings, IsEmpty());
}

TEST(Epub, AChapterThatBeginsWithItsTitleGetsNoMark) {
  const Document document =
      read(epub_files(item("a", "a.xhtml") + item("n", "nav.xhtml", "properties='cover nav'"), itemref("a"),
                      {{"a.xhtml", page("<h1>Chapter I.</h1><h2>THE MOON</h2><p>Text.</p>")},
                       {"nav.xhtml", nav({{"a.xhtml", "Chapter I: The Moon"}})}}));
  EXPECT_EQ(document.text, "# Chapter I.\n\n## THE MOON\n\nText.\n");
}

TEST(Epub, SeveralChaptersInOneFileAreToldApart) {
  const std::string body = "<p>Front.</p><div id='c1'><h2>One</h2><p>1</p></div><p id='c2'>2</p>";
  const Document document =
      read(epub_files(item("a", "a.xhtml") + item("b", "b.xhtml") + item("n", "nav.xhtml", "properties='nav'"),
                      itemref("a") + itemref("b"),
                      {{"a.xhtml", page(body)},
                       {"b.xhtml", page("<p>more of two</p>")},
                       {"nav.xhtml", nav({{"a.xhtml#c1", "Part"}, {"a.xhtml#c1", "One"}, {"a.xhtml#c2", "Two"}})}}));
  EXPECT_THAT(titles(document), ElementsAre("book.epub", "Part: One", "Two"));
  EXPECT_EQ(document.text, "Front.\n\n## Part: One\n\n## One\n\n1\n\n## Two\n\n2\n\nmore of two\n");
  EXPECT_EQ(section_text(document, 2), "## Two\n\n2\n\nmore of two\n");
}

TEST(Epub, TheOldTableOfContentsServesToo) {
  const std::string ncx =
      "<!DOCTYPE ncx PUBLIC 'x' 'y'><ncx:ncx xmlns:ncx='z'><ncx:docTitle><ncx:text>Book</ncx:text></ncx:docTitle>"
      "<ncx:navMap><ncx:navPoint><ncx:navLabel><ncx:text> One </ncx:text></ncx:navLabel><ncx:content src='a.html'/>"
      "<ncx:navPoint><ncx:navLabel><ncx:text>Two</ncx:text></ncx:navLabel><ncx:content src='b.html#x'/></ncx:navPoint>"
      "</ncx:navPoint></ncx:navMap><pageList><navLabel><text>9</text></navLabel><content "
      "src='b.html'/></pageList></ncx:ncx>";
  const Document document =
      read(epub_files(item("ncx", "toc.ncx", "", "application/x-dtbncx+xml") + item("a", "a.html", "", "text/html") +
                          item("b", "b.html", "", "text/x-oeb1-document"),
                      itemref("a") + itemref("b"),
                      {{"toc.ncx", ncx}, {"a.html", page("<p>1</p>")}, {"b.html", page("<p id='x'>2</p>")}}));
  EXPECT_THAT(titles(document), ElementsAre("One", "Two"));
}

TEST(Epub, WithoutATableOfContentsHeadingsNameTheSections) {
  const Document document =
      read(epub_files(item("a", "a.xhtml") + item("b", "b.xhtml"), itemref("a") + itemref("b"),
                      {{"a.xhtml", page("<p>0</p><h1>One</h1><p>1</p>")}, {"b.xhtml", page("<h2>Two</h2><p>2</p>")}}));
  EXPECT_THAT(titles(document), ElementsAre("book.epub", "One", "Two"));
  EXPECT_EQ(document.text, "0\n\n# One\n\n1\n\n## Two\n\n2\n");
}

TEST(Epub, PicturesAndMissingChaptersAreCounted) {
  const Document document = read(epub_files(
      item("a", "a.xhtml") + item("p", "p.png", "", "image/png") + item("e", "e.xhtml") + item("m", "m.xhtml") +
          item("s", "s.svg", "fallback='f'", "image/svg+xml") + item("f", "f.xhtml") +
          item("y", "y.svg", "fallback='z'", "image/svg+xml") + item("z", "z.svg", "fallback='y'", "image/svg+xml"),
      itemref("a") + itemref("p") + itemref("e") + itemref("m") + itemref("s") + itemref("y") + itemref("nowhere"),
      {{"a.xhtml", page("<p>1</p>")}, {"e.xhtml", page("<img src='x'/>")}, {"f.xhtml", page("in words")}}));
  EXPECT_EQ(document.text, "1\n\nin words\n");
  EXPECT_EQ(document.empty_pages, 3u);
  EXPECT_THAT(document.warnings, ElementsAre(HasSubstr("OEBPS/m.xhtml is missing")));
}

TEST(Epub, IsKnownByItsContent) {
  const TempFolder folder;
  const ZipFiles files = epub_files(item("a", "a.xhtml"), itemref("a"), {{"a.xhtml", page("<p>text</p>")}});
  EXPECT_EQ(read_documents({folder.write("book.zip", make_zip(files))}).text, "text\n");
  EXPECT_THAT(read_error(folder.write("other.zip", make_zip({{"a.txt", "x"}}))), HasSubstr("zip archive"));
  const ZipFiles pictures = epub_files(item("p", "p.png", "", "image/png"), itemref("p"), {});
  EXPECT_THAT(read_error(folder.write("comic.epub", make_zip(pictures))),
              HasSubstr("pictures without text (1 of them)"));
}

TEST(Epub, ProtectedBooksAreRefused) {
  ZipFiles files = epub_files(item("a", "a.xhtml"), itemref("a"), {{"a.xhtml", page("<p>text</p>")}});
  const auto encryption = [](const char* algorithm, const char* file) {
    return cat("<encryption><enc:EncryptedData xmlns:enc='x'><enc:EncryptionMethod Algorithm='", algorithm,
               "'/><KeyInfo><EncryptedKey><EncryptionMethod Algorithm='rsa'/></EncryptedKey></KeyInfo><enc:CipherData>"
               "<enc:CipherReference URI='",
               file, "'/></enc:CipherData></enc:EncryptedData></encryption>");
  };
  files.emplace_back("META-INF/encryption.xml", encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf"));
  EXPECT_EQ(error_of(make_zip(files)), "read");
  files.back().second = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/a.xhtml");
  EXPECT_THAT(error_of(make_zip(files)), HasSubstr("copy-protected"));
}

TEST(Epub, PathsCannotLeaveTheBook) {
  EXPECT_EQ(resolve_href("OEBPS/book.opf", "a/../b%2Fc.xhtml#x"), "OEBPS/b/c.xhtml");
  EXPECT_EQ(resolve_href("OEBPS/book.opf", "../a.xhtml?q"), "a.xhtml");
  EXPECT_EQ(resolve_href("OEBPS/book.opf", "../../etc/passwd"), "");
  EXPECT_EQ(resolve_href("OEBPS/book.opf", "%2e%2e/%2e%2e/etc/passwd"), "");
  EXPECT_EQ(resolve_href("OEBPS/book.opf", "/META-INF/x"), "META-INF/x");
  EXPECT_EQ(resolve_href("a", "https://example.org/x"), "");
  EXPECT_EQ(resolve_href("a", "file:///etc/passwd"), "");
  EXPECT_EQ(resolve_href("a/b", "./"), "a");
}

TEST(Epub, BombsAndDamageAreErrors) {
  const ZipFiles good = epub_files(item("a", "a.xhtml"), itemref("a"), {{"a.xhtml", page("<p>text</p>")}});
  ZipFiles bomb = good;
  bomb.back().second = std::string((std::size_t{64} << 20) + 1, 'a');
  const std::string packed = make_zip(bomb);
  EXPECT_LT(packed.size(), 200000u);
  EXPECT_THAT(error_of(packed), HasSubstr("unpacks to more than 64 MiB"));
  EXPECT_THAT(error_of(make_zip({{"META-INF/container.xml", "<container/>"}})), HasSubstr("names no package"));
  EXPECT_THAT(error_of(make_zip({{"x", "y"}})), HasSubstr("no META-INF/container.xml"));
  EXPECT_THAT(error_of(make_zip({good[0], good[1]})), HasSubstr("OEBPS/book.opf is missing"));
  EXPECT_THAT(error_of(make_zip({good[0], good[1], {"OEBPS/book.opf", "<package/>"}})), HasSubstr("lists no chapters"));
  const std::string entities =
      "<!DOCTYPE html [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'><!ENTITY c SYSTEM '/etc/passwd'>]><p>x&b;&c;</p>";
  EXPECT_EQ(read(epub_files(item("a", "a.xhtml"), itemref("a"), {{"a.xhtml", entities}})).text, "x&b;&c;\n");
}

TEST(Epub, CutAndAlteredBooksNeverCrash) {
  const std::string whole = make_zip(
      epub_files(item("a", "a.xhtml") + item("n", "nav.xhtml", "properties='nav'"), itemref("a"),
                 {{"a.xhtml", page("<h1 id='x'>One</h1><p>text</p>")}, {"nav.xhtml", nav({{"a.xhtml#x", "Two"}})}}));
  EXPECT_EQ(error_of(whole), "read");
  for (std::size_t size = 0; size < whole.size(); size += 7) EXPECT_NE(error_of(whole.substr(0, size)), "read") << size;
  std::uint32_t state = 1;
  const auto random = [&state] { return (state = state * 1664525u + 1013904223u) >> 8; };
  for (int i = 0; i < 2000; ++i) {
    std::string altered = whole;
    for (std::uint32_t n = random() % 4 + 1; n > 0; --n) altered[random() % whole.size()] = static_cast<char>(random());
    error_of(altered);
  }
}

}  // namespace
}  // namespace tome
