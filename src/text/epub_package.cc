#include "text/epub_package.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "text/encoding.h"
#include "text/html_entities.h"
#include "text/html_lexer.h"
#include "text/html_writer.h"

namespace tome {
namespace {

struct Item {
  std::string path;
  std::string type;
  std::string fallback;  // id of another item
};

// The name without its namespace prefix.
std::string_view local_name(const HtmlToken& token) {
  const std::string_view name = token.name;
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string value(const HtmlToken& token, std::string_view attribute) {
  const std::string_view* raw = token.attribute(attribute);
  return raw == nullptr ? std::string() : decode_entities(*raw);
}

bool has_word(std::string_view words, std::string_view word) {
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find_first_of(" \t\n\r", at), words.size());
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = ascii_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_page(std::string_view type) {
  constexpr std::array<std::string_view, 4> kTypes = {"application/xhtml+xml", "text/html", "text/x-oeb1-document",
                                                      "application/x-dtbook+xml"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// The item, or the first page that stands in for it; fallbacks that lead in a circle end.
const Item* find_page(const std::map<std::string, Item>& items, const std::string& id) {
  constexpr int kMaxFallbacks = 16;
  auto found = items.find(id);
  for (int i = 0; i < kMaxFallbacks && found != items.end(); ++i) {
    if (is_page(found->second.type)) return &found->second;
    found = items.find(found->second.fallback);
  }
  return nullptr;
}

// A link of a table of contents, closed when its title is complete.
class ContentList {
 public:
  explicit ContentList(const std::string& path) : path_(path) {}

  void text(const HtmlToken& token) {
    if (token.entities) {
      title_ += decode_entities(token.text);
    } else {
      title_ += token.text;
    }
  }
  void clear_title() { title_.clear(); }

  void add(const std::string& href) {
    HtmlWriter folded;
    folded.enter_line();
    constexpr std::size_t kMaxTitle = 300;
    folded.text(valid_utf8(std::string_view(title_).substr(0, kMaxTitle)));
    title_.clear();
    const std::size_t hash = std::min(href.find('#'), href.size());
    const std::string target = hash == 0 ? path_ : resolve_href(path_, href);
    if (target.empty() || folded.out().empty()) return;
    contents_.push_back({target, percent_decoded(std::string_view(href).substr(std::min(hash + 1, href.size()))),
                         std::move(folded.out())});
  }

  std::vector<EpubContent> take() { return std::move(contents_); }

 private:
  const std::string& path_;
  std::string title_;
  std::vector<EpubContent> contents_;
};

}  // namespace

std::string resolve_href(std::string_view base, std::string_view href) {
  href = href.substr(0, href.find_first_of("#?"));
  if (href.empty() || href.substr(0, href.find('/')).find(':') != std::string_view::npos) return {};
  const std::string folder = href.front() == '/' ? "" : std::string(base.substr(0, base.rfind('/') + 1));
  const std::string full = folder + percent_decoded(href);
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < full.size();) {
    const std::size_t end = std::min(full.find('/', at), full.size());
    const std::string_view part = std::string_view(full).substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return {};
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string path;
  for (const std::string_view part : parts) path.append(path.empty() ? "" : "/").append(part);
  return path;
}

std::string parse_container(std::string_view xml) {
  HtmlLexer lexer(xml, true);
  HtmlToken token;
  while (lexer.next(token)) {
    if (token.kind != HtmlToken::Kind::kStart || local_name(token) != "rootfile") continue;
    const std::string type = value(token, "media-type");
    if (type.empty() || type == "application/oebps-package+xml") return resolve_href("", value(token, "full-path"));
  }
  return {};
}

std::set<std::string> parse_encryption(std::string_view xml) {
  std::set<std::string> paths;
  HtmlLexer lexer(xml, true);
  HtmlToken token;
  while (lexer.next(token)) {
    const bool start = token.kind == HtmlToken::Kind::kStart;
    if (start && local_name(token) == "cipherreference") paths.insert(resolve_href("", value(token, "uri")));
  }
  return paths;
}

EpubPackage parse_package(std::string_view xml, const std::string& path) {
  EpubPackage package;
  std::map<std::string, Item> items;
  std::set<std::string> seen;
  std::string toc_id;
  HtmlLexer lexer(xml, true);
  HtmlToken token;
  std::vector<std::string> spine;
  while (lexer.next(token)) {
    if (token.kind != HtmlToken::Kind::kStart) continue;
    const std::string_view name = local_name(token);
    if (name == "item") {
      Item item{resolve_href(path, value(token, "href")), value(token, "media-type"), value(token, "fallback")};
      if (has_word(value(token, "properties"), "nav")) package.navigation = item.path;
      if (item.type == "application/x-dtbncx+xml") package.ncx = item.path;
      items.emplace(value(token, "id"), std::move(item));
    } else if (name == "spine") {
      toc_id = value(token, "toc");
    } else if (name == "itemref" && value(token, "linear") != "no") {
      spine.push_back(value(token, "idref"));
    }
  }
  for (const std::string& id : spine) {
    const Item* page = find_page(items, id);
    if (page == nullptr) {
      package.pictures += items.contains(id);
    } else if (!page->path.empty() && seen.insert(page->path).second) {
      package.chapters.push_back(page->path);
    }
  }
  if (const auto toc = items.find(toc_id); toc != items.end()) package.ncx = toc->second.path;
  return package;
}

std::vector<EpubContent> parse_navigation(std::string_view xhtml, const std::string& path) {
  ContentList contents(path);
  bool in_toc = false;
  std::string href;
  HtmlLexer lexer(xhtml, true);
  HtmlToken token;
  while (lexer.next(token)) {
    if (token.kind == HtmlToken::Kind::kText) {
      if (in_toc) contents.text(token);
    } else if (token.name == "nav") {
      in_toc = token.kind == HtmlToken::Kind::kStart && has_word(value(token, "epub:type"), "toc");
    } else if (in_toc && token.name == "a") {
      if (token.kind == HtmlToken::Kind::kStart) {
        href = value(token, "href");
        contents.clear_title();
      } else {
        contents.add(href);
      }
    }
  }
  return contents.take();
}

std::vector<EpubContent> parse_ncx(std::string_view xml, const std::string& path) {
  ContentList contents(path);
  bool in_map = false, in_label = false;
  HtmlLexer lexer(xml, true);
  HtmlToken token;
  while (lexer.next(token)) {
    if (token.kind == HtmlToken::Kind::kText) {
      if (in_label) contents.text(token);
      continue;
    }
    const std::string_view name = local_name(token);
    const bool start = token.kind == HtmlToken::Kind::kStart;
    if (name == "navmap") in_map = start;
    if (name == "navlabel") {
      in_label = start && in_map;
      if (start) contents.clear_title();
    }
    if (name == "content" && start && in_map) contents.add(value(token, "src"));
  }
  return contents.take();
}

}  // namespace tome
