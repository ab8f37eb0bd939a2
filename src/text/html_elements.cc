#include "text/html_elements.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/html_entities.h"

namespace tome {
namespace {

using enum HtmlRole;

struct Entry {
  std::string_view name;
  HtmlElement element;
};

constexpr HtmlElement kBlock{2, kNone, false};
constexpr HtmlElement kHiddenElement{0, kHidden, false};
constexpr HtmlElement kEmpty{0, kNone, true};
constexpr HtmlElement kHeadingElement{2, kHeading, false};
constexpr HtmlElement kListElement{2, kList, false};
constexpr HtmlElement kPre{2, kPreformatted, false};

constexpr std::array<Entry, 93> kElements = {{
    {"address", kBlock},
    {"annotation", kHiddenElement},
    {"annotation-xml", kHiddenElement},
    {"applet", kHiddenElement},
    {"area", kEmpty},
    {"article", kBlock},
    {"aside", kBlock},
    {"audio", kHiddenElement},
    {"base", kEmpty},
    {"basefont", kEmpty},
    {"bgsound", kEmpty},
    {"blockquote", kBlock},
    {"body", kBlock},
    {"br", kEmpty},
    {"canvas", kHiddenElement},
    {"caption", {1, kCaption, false}},
    {"center", kBlock},
    {"col", kEmpty},
    {"datalist", kHiddenElement},
    {"dd", {1, kTerm, false}},
    {"details", kBlock},
    {"dialog", kBlock},
    {"dir", kListElement},
    {"div", kBlock},
    {"dl", {2, kTermList, false}},
    {"dt", {1, kTerm, false}},
    {"embed", kEmpty},
    {"epub:case", kHiddenElement},
    {"fieldset", kBlock},
    {"figcaption", kBlock},
    {"figure", kBlock},
    {"footer", kBlock},
    {"form", kBlock},
    {"frame", kEmpty},
    {"h1", kHeadingElement},
    {"h2", kHeadingElement},
    {"h3", kHeadingElement},
    {"h4", kHeadingElement},
    {"h5", kHeadingElement},
    {"h6", kHeadingElement},
    {"header", kBlock},
    {"hgroup", kBlock},
    {"hr", {2, kNone, true}},
    {"html", kBlock},
    {"iframe", kHiddenElement},
    {"img", kEmpty},
    {"input", kEmpty},
    {"keygen", kEmpty},
    {"legend", kBlock},
    {"li", {1, kItem, false}},
    {"link", kEmpty},
    {"listing", kPre},
    {"main", kBlock},
    {"menu", kListElement},
    {"meta", kEmpty},
    {"meter", kHiddenElement},
    {"nav", kBlock},
    {"noembed", kHiddenElement},
    {"noframes", kHiddenElement},
    {"noscript", kHiddenElement},
    {"object", kHiddenElement},
    {"ol", kListElement},
    {"p", {2, kParagraph, false}},
    {"param", kEmpty},
    {"plaintext", kPre},
    {"pre", kPre},
    {"progress", kHiddenElement},
    {"q", {0, kQuote, false}},
    {"rp", kHiddenElement},
    {"rt", {0, kRubyText, false}},
    {"ruby", {0, kRuby, false}},
    {"script", kHiddenElement},
    {"section", kBlock},
    {"select", kHiddenElement},
    {"source", kEmpty},
    {"style", kHiddenElement},
    {"summary", kBlock},
    {"svg", kHiddenElement},
    {"table", {2, kTable, false}},
    {"tbody", {1, kRows, false}},
    {"td", {0, kCell, false}},
    {"template", kHiddenElement},
    {"textarea", kHiddenElement},
    {"tfoot", {1, kRows, false}},
    {"th", {0, kCell, false}},
    {"thead", {1, kRows, false}},
    {"title", kHiddenElement},
    {"tr", {1, kRow, false}},
    {"track", kEmpty},
    {"ul", kListElement},
    {"video", kHiddenElement},
    {"wbr", kEmpty},
    {"xmp", kPre},
}};

// A style with its blanks dropped, in lower case.
std::string plain_style(std::string_view value) {
  std::string style;
  for (const char c : decode_entities(value)) {
    if (!is_html_blank(c)) style += ascii_lower(c);
  }
  return style;
}

bool has_word(std::string_view words, std::string_view word) {
  const std::size_t at = words.find(word);
  if (at == std::string_view::npos) return false;
  const std::size_t end = at + word.size();
  return (at == 0 || is_html_blank(words[at - 1])) && (end == words.size() || is_html_blank(words[end]));
}

}  // namespace

HtmlElement html_element(std::string_view name) {
  const auto found = std::lower_bound(kElements.begin(), kElements.end(), name,
                                      [](const Entry& entry, std::string_view key) { return entry.name < key; });
  return found != kElements.end() && found->name == name ? found->element : HtmlElement{};
}

bool is_hidden(const HtmlToken& start) {
  for (const HtmlToken::Attribute& attribute : start.attributes) {
    if (attribute.name == "hidden") return true;
    if (attribute.name == "epub:type" && has_word(attribute.value, "pagebreak")) return true;
    if (attribute.name == "role" && attribute.value == "doc-pagebreak") return true;
    if (attribute.name == "style") {
      const std::string style = plain_style(attribute.value);
      if (style.find("display:none") != std::string::npos || style.find("visibility:hidden") != std::string::npos) {
        return true;
      }
    }
  }
  return start.name == "dialog" && start.attribute("open") == nullptr;
}

}  // namespace tome
