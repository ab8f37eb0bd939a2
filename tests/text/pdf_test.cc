#include "text/pdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "document_files.h"
#include "text/pdf_child.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A PDF of pages with the given lines, each a Helvetica line of its own; a page without lines has no text.
std::string make_pdf(const std::vector<std::vector<std::string>>& pages) {
  std::vector<std::string> objects = {"<</Type/Catalog/Pages 2 0 R>>", "",
                                      "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"};
  std::string kids;
  for (const auto& lines : pages) {
    std::string content = "BT /F 12 Tf 72 700 Td ";
    for (const std::string& line : lines) content += "(" + line + ") Tj 0 -14 Td ";
    content += "ET";
    kids += cat(objects.size() + 1, " 0 R ");
    objects.push_back(cat("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents ",
                          objects.size() + 2, " 0 R>>"));
    objects.push_back(cat("<</Length ", content.size(), ">>stream\n", content, "\nendstream"));
  }
  objects[1] = cat("<</Type/Pages/Count ", pages.size(), "/Kids[", kids, "]>>");
  std::string pdf = "%PDF-1.4\n", table = "0000000000 65535 f \n";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    char entry[32];
    std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", pdf.size());
    table += entry;
    pdf += cat(i + 1, " 0 obj\n", objects[i], "\nendobj\n");
  }
  return cat(pdf, "xref\n0 ", objects.size() + 1, "\n", table, "trailer<</Root 1 0 R/Size ", objects.size() + 1,
             ">>\nstartxref\n", pdf.size(), "\n%%EOF\n");
}

class Pdf : public testing::Test {
 protected:
  void SetUp() override {
    if (find_program("pdftotext").empty()) GTEST_SKIP() << "pdftotext is not installed";
  }
  const TempFolder folder_;
};

TEST_F(Pdf, PagesHaveMarksAndPagesWithoutTextAreCounted) {
  const Document document = read_documents(
      {folder_.write("-a b.pdf", make_pdf({{"First page.", "Caf\\351 \\223x\\224"}, {}, {"Third", "page."}}))});
  EXPECT_EQ(document.text, "[page 1]\nFirst page.\nCafé “x”\n\n[page 3]\nThird\npage.\n");
  EXPECT_EQ(document.empty_pages, 1u);
  EXPECT_THAT(document.warnings, IsEmpty());
  ASSERT_EQ(document.sections.size(), 2u);
  EXPECT_EQ(document.sections[1].title, "page 3");
  EXPECT_EQ(section_text(document, 1), "[page 3]\nThird\npage.\n");
  expect_sound(document);
}

TEST_F(Pdf, WordsDividedAtLineEndsAreJoined) {
  EXPECT_THAT(read_documents({folder_.write("a.pdf", make_pdf({{"This is a long exam-", "ple of a word."}}))}).text,
              HasSubstr("a long example of a word."));
}

TEST_F(Pdf, JoinsWithOtherFiles) {
  const Document document =
      read_documents({folder_.write("a.pdf", make_pdf({{"one"}, {"two"}})), folder_.write("b.txt", "three")});
  EXPECT_EQ(document.text, "[file a.pdf]\n\n[page 1]\none\n\n[page 2]\ntwo\n\n[file b.txt]\n\nthree");
  EXPECT_EQ(document.sections[1].title, "a.pdf, page 2");
  expect_sound(document);
}

TEST_F(Pdf, PicturesOnlyAreRefused) {
  EXPECT_THAT(read_error(folder_.write("scan.pdf", make_pdf({{}, {}}))),
              HasSubstr("pictures without text (2 of them)"));
}

TEST_F(Pdf, EncryptedFilesAreNamed) {
  const std::filesystem::path documents = std::filesystem::path(TOME_GOLDEN_DIR) / "documents";
  EXPECT_THAT(read_error(documents / "password.pdf"), HasSubstr("encrypted with a password"));
}

TEST_F(Pdf, DamageIsAnErrorOrAWarning) {
  EXPECT_THAT(read_error(folder_.write("a.pdf", "%PDF-1.4\nnothing here\n")), HasSubstr("cannot be read"));
  const std::string whole = make_pdf({{"one"}, {"two"}});
  for (std::size_t size = 20; size < whole.size(); size += 97) {
    const auto file = folder_.write("cut.pdf", whole.substr(0, size));
    try {
      const Document document = read_documents({file});
      expect_sound(document);
      EXPECT_FALSE(document.warnings.empty()) << size;
    } catch (const UserError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

TEST_F(Pdf, WithoutPdftotextTheWayOutIsNamed) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const std::string message = read_error(folder_.write("a.pdf", make_pdf({{"one"}})));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(message, HasSubstr("apt install poppler-utils"));
}

TEST(PdfChild, RunsWithItsInputAndKeepsItsExitCode) {
  const ChildResult result =
      run_child("/bin/sh", {"-c", "cat; cat /proc/self/fd/0 >&2; exit 7"}, std::string(100000, 'x'), {});
  EXPECT_EQ(result.output, std::string(100000, 'x'));
  EXPECT_EQ(result.errors, std::string(1 << 16, 'x'));
  EXPECT_EQ(result.exit_code, 7);
}

TEST(PdfChild, IsEndedAtItsLimits) {
  ChildLimits limits;
  limits.output = 1000;
  EXPECT_TRUE(run_child("/bin/sh", {"-c", "while :; do echo x; done"}, "", limits).too_much);
  limits.processor_time = std::chrono::seconds(1);
  EXPECT_TRUE(run_child("/bin/sh", {"-c", "while :; do :; done"}, "", limits).too_long);
  limits.wall_time = std::chrono::seconds(1);
  EXPECT_TRUE(run_child("/bin/sh", {"-c", "exec sleep 60"}, "", limits).too_long);
}

TEST(PdfChild, CannotWriteFilesOrTakeAllMemory) {
  const TempFolder folder;
  const ChildResult wrote = run_child("/bin/sh", {"-c", cat("echo x > ", (folder.path() / "f").string())}, "", {});
  EXPECT_NE(wrote.exit_code, 0);
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "f"), 0u);
  ChildLimits limits;
  limits.memory = std::size_t{64} << 20;
  const ChildResult large =
      run_child("/bin/sh", {"-c", "x=$(head -c 100000000 /proc/self/fd/0 | tr x y); echo $x | wc -c"},
                std::string(std::size_t{100} << 20, 'x'), limits);
  EXPECT_NE(large.output, "100000001\n");
}

}  // namespace
}  // namespace tome
