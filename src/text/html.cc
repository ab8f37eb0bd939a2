#include "text/html.h"

#include <algorithm>

#include "base/error.h"
#include "text/html_lexer.h"

namespace tome {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

// The value behind `key` and "=" in `head`, quoted or not.
std::string value_of(const std::string& head, std::string_view key) {
  const std::size_t found = head.find(key);
  if (found == std::string::npos) return {};
  std::size_t at = head.find_first_not_of(" \t\n\r", found + key.size());
  if (at == std::string::npos || head[at] != '=') return {};
  at = head.find_first_not_of(" \t\n\r\"'", at + 1);
  if (at == std::string::npos) return {};
  return head.substr(at, head.find_first_of(" \t\n\r\"';/>?", at) - at);
}

bool is_xml(const DocumentSource& source, std::string_view text) {
  const std::string extension = lower(std::filesystem::path(source.name).extension().string());
  return extension == ".xhtml" || extension == ".xht" || text.starts_with("<?xml");
}

// "I" and, right below it at the same level, "Introduction" are one heading.
bool continues(const HtmlText& html, const HtmlHeading& before, const HtmlHeading& heading) {
  const std::size_t title = before.begin + static_cast<std::size_t>(before.level) + 1;
  return before.level == heading.level && title + before.title.size() + 2 == heading.begin &&
         html.text[heading.begin - 1] == '\n';
}

std::vector<Section> heading_sections(const HtmlText& html, const std::string& name) {
  std::vector<Section> sections = {{name, 0, html.text.size()}};
  const HtmlHeading* before = nullptr;
  for (const HtmlHeading& heading : html.headings) {
    if (heading.level > 3) continue;
    if (before != nullptr && continues(html, *before, heading)) {
      sections.back().title += ": " + heading.title;
    } else if (heading.begin == 0) {
      sections.front().title = heading.title;
    } else {
      sections.back().end = heading.begin;
      sections.push_back({heading.title, heading.begin, html.text.size()});
    }
    before = &heading;
  }
  return sections;
}

}  // namespace

std::string declared_encoding(std::string_view bytes) {
  const std::string head = lower(bytes.substr(0, 4096));
  if (head.starts_with("<?xml")) {
    std::string encoding = value_of(head.substr(0, head.find("?>")), "encoding");
    if (!encoding.empty()) return encoding;
  }
  for (std::size_t at = head.find("<meta"); at != std::string::npos; at = head.find("<meta", at + 1)) {
    std::string encoding = value_of(head.substr(at, head.find('>', at) - at + 1), "charset");
    if (!encoding.empty()) return encoding;
  }
  return {};
}

Document read_html(const DocumentSource& source) {
  const Decoded decoded = decode_text(source.bytes, declared_encoding(source.bytes));
  if (looks_binary(decoded)) {
    throw_user_error(source.where,
                     ": is not HTML (it has binary data in it); tome reads txt, Markdown, HTML, EPUB and PDF");
  }
  HtmlText html = html_text(decoded.text, is_xml(source, decoded.text));
  Document document;
  document.warnings = decoding_warnings(source.where, decoded);
  document.sections = heading_sections(html, source.name);
  document.text = std::move(html.text);
  return document;
}

}  // namespace tome
