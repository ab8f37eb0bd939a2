#include "text/document.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "document_files.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Document, PlainTextIsKeptAsItIs) {
  const TempFolder folder;
  const std::string text = "  Title\n\n\tA line with  blanks \n# not a heading\n<b>not HTML</b>\n\n\n";
  for (const char* name : {"a.txt", "a.md", "noextension", "a.cc"}) {
    const Document document = read_documents({folder.write(name, text)});
    EXPECT_EQ(document.text, text);
    EXPECT_EQ(document.name, name);
    EXPECT_THAT(document.warnings, IsEmpty());
    expect_sound(document);
  }
}

TEST(Document, SeveralFilesAreJoinedWithAMarkForEach) {
  const TempFolder folder;
  const Document document = read_documents({folder.write("b.txt", "second\n"), folder.write("a.txt", "first")});
  EXPECT_EQ(document.text, "[file b.txt]\n\nsecond\n\n[file a.txt]\n\nfirst");
  ASSERT_EQ(document.sections.size(), 2u);
  EXPECT_EQ(document.sections[0].title, "b.txt");
  EXPECT_EQ(section_text(document, 1), "[file a.txt]\n\nfirst");
  EXPECT_EQ(document.name, "b.txt and 1 more");
  expect_sound(document);
}

TEST(Document, FilesOfTheSameNameAreToldApart) {
  const TempFolder folder;
  const auto one = folder.write("x/a.txt", "1"), two = folder.write("y/a.txt", "2");
  EXPECT_THAT(read_documents({one, two}).text, HasSubstr("[file " + two.string() + "]"));
}

TEST(Document, AFolderIsReadInNameOrderWithoutHiddenFiles) {
  const TempFolder folder;
  folder.write("book/part10.txt", "ten");
  folder.write("book/part2.txt", "two");
  folder.write("book/.hidden.txt", "no");
  folder.write("book/.git/config", "no");
  folder.write("book/notes/a.md", "note");
  folder.write("book/cover.png", std::string_view("\x89PNG\r\n\x1A\n\0\0", 10));
  std::filesystem::create_directory_symlink(folder.path() / "book", folder.path() / "book/loop");
  for (const char* name : {"book", "book/", "book/."}) {
    const Document document = read_documents({folder.path() / name});
    EXPECT_EQ(document.text, "[file notes/a.md]\n\nnote\n\n[file part2.txt]\n\ntwo\n\n[file part10.txt]\n\nten");
    EXPECT_EQ(document.name, "book");
    EXPECT_THAT(document.warnings, ElementsAre(HasSubstr("cover.png: is a PNG picture")));
    expect_sound(document);
  }
}

TEST(Document, AFolderOfOneFileNeedsNoMark) {
  const TempFolder folder;
  folder.write("only/a.txt", "text");
  EXPECT_EQ(read_documents({folder.path() / "only"}).text, "text");
}

TEST(Document, AFolderWithoutTextsIsAnError) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "empty");
  EXPECT_THAT(read_error(folder.path() / "empty"), HasSubstr("no file that can be read"));
}

TEST(Document, ManyUnreadableFilesMakeFewWarnings) {
  const TempFolder folder;
  for (int i = 0; i < 50; ++i)
    folder.write(cat("f/", i, ".bin"),
                 "\x7F"
                 "ELF\x01\x02");
  folder.write("f/a.txt", "text");
  EXPECT_EQ(read_documents({folder.path() / "f"}).warnings.size(), 21u);
}

TEST(Document, StdinIsReadOnce) {
  const TempFolder folder;
  const int kept = ::dup(STDIN_FILENO);
  const int file = ::open(folder.write("in", "from \xEF\xBB\xBFstdin\r\n").c_str(), O_RDONLY);
  ::dup2(file, STDIN_FILENO);
  const Document document = read_documents({"-"});
  EXPECT_THROW(read_documents({"-", "-"}), UserError);
  EXPECT_THROW(read_documents({"-"}), UserError);  // now at its end: empty
  ::dup2(kept, STDIN_FILENO);
  ::close(file);
  ::close(kept);
  EXPECT_EQ(document.name, "stdin");
  EXPECT_EQ(document.text, "from \xEF\xBB\xBFstdin\n");
  expect_sound(document);
}

TEST(Document, BinaryFilesAreNamed) {
  const TempFolder folder;
  EXPECT_THAT(read_error(folder.write("a.txt",
                                      "\x7F"
                                      "ELF\x02\x01\x01")),
              HasSubstr("is a program"));
  EXPECT_THAT(read_error(folder.write("b", std::string_view("\xFF\xD8\xFF\xE0\0\x10JFIF", 10))), HasSubstr("JPEG"));
  EXPECT_THAT(read_error(folder.write("c.rtf", "{\\rtf1 hello}")), HasSubstr("RTF"));
  EXPECT_THAT(read_error(folder.write("d.docx", std::string_view("PK\x03\x04\x14\0[Content_Types].xml", 25))),
              HasSubstr("Office"));
  EXPECT_THAT(read_error(folder.write("e", std::string(5000, '\x01'))), HasSubstr("binary data"));
  EXPECT_THAT(read_error(folder.write("f.pdf", "no pdf")), HasSubstr("PDF header"));
  EXPECT_THAT(read_error(folder.write("g.epub", "no zip")), HasSubstr("not an EPUB"));
}

TEST(Document, TextThatBeginsLikeABinaryIsText) {
  const TempFolder folder;
  for (const char* text : {"ID3 tags", "RIFF raff", "GGUF is a format", "MZ", "BZh"}) {
    EXPECT_EQ(read_documents({folder.write("a.txt", text)}).text, text);
  }
}

TEST(Document, WhatCannotBeReadIsOneClearLine) {
  const TempFolder folder;
  EXPECT_THAT(read_error(folder.path() / "absent.txt"), HasSubstr("no such file"));
  EXPECT_THAT(read_error(folder.write("empty.txt", "")), HasSubstr("is empty"));
  EXPECT_THAT(read_error(folder.write("blank.txt", "\xEF\xBB\xBF \n\t\r\n")), HasSubstr("holds no text"));
  EXPECT_THROW(read_documents({}), UserError);
}

TEST(Document, AFileWithoutPermissionIsNamed) {
  const TempFolder folder;
  const auto secret = folder.write("secret.txt", "text");
  ::chmod(secret.c_str(), 0);
  if (::access(secret.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read every file";
  EXPECT_THAT(read_error(secret), HasSubstr("Permission denied"));
}

TEST(Document, HostileFileNamesCannotForgeMarks) {
  const TempFolder folder;
  const auto one = folder.write("a]\n[file b\xFF.txt", "1"), two = folder.write("c.txt", "2");
  const Document document = read_documents({one, two});
  EXPECT_TRUE(document.text.starts_with("[file a]\xEF\xBF\xBD[file b\xEF\xBF\xBD.txt]\n\n1\n\n"));
  expect_sound(document);
}

}  // namespace
}  // namespace tome
