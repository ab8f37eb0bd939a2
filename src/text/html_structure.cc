#include "text/html_structure.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "text/html_elements.h"
#include "text/html_entities.h"

namespace tome {
namespace {

constexpr long kMaxNumber = 999999;
constexpr std::size_t kLongCell = 1000;  // bytes

long number(const HtmlToken& token, std::string_view attribute, long otherwise) {
  const std::string_view* value = token.attribute(attribute);
  if (value == nullptr) return otherwise;
  long parsed = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), parsed);
  return error == std::errc{} && parsed >= -kMaxNumber && parsed <= kMaxNumber ? parsed : otherwise;
}

// 1 a, 26 z, 27 aa.
std::string letters(long value, char first) {
  std::string out;
  for (; value > 0; value = (value - 1) / 26) out += static_cast<char>(first + (value - 1) % 26);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string roman(long value, bool upper) {
  constexpr std::array<std::pair<long, std::string_view>, 13> kParts = {{{1000, "m"},
                                                                         {900, "cm"},
                                                                         {500, "d"},
                                                                         {400, "cd"},
                                                                         {100, "c"},
                                                                         {90, "xc"},
                                                                         {50, "l"},
                                                                         {40, "xl"},
                                                                         {10, "x"},
                                                                         {9, "ix"},
                                                                         {5, "v"},
                                                                         {4, "iv"},
                                                                         {1, "i"}}};
  std::string out;
  for (const auto& [amount, text] : kParts) {
    for (; value >= amount; value -= amount) out += text;
  }
  if (upper)
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return out;
}

std::string numeral(long value, char style) {
  if (value > 0 && (style == 'a' || style == 'A')) return letters(value, style);
  if (value > 0 && value < 4000 && (style == 'i' || style == 'I')) return roman(value, style == 'I');
  return std::to_string(value);
}

}  // namespace

HtmlList::HtmlList(const HtmlToken& start) {
  if (start.name != "ol") return;
  style = '1';
  next = number(start, "start", 1);
  if (const std::string_view* type = start.attribute("type"); type != nullptr && type->size() == 1) {
    if (std::string_view("aAiI").find(type->front()) != std::string_view::npos) style = type->front();
  }
  const std::string_view* css = start.attribute("style");
  if (css == nullptr) return;
  for (const auto& [name, as] :
       {std::pair{"lower-alpha", 'a'}, {"upper-alpha", 'A'}, {"lower-roman", 'i'}, {"upper-roman", 'I'}}) {
    if (css->find(name) != std::string_view::npos) style = as;
  }
}

std::string item_mark(std::vector<HtmlList>& lists, const HtmlToken& item) {
  constexpr std::size_t kMaxIndent = 8;
  const std::string indent(2 * std::min(lists.size() - 1, kMaxIndent), ' ');
  HtmlList& list = lists.back();
  if (list.style == '-') return indent + "- ";
  const long value = number(item, "value", list.next);
  list.next = std::min(value + 1, kMaxNumber);
  return indent + numeral(value, list.style) + ". ";
}

bool lays_out_page(HtmlLexer rest) {
  HtmlToken token;
  int paragraphs = 0;
  std::size_t text = 0;
  while (rest.next(token)) {
    if (token.kind == HtmlToken::Kind::kText) {
      text += token.text.size();
    } else if (token.kind == HtmlToken::Kind::kEnd) {
      if (token.name == "table") return false;
    } else {
      const HtmlElement element = html_element(token.name);
      const bool cell = element.role == HtmlRole::kCell || element.role == HtmlRole::kRow;
      const bool structure = element.role == HtmlRole::kTable || element.role == HtmlRole::kHeading ||
                             element.role == HtmlRole::kList || element.role == HtmlRole::kTermList ||
                             element.role == HtmlRole::kPreformatted;
      paragraphs = cell ? 0 : paragraphs + (element.line_ends == 2 && !element.empty);
      if (cell) text = 0;
      if (structure) return true;
    }
    if (paragraphs > 1 || text > kLongCell) return true;
  }
  return false;
}

}  // namespace tome
