#include "model/module_pattern.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/error.h"
#include "formats/printable.h"

namespace tome {
namespace {

constexpr std::size_t kLongest = 1024;
constexpr std::size_t kMostStates = 20'000;
constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

using Bytes = std::bitset<256>;

struct Node {
  enum class Kind { kBytes, kStart, kEnd, kSequence, kChoice, kRepeat };
  Kind kind = Kind::kSequence;
  Bytes bytes;
  std::vector<Node> parts;
  std::size_t least = 0, most = 0;  // of kRepeat
};

Bytes range(unsigned char first, unsigned char last) {
  Bytes bytes;
  for (std::size_t b = first; b <= last; ++b) bytes.set(b);
  return bytes;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text.size() > kLongest) refuse(cat("got ", text.size(), " bytes, expected at most ", kLongest));
  }

  Node parse() {
    Node node = choice();
    if (at_ < text_.size()) refuse("a bracket too many");
    return node;
  }

  [[noreturn]] void refuse(std::string_view why) const {
    throw_user_error("regular expression ", in_quotes(text_), ": ", why);
  }

 private:
  bool more() const { return at_ < text_.size(); }
  char peek() const { return text_[at_]; }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  Node choice() {
    Node node{Node::Kind::kChoice, {}, {sequence()}};
    while (take("|")) node.parts.push_back(sequence());
    return node;
  }

  Node sequence() {
    Node node;
    while (more() && peek() != '|' && peek() != ')') node.parts.push_back(repeated());
    return node;
  }

  Node repeated() {
    Node node = atom();
    const auto count = quantifier();
    if (!count) return node;
    if (take("+")) refuse("possessive repetition is not read");
    take("?");  // as few as possible: matches the same names
    if (quantifier()) refuse("a repetition of a repetition");
    return {Node::Kind::kRepeat, {}, {std::move(node)}, count->first, count->second};
  }

  std::optional<std::pair<std::size_t, std::size_t>> quantifier() {
    if (take("*")) return std::pair{std::size_t{0}, kUnlimited};
    if (take("+")) return std::pair{std::size_t{1}, kUnlimited};
    if (take("?")) return std::pair{std::size_t{0}, std::size_t{1}};
    if (!take("{")) return std::nullopt;
    const auto least = number();
    auto most = least;
    if (take(",")) most = number().value_or(kUnlimited);
    if (!take("}") || !most || least.value_or(0) > *most) refuse("expected {m}, {m,} or {m,n}");
    return std::pair{least.value_or(0), *most};
  }

  std::optional<std::size_t> number() {
    std::optional<std::size_t> value;
    while (more() && peek() >= '0' && peek() <= '9' && value.value_or(0) < kMostStates) {
      value = 10 * value.value_or(0) + static_cast<std::size_t>(text_[at_++] - '0');
    }
    return value;
  }

  Node atom() {
    if (take("^")) return {Node::Kind::kStart};
    if (take("$")) return {Node::Kind::kEnd};
    if (take(".")) return {Node::Kind::kBytes, ~range('\n', '\n')};
    if (take("[")) return {Node::Kind::kBytes, byte_class()};
    if (take("(")) {
      if (!take("?:") && more() && peek() == '?') refuse("groups that begin with (? are not read, but for (?:");
      Node node = choice();
      if (!take(")")) refuse("a bracket is not closed");
      return node;
    }
    if (std::string_view("*+?{").find(peek()) != std::string_view::npos) refuse("nothing to repeat");
    return {Node::Kind::kBytes, peek() == '\\' ? escaped() : literal()};
  }

  Bytes literal() {
    const auto byte = static_cast<unsigned char>(text_[at_++]);
    return range(byte, byte);
  }

  Bytes escaped() {
    ++at_;
    if (!more()) refuse("ends with a backslash");
    const char letter = peek();
    const bool is_letter = range('a', 'z')[static_cast<unsigned char>(letter | 0x20)];
    if (!is_letter && !range('0', '9')[static_cast<unsigned char>(letter)]) return literal();
    ++at_;
    const Bytes digits = range('0', '9');
    const Bytes words = digits | range('a', 'z') | range('A', 'Z') | range('_', '_');
    const Bytes spaces = range('\t', '\r') | range(' ', ' ');
    switch (letter) {
      case 'd':
        return digits;
      case 'D':
        return ~digits;
      case 'w':
        return words;
      case 'W':
        return ~words;
      case 's':
        return spaces;
      case 'S':
        return ~spaces;
      default:
        refuse(cat("\\", letter, " is not read"));
    }
  }

  Bytes byte_class() {
    Bytes bytes;
    const bool inverted = take("^");
    for (bool first = true; first || !more() || peek() != ']'; first = false) {
      if (!more()) refuse("a [ is not closed");
      const Bytes low = peek() == '\\' ? escaped() : literal();
      if (at_ + 1 < text_.size() && peek() == '-' && text_[at_ + 1] != ']') {
        ++at_;
        const Bytes high = peek() == '\\' ? escaped() : literal();
        if (low.count() != 1 || high.count() != 1) refuse("a range of classes");
        bytes |= between(low, high);
      } else {
        bytes |= low;
      }
    }
    ++at_;
    return inverted ? ~bytes : bytes;
  }

  Bytes between(const Bytes& low, const Bytes& high) const {
    const auto first = static_cast<unsigned char>(low._Find_first());
    const auto last = static_cast<unsigned char>(high._Find_first());
    if (first > last) refuse("a range that runs backwards");
    return range(first, last);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

/// States from the end to the start, so that each knows where it goes on.
class PatternCompiler {
 public:
  using State = ModulePattern::State;
  using Kind = ModulePattern::Kind;

  PatternCompiler(std::vector<State>& states, const Parser& parser) : states_(states), parser_(parser) {}

  /// Where a match of `node` that goes on at `next` begins.
  std::size_t add(const Node& node, std::size_t next) {
    switch (node.kind) {
      case Node::Kind::kBytes:
        return add_state({Kind::kByte, node.bytes, next});
      case Node::Kind::kStart:
        return add_state({Kind::kStart, {}, next});
      case Node::Kind::kEnd:
        return add_state({Kind::kEnd, {}, next});
      case Node::Kind::kRepeat:
        return add_repeat(node, next);
      case Node::Kind::kChoice: {
        std::size_t start = add(node.parts.back(), next);
        for (std::size_t i = node.parts.size() - 1; i-- > 0;) start = add_split(add(node.parts[i], next), start);
        return start;
      }
      default:
        for (std::size_t i = node.parts.size(); i-- > 0;) next = add(node.parts[i], next);
        return next;
    }
  }

  std::size_t add_state(State state) {
    if (states_.size() >= kMostStates) parser_.refuse("repeats too much");
    states_.push_back(state);
    return states_.size() - 1;
  }

 private:
  std::size_t add_split(std::size_t one, std::size_t other) { return add_state({Kind::kSplit, {}, one, other}); }

  std::size_t add_repeat(const Node& node, std::size_t next) {
    std::size_t start = next;
    if (node.most == kUnlimited) {
      start = add_split(next, next);
      const std::size_t body = add(node.parts[0], start);
      states_[start].another = body;
    } else {
      for (std::size_t i = node.least; i < node.most; ++i) start = add_split(add(node.parts[0], start), next);
    }
    for (std::size_t i = 0; i < node.least; ++i) start = add(node.parts[0], start);
    return start;
  }

  std::vector<State>& states_;
  const Parser& parser_;
};

ModulePattern::ModulePattern(std::string_view expression) {
  Parser parser(expression);
  const Node node = parser.parse();
  PatternCompiler compiler(states_, parser);
  const std::size_t start = compiler.add(node, compiler.add_state({}));
  compiler.add_state({Kind::kSplit, {}, start, start});  // the last state is the first to be entered
}

// Makes `state` active, and all states that it leads to without a byte.
void ModulePattern::enter(std::size_t state, std::size_t at, std::size_t end, std::vector<bool>& active) const {
  std::vector<std::size_t> entered = {state};
  while (!entered.empty()) {
    const std::size_t s = entered.back();
    entered.pop_back();
    if (active[s]) continue;
    const Kind kind = states_[s].kind;
    if ((kind == Kind::kStart && at != 0) || (kind == Kind::kEnd && at != end)) continue;
    active[s] = true;
    if (kind == Kind::kByte || kind == Kind::kDone) continue;
    entered.push_back(states_[s].next);
    if (kind == Kind::kSplit) entered.push_back(states_[s].another);
  }
}

bool ModulePattern::matches(std::string_view module) const {
  std::vector<bool> active(states_.size());
  for (std::size_t at = 0; at <= module.size(); ++at) {
    if (at == 0 || module[at - 1] == '.') enter(states_.size() - 1, at, module.size(), active);
    if (at == module.size()) break;
    std::vector<bool> after(states_.size());
    for (std::size_t s = 0; s < states_.size(); ++s) {
      const bool goes_on = active[s] && states_[s].bytes[static_cast<unsigned char>(module[at])];
      if (goes_on) enter(states_[s].next, at + 1, module.size(), after);
    }
    active = std::move(after);
  }
  return active[0];
}

}  // namespace tome
