#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/tokenizer_rewrite.h"
#include "text/utf8.h"

namespace tome {
namespace {

TEST(Utf8, ReadsTheEndsOfEveryLength) {
  const std::vector<char32_t> ends{0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
  for (const char32_t code : ends) {
    std::string text;
    append_utf8(text, code);
    const Utf8Char c = read_utf8(text, 0);
    EXPECT_TRUE(c.valid) << text;
    EXPECT_TRUE(c.code == code) << text;
    EXPECT_EQ(c.bytes, text.size());
    EXPECT_EQ(find_invalid_utf8(text), text.size());
  }
}

// Python: bytes.decode("utf-8", "replace").
TEST(Utf8, MendsAsPythonDoes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\x80", "\uFFFD"},
      {"\xFF\xFE", "\uFFFD\uFFFD"},
      {"a\xC3", "a\uFFFD"},
      {"\xC3(", "\uFFFD("},
      {"\xE2\x96", "\uFFFD"},
      {"\xE2\x96x", "\uFFFDx"},
      {"\xE2(\xA1", "\uFFFD(\uFFFD"},
      {"\xF0\x9F\x98", "\uFFFD"},
      {"\xF0\x9F\xF0\x9F\x98\x80", "\uFFFD\U0001F600"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // a surrogate
      {"\xC0\x80", "\uFFFD\uFFFD"},                      // overlong
      {"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},            // overlong
      {"\xF0\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // overlong
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // past U+10FFFF
      {"\xF8\x88\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(mend_utf8(bytes).text(), text);
}

TEST(Rewriter, FindsTheWayBack) {
  Rewriter rewriter;
  rewriter.replace(0, " ");    // text 0, original 0
  rewriter.keep("ab");         // text 1, original 0
  rewriter.replace(1, "xyz");  // text 3, original 2
  rewriter.keep("c");          // text 6, original 3
  rewriter.replace(3, " ");    // text 7, original 4
  rewriter.keep("d");          // text 8, original 7
  EXPECT_EQ(rewriter.text(), " abxyzc d");
  std::vector<std::uint32_t> positions{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  rewriter.to_original(positions);
  EXPECT_THAT(positions, testing::ElementsAre(0, 0, 1, 2, 2, 2, 3, 4, 7, 8));
}

TEST(Utf8Stream, GivesWholeCharactersOnly) {
  const std::string text = "a\u00E9\u4E1C\U0001F600z";
  for (std::size_t step = 1; step < text.size(); ++step) {
    Utf8Stream stream;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) {
      const std::string part = stream.push(std::string_view(text).substr(at, step));
      EXPECT_EQ(find_invalid_utf8(part), part.size());
      out += part;
    }
    EXPECT_EQ(out, text);
    EXPECT_EQ(stream.finish(), "");
  }
}

TEST(Utf8Stream, WaitsNoLongerThanItMust) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("x\xF0\x9F"), "x");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80y"), "\U0001F600y");
  EXPECT_EQ(stream.push("\xE2\x96"), "");
  EXPECT_EQ(stream.push("w"), "\uFFFDw");
  EXPECT_EQ(stream.push("\xFF"), "\uFFFD");
  EXPECT_EQ(stream.push("\xC3"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace tome
