#include "text/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <string>

#include "document_files.h"
#include "text/html_entities.h"
#include "text/html_lexer.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string text_of(std::string_view html) { return html_text(html, false).text; }
std::string xhtml_text_of(std::string_view html) { return html_text(html, true).text; }

TEST(Html, BlocksAreParagraphs) {
  EXPECT_EQ(text_of("<p>one<p>two<div>three<div>four</div></div>five"), "one\n\ntwo\n\nthree\n\nfour\n\nfive\n");
  EXPECT_EQ(text_of("<section><p>a</p></section>\n\n<footer> b </footer>"), "a\n\nb\n");
  EXPECT_EQ(text_of(""), "");
  EXPECT_EQ(text_of("<p></p><div> &nbsp; </div>"), "");
}

TEST(Html, WhiteSpaceFoldsAsInABrowser) {
  EXPECT_EQ(text_of("<p>  a \n\t b<b> c</b> <i>d</i>e  </p>  <p> f</p>"), "a b c de\n\nf\n");
  EXPECT_EQ(text_of("a&nbsp;&#32; b\xC2\xA0"), "a b\n");
  EXPECT_EQ(text_of("Don\xC2\xAD"
                    "au&shy;dampf\xE2\x80\x8B"
                    "schiff"),
            "Donaudampfschiff\n");
  EXPECT_EQ(text_of("a<span> </span>b"), "a b\n");
}

TEST(Html, BreaksAreLineEnds) {
  EXPECT_EQ(text_of("<p>a<br>b<br/>c<br></p><p>d"), "a\nb\nc\n\nd\n");
  EXPECT_EQ(text_of("a <br> <br> b<br><br><br><br>c"), "a\n\nb\n\nc\n");
  EXPECT_EQ(text_of("a<hr>b"), "a\n\nb\n");
}

TEST(Html, HeadingsHaveTheirMarks) {
  const HtmlText html = html_text("<h1>The <i>Book</i></h1><p>x</p><h2>\n Chapter<br>One </h2>y<h3></h3>z", false);
  EXPECT_EQ(html.text, "# The Book\n\nx\n\n## Chapter One\n\ny\n\nz\n");
  ASSERT_EQ(html.headings.size(), 2u);
  EXPECT_EQ(html.headings[1].title, "Chapter One");
  EXPECT_EQ(html.headings[1].level, 2);
  EXPECT_EQ(html.text.substr(html.headings[1].begin, 5), "## Ch");
}

TEST(Html, AHeadingWithoutItsEndTagEndsAtTheNextBlock) {
  EXPECT_EQ(text_of("<h1>Title<p>one<p>two"), "# Title\n\none\n\ntwo\n");
  EXPECT_EQ(text_of("<h1><div>Title</div></h1>one"), "# Title\n\none\n");
  EXPECT_EQ(text_of("<h2>Title</h3>one"), "## Title\n\none\n");
  EXPECT_EQ(text_of("<div><h2>Title</div>one"), "## Title\n\none\n");
}

TEST(Html, ListsHaveMarksAndNumbers) {
  EXPECT_EQ(text_of("<ul><li>a<li>b<ol start=4><li>c</li><li value=9>d<li>e</ol><li>f</ul>g"),
            "- a\n- b\n  4. c\n  9. d\n  10. e\n- f\n\ng\n");
  EXPECT_EQ(text_of("<ol type=a><li>x<li>y</ol><ol style='list-style-type: upper-roman' start=4><li>z</ol>"),
            "a. x\nb. y\n\nIV. z\n");
  EXPECT_EQ(text_of("<ul><li></li><li><p>a</p></li></ul>"), "- a\n");
  EXPECT_EQ(text_of("<dl><dt>term<dd>meaning<dt>next</dl>"), "term\nmeaning\nnext\n");
  EXPECT_EQ(text_of("<ol start=99999999999999999999><li>a"), "1. a\n");
}

TEST(Html, RowsOfTablesAreLines) {
  EXPECT_EQ(text_of("<table><caption>Sales</caption><tr><th>Year<th>Sum</tr><tr><td>1999</td><td> <p>12</p></td></tr>"
                    "<tr><td></td></tr><tr><td><td>x<td></table>y"),
            "Sales\nYear | Sum\n1999 | 12\n| x\n\ny\n");
  EXPECT_EQ(text_of("<table><tr><td>a<br>b<td>c<tr><td>d</table>"), "a b | c\nd\n");
}

TEST(Html, TablesThatLayOutThePageAreParagraphs) {
  EXPECT_EQ(text_of("<table><tr><td><h1>T</h1><p>a<p>b<td>c<table><tr><td>1<td>2</table></table>d"),
            "# T\n\na\n\nb\n\nc\n\n1 | 2\n\nd\n");
}

TEST(Html, PreformattedTextIsKept) {
  EXPECT_EQ(text_of("<p>a</p><pre>\nif  x:\n\n\n   <b>y</b>&lt;z\n</pre>b"), "a\n\nif  x:\n\n\n   y<z\n\nb\n");
  EXPECT_EQ(text_of("<pre>\n\n a</pre>"), " a\n");
}

TEST(Html, WhatIsNotShownIsLeftOut) {
  EXPECT_EQ(text_of("<head><title>T</title><style>p{}</style><script>if (a<b) '</p>'</script></head><body>a"), "a\n");
  EXPECT_EQ(text_of("a<span hidden>b<span>c</span>d</span>e<p style='color:red; DISPLAY : none'>f<p>g"), "ae\n\ng\n");
  EXPECT_EQ(text_of("<div style='visibility:hidden'>a<p>b</div>c<template>d</template><svg><title/><text>e</svg>f"),
            "cf\n");
  EXPECT_EQ(text_of("a<!-- b --> c<!-->d<!---->e<!--f--!>g<?php h ?>i"), "a cdegi\n");
  EXPECT_EQ(text_of("a<span epub:type='pagebreak'>12</span><select><option>x</select><textarea><p></textarea>b"),
            "ab\n");
  EXPECT_EQ(text_of("<ul><li hidden>a<li>b</ul><table><tr><td hidden>c<td>d</table>"), "- b\n\nd\n");
  EXPECT_EQ(text_of("<!DOCTYPE html [<!ENTITY a 'b'>]><p>a&a;"), "a&a;\n");
  EXPECT_EQ(text_of("a<script>b"), "a\n");
}

TEST(Html, PicturesQuotesRubyAndPowers) {
  EXPECT_EQ(text_of("<img src=x alt=' a &amp; b'><img alt=''><img>"), "[image: a & b]\n");
  EXPECT_EQ(text_of("<img alt=T>he end <img alt='[Illustration]'>"), "The end [Illustration]\n");
  EXPECT_EQ(text_of("<q>a</q>"), "“a”\n");
  EXPECT_EQ(text_of("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp>字<rt>ji</ruby>!"), "漢(kan)字(ji)!\n");
  EXPECT_EQ(text_of("10<sup>8</sup> x<sup>2</sup>"), "10^8 x2\n");
}

TEST(Html, EntitiesAreRead) {
  EXPECT_EQ(decode_entities("&lt;&amp;&eacute;&hellip;&NotEqualTilde;&copy&notit;"), "<&é…≂̸©¬it;");
  EXPECT_EQ(decode_entities("&#65;&#x1F600;&#150;&#0;&#xD800;&#x110000;&#99999999999;"),
            "A😀–���"
            "�");
  EXPECT_EQ(decode_entities("& &; &# &#x &#; &nosuch; AT&T &"), "& &; &# &#x &#; &nosuch; AT&T &");
  const auto entities = html_entities();
  EXPECT_TRUE(std::is_sorted(entities.begin(), entities.end(),
                             [](const HtmlEntity& a, const HtmlEntity& b) { return a.name < b.name; }));
  for (const HtmlEntity& entity : entities) EXPECT_EQ(decode_entities(cat("&", entity.name)), entity.text);
}

TEST(Html, XhtmlHasEmptyElementsAndCdata) {
  EXPECT_EQ(xhtml_text_of("<html><head><title/><script src='x'/></head><body><p/><p>a<span/> b</p><div/>c"),
            "a b\n\nc\n");
  EXPECT_EQ(xhtml_text_of("<p>a <![CDATA[<b> &amp;]]></p>"), "a <b> &amp;\n");
  EXPECT_EQ(xhtml_text_of("<html:p>a</html:p><html:p>b</html:p>"), "a\n\nb\n");
  EXPECT_EQ(xhtml_text_of("<table><tr><td/><td>a</td></tr></table>"), "| a\n");
  EXPECT_EQ(text_of("<p>a<span hidden/> b</p>c"), "a\n\nc\n");  // in HTML the slash means nothing
}

TEST(Html, AnchorsAreAtTheirLines) {
  const HtmlText html = html_text("<p>x</p><a id=one></a><h2>Two<a name='t&amp;o'></a></h2><p>a b<i id=none>c</i>",
                                  false, {"one", "t&o", "absent"});
  EXPECT_THAT(html.anchors, ElementsAre(Pair("one", 3), Pair("t&o", 11)));
}

TEST(Html, BrokenMarkupLosesNoText) {
  EXPECT_EQ(text_of("a < b <3 </> <1> c"), "a < b <3 <1> c\n");
  EXPECT_EQ(text_of("<p>a</div></span></table></li>b</p></p>c"), "ab\n\nc\n");
  EXPECT_EQ(text_of("a <b class='x"), "a\n");
  EXPECT_EQ(text_of("<p =a b='>' c=d/>x"), "x\n");
  EXPECT_EQ(text_of("<td>a<td>b<li>c</td><tr>d"), "a\n\nb\n- c\n\nd\n");
}

TEST(Html, TheEncodingIsDeclared) {
  EXPECT_EQ(declared_encoding("<meta http-equiv=x content='text/html; charset=Windows-1251'>"), "windows-1251");
  EXPECT_EQ(declared_encoding("<html><META charset = \"koi8-r\" >"), "koi8-r");
  EXPECT_EQ(declared_encoding("<?xml version='1.0' encoding='ISO-8859-2'?><html/>"), "iso-8859-2");
  EXPECT_EQ(declared_encoding("<p>charset=utf-8"), "");
}

TEST(Html, ADocumentHasASectionForEachHeading) {
  const TempFolder folder;
  const Document document = read_documents(
      {folder.write("a.html", "<p>intro<h2>I</h2><h2>Caf\xC3\xA9</h2><p>one</p><h4>x</h4><h2>II</h2>two")});
  ASSERT_EQ(document.sections.size(), 3u);
  EXPECT_EQ(document.sections[0].title, "a.html");
  EXPECT_EQ(document.sections[1].title, "I: Café");
  EXPECT_EQ(section_text(document, 2), "## II\n\ntwo\n");
  expect_sound(document);
}

TEST(Html, IsKnownByItsContentOrItsName) {
  const TempFolder folder;
  for (const char* name : {"page", "page.bin"}) {
    EXPECT_EQ(read_documents({folder.write(name, "\xEF\xBB\xBF\n <!DOCTYPE HTML><p>a")}).text, "a\n");
  }
  EXPECT_EQ(read_documents({folder.write("b.htm", "<p>caf\xE9<meta charset=latin1>")}).text, "café\n");
  EXPECT_EQ(read_documents({folder.write("c.txt", "<html>")}).text, "<html>");
  EXPECT_THAT(read_error(folder.write("d.html", "<html><script>1</script>")), HasSubstr("holds no text"));
}

std::string repeat(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

// Each of these takes minutes, or the stack, where work or recursion grows with depth.
TEST(Html, HostilePagesTakeLinearTime) {
  const std::size_t many = 60000;
  std::string attributes = "<p ", anchors;
  for (std::size_t i = 0; i < many; ++i) attributes += cat("a", i, "=1 ");
  const std::vector<std::string> pages = {repeat("<div>", many),
                                          repeat("<b>", many),
                                          repeat("<div>", many) + repeat("</div>", many),
                                          repeat("<ul><li>x", many),
                                          repeat("<table><tr><td>", many),
                                          repeat("<table>", many),
                                          repeat("<h1>", many),
                                          repeat("<div hidden>", many),
                                          repeat("<svg><p>", many),
                                          repeat("<!-- -->", many),
                                          repeat("<!--", many),
                                          repeat("</x>", many),
                                          repeat("</", many),
                                          repeat("<", many),
                                          repeat("<script>", many),
                                          repeat("<title></titl", many),
                                          repeat("&#38;&", many),
                                          repeat("<ruby><rt>", many),
                                          repeat("<p hidden><b>", many),
                                          repeat("<!DOCTYPE [", many),
                                          repeat("<![CDATA[", many),
                                          repeat("<a b='", many),
                                          attributes + ">x"};
  for (const std::string& page : pages) {
    for (const bool xml : {false, true}) {
      const std::clock_t begin = std::clock();  // of the processor: other programs do not count
      const HtmlText html = html_text(page, xml);
      EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC) << page.substr(0, 20);
      EXPECT_EQ(valid_utf8(html.text), html.text);
    }
  }
}

TEST(Html, TextInsideDeepNestingIsRead) {
  EXPECT_EQ(text_of(repeat("<div>", 300000) + "deep" + repeat("</div>", 300000) + "<p>after"), "deep\n\nafter\n");
}

// The words of a real page are the words of the same book as plain text.
TEST(Html, ANovelHasTheWordsOfItsText) {
  const auto html = shared_file("books/the-time-machine.html"), txt = shared_file("books/the-time-machine.txt");
  if (html.empty() || txt.empty()) GTEST_SKIP() << "TOME_DATA is not set";
  const auto words = [](const std::filesystem::path& path) {
    const Document document = read_documents({path});
    expect_sound(document);
    std::vector<std::string> out(1);
    for (const char c : document.text) {
      if (std::isalpha(static_cast<unsigned char>(c))) {
        out.back() += c;
      } else if (!out.back().empty()) {
        out.emplace_back();
      }
    }
    const auto first = std::find(out.begin(), out.end(), "expounding");
    const auto last = std::find(out.rbegin(), out.rend(), "tenderness");
    return std::vector<std::string>(first, last.base());
  };
  const auto expected = words(txt);
  EXPECT_GT(expected.size(), 30000u);
  EXPECT_EQ(words(html), expected);
}

}  // namespace
}  // namespace tome
