// HTML as a run of tags and texts: https://html.spec.whatwg.org/multipage/parsing.html#tokenization
// One pass, no tree and no recursion: time and memory are linear in the input whatever its nesting.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

struct HtmlToken {
  enum class Kind { kText, kStart, kEnd };
  struct Attribute {
    std::string name;        // lower case
    std::string_view value;  // as written, entities included
  };

  Kind kind = Kind::kText;
  std::string name;                   // of a tag: lower case, XHTML's own prefixes dropped
  std::vector<Attribute> attributes;  // of a start tag: the first 64
  bool self_closing = false;          // <name/> where that means something: XML, SVG, MathML
  std::string_view text;              // of a text, as written
  bool entities = true;               // the text's &...; are entities

  /// The attribute's value; nullptr when the tag has none of that name.
  const std::string_view* attribute(std::string_view attribute_name) const;
};

class HtmlLexer {
 public:
  /// `xml`: XHTML's rules, where <p/> is an empty paragraph and CDATA is text. `html` is valid UTF-8 and stays alive.
  HtmlLexer(std::string_view html, bool xml) : html_(html), xml_(xml) {}

  /// The next tag or text; comments, declarations and the contents of scripts and styles are skipped. False at the end.
  bool next(HtmlToken& token);

 private:
  bool next_tag(HtmlToken& token);
  bool skip_declaration(HtmlToken& token);
  void skip_comment();
  bool next_raw_text(HtmlToken& token);
  void read_name(std::string& name);
  void read_attributes(HtmlToken& token);
  std::string_view read_value();
  void skip_blanks();
  void skip_past(std::string_view end);

  std::string_view html_;
  bool xml_;
  std::size_t at_ = 0;
  std::string raw_;           // the open element whose contents hold no tags (script, title, ...); empty: none
  int foreign_ = 0;           // open <svg> and <math>
  bool in_document_ = false;  // a tag was seen: no document type can follow
};

/// An ASCII letter as lower case.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_html_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

}  // namespace tome
