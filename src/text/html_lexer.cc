#include "text/html_lexer.h"

#include <algorithm>
#include <array>

namespace tome {
namespace {

constexpr std::size_t kMaxAttributes = 64;
constexpr std::size_t kMaxName = 40;

bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

// Elements without tags inside; the ones of the second kind have entities.
bool is_raw(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {"script",   "style",     "xmp",   "iframe",  "noembed",
                                                      "noframes", "plaintext", "title", "textarea"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool has_entities(std::string_view raw) { return raw == "title" || raw == "textarea"; }

bool starts_with_name(std::string_view text, std::string_view name) {
  if (text.size() < name.size()) return false;
  return std::equal(name.begin(), name.end(), text.begin(), [](char a, char b) { return a == ascii_lower(b); });
}

}  // namespace

const std::string_view* HtmlToken::attribute(std::string_view attribute_name) const {
  for (const Attribute& attribute : attributes) {
    if (attribute.name == attribute_name) return &attribute.value;
  }
  return nullptr;
}

bool HtmlLexer::next(HtmlToken& token) {
  if (!raw_.empty() && next_raw_text(token)) return true;
  while (at_ < html_.size()) {
    if (html_[at_] == '<' && at_ + 1 < html_.size()) {
      const char second = html_[at_ + 1];
      if (second == '!' || second == '?') {
        if (skip_declaration(token)) return true;
        continue;
      }
      const bool end = second == '/' && at_ + 2 < html_.size();
      if (is_letter(end ? html_[at_ + 2] : second)) {
        if (next_tag(token)) return true;
        continue;
      }
      if (end) {  // "</" and no name: a comment
        skip_past(">");
        continue;
      }
    }
    const std::size_t begin = at_;
    at_ = std::min(html_.find('<', at_ + 1), html_.size());
    token.kind = HtmlToken::Kind::kText;
    token.text = html_.substr(begin, at_ - begin);
    token.entities = true;
    return true;
  }
  return false;
}

// A tag cut off by the end of the file is no tag: false.
bool HtmlLexer::next_tag(HtmlToken& token) {
  const bool end = html_[at_ + 1] == '/';
  at_ += end ? 2 : 1;
  token.kind = end ? HtmlToken::Kind::kEnd : HtmlToken::Kind::kStart;
  read_name(token.name);
  read_attributes(token);
  if (at_ >= html_.size()) return false;
  ++at_;  // '>'
  in_document_ = true;
  const bool foreign = token.name == "svg" || token.name == "math";
  token.self_closing = token.self_closing && !end && (xml_ || foreign || foreign_ > 0);
  if (foreign && !token.self_closing) foreign_ = std::max(0, foreign_ + (end ? -1 : 1));
  const bool raw = is_raw(token.name) && (!xml_ || token.name == "script" || token.name == "style");
  if (!end && raw && !token.self_closing && foreign_ == 0) raw_ = token.name;
  return true;
}

// Moves behind a comment, declaration or instruction; true: it was CDATA, which is text.
bool HtmlLexer::skip_declaration(HtmlToken& token) {
  const std::string_view rest = html_.substr(at_);
  if (rest.starts_with("<!--")) {
    at_ += 4;
    skip_comment();
  } else if ((xml_ || foreign_ > 0) && rest.starts_with("<![CDATA[")) {
    const std::size_t begin = at_ + 9;
    skip_past("]]>");
    const std::size_t end = html_.substr(0, at_).ends_with("]]>") && at_ >= begin + 3 ? at_ - 3 : at_;
    token.kind = HtmlToken::Kind::kText;
    token.text = html_.substr(begin, end - begin);
    token.entities = false;
    return true;
  } else if (!in_document_ && starts_with_name(rest, "<!doctype")) {
    in_document_ = true;
    const std::size_t subset = rest.find('['), end = rest.find('>');
    if (subset < end) skip_past("]");  // entity definitions: none is ever expanded
    skip_past(">");
  } else {
    skip_past(xml_ && rest.starts_with("<?") ? "?>" : ">");
  }
  return false;
}

// Comments end with "-->" or "--!>"; "<!-->" and "<!--->" are whole ones.
void HtmlLexer::skip_comment() {
  const std::string_view body = html_.substr(at_);
  if (body.starts_with(">") || body.starts_with("->")) return skip_past(">");
  for (std::size_t dashes = body.find("--"); dashes != std::string_view::npos; dashes = body.find("--", dashes + 1)) {
    const std::string_view end = body.substr(dashes + 2);
    if (end.starts_with(">") || end.starts_with("!>")) {
      at_ += dashes + (end[0] == '>' ? 3 : 4);
      return;
    }
  }
  at_ = html_.size();
}

// The contents of raw_ up to its end tag; false when there is nothing to give.
bool HtmlLexer::next_raw_text(HtmlToken& token) {
  const std::size_t begin = at_;
  std::size_t end = raw_ == "plaintext" ? html_.size() : html_.find("</", at_);
  while (end < html_.size()) {
    const std::string_view rest = html_.substr(end + 2);
    const char after = rest.size() > raw_.size() ? rest[raw_.size()] : '>';
    if (starts_with_name(rest, raw_) && (is_html_blank(after) || after == '>' || after == '/')) break;
    end = html_.find("</", end + 2);
  }
  at_ = std::min(end, html_.size());
  const bool hidden = raw_ == "script" || raw_ == "style";
  token.kind = HtmlToken::Kind::kText;
  token.text = html_.substr(begin, at_ - begin);
  token.entities = has_entities(raw_);
  raw_.clear();
  return !hidden && !token.text.empty();
}

void HtmlLexer::read_name(std::string& name) {
  const std::size_t begin = at_;
  while (at_ < html_.size() && !is_html_blank(html_[at_]) && html_[at_] != '/' && html_[at_] != '>') ++at_;
  std::string_view full = html_.substr(begin, at_ - begin);
  for (const std::string_view prefix : {"html:", "xhtml:", "h:"}) {
    if (xml_ && full.size() > prefix.size() && full.starts_with(prefix)) full.remove_prefix(prefix.size());
  }
  name.assign(full.substr(0, kMaxName));
  std::transform(name.begin(), name.end(), name.begin(), ascii_lower);
}

// Ends at the tag's '>' or at the end of the file.
void HtmlLexer::read_attributes(HtmlToken& token) {
  token.attributes.clear();
  token.self_closing = false;
  for (;;) {
    skip_blanks();
    if (at_ >= html_.size() || html_[at_] == '>') return;
    if (html_[at_] == '/') {
      token.self_closing = ++at_ < html_.size() && html_[at_] == '>';
      continue;
    }
    const std::size_t begin = at_++;  // a name may begin with '='
    while (at_ < html_.size() && !is_html_blank(html_[at_]) && html_[at_] != '/' && html_[at_] != '>' &&
           html_[at_] != '=') {
      ++at_;
    }
    const std::string_view name = html_.substr(begin, at_ - begin);
    const std::string_view value = read_value();
    if (token.attributes.size() < kMaxAttributes && name.size() <= kMaxName) {
      token.attributes.push_back({std::string(name), value});
      std::string& lower = token.attributes.back().name;
      std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
    }
  }
}

std::string_view HtmlLexer::read_value() {
  skip_blanks();
  if (at_ >= html_.size() || html_[at_] != '=') return {};
  ++at_;
  skip_blanks();
  if (at_ >= html_.size()) return {};
  const char quote = html_[at_];
  const bool quoted = quote == '"' || quote == '\'';
  const std::size_t begin = quoted ? at_ + 1 : at_;
  const std::size_t end = quoted ? html_.find(quote, begin) : html_.find_first_of(" \n\t\r\f>", begin);
  at_ = std::min(end, html_.size());
  const std::string_view value = html_.substr(begin, at_ - begin);
  if (quoted && at_ < html_.size()) ++at_;
  return value;
}

void HtmlLexer::skip_blanks() {
  while (at_ < html_.size() && is_html_blank(html_[at_])) ++at_;
}

void HtmlLexer::skip_past(std::string_view end) {
  const std::size_t found = html_.find(end, at_);
  at_ = found == std::string_view::npos ? html_.size() : found + end.size();
}

}  // namespace tome
