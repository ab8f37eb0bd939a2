#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/error.h"
#include "text/html.h"
#include "text/html_elements.h"
#include "text/html_entities.h"
#include "text/html_lexer.h"
#include "text/html_structure.h"
#include "text/html_writer.h"

namespace tome {
namespace {

constexpr std::size_t kMaxDepth = 512;  // as in browsers

bool is_table_part(HtmlRole role) {
  return role == HtmlRole::kTable || role == HtmlRole::kRows || role == HtmlRole::kRow || role == HtmlRole::kCell ||
         role == HtmlRole::kCaption;
}

// Follows the tags with a stack of the open elements that matter, and closes those whose end tags were left out.
class HtmlReader {
 public:
  HtmlReader(std::string_view html, bool xml, const std::set<std::string, std::less<>>& wanted_anchors)
      : lexer_(html, xml), wanted_anchors_(wanted_anchors) {}

  HtmlText read() {
    HtmlToken token;
    while (lexer_.next(token)) {
      if (token.kind == HtmlToken::Kind::kText) text(token);
      if (token.kind == HtmlToken::Kind::kStart) start(token);
      if (token.kind == HtmlToken::Kind::kEnd) end(token.name);
      after_pre_ = token.kind == HtmlToken::Kind::kStart && html_element(token.name).role == HtmlRole::kPreformatted;
    }
    close_down_to(0);
    writer_.finish();
    result_.text = std::move(writer_.out());
    result_.anchors = writer_.anchors();
    return std::move(result_);
  }

 private:
  struct Open {
    std::string name;
    HtmlRole kind;            // by its name
    HtmlRole effect;          // what it does here: nothing inside a hidden element
    std::size_t text_before;  // size of the text when it opened
  };
  struct Table {
    bool layout;
    int cells = 0;  // in the current row
  };

  void text(const HtmlToken& token) {
    if (hidden_ > 0) return;
    std::string_view raw = token.text;
    if (after_pre_ && raw.starts_with('\n')) raw.remove_prefix(1);
    buffer_.clear();
    if (token.entities) {
      decode_entities(raw, buffer_);
    } else {
      buffer_ = raw;
    }
    if (pre_ > 0) {
      writer_.preformatted(buffer_);
    } else {
      writer_.text(buffer_);
    }
  }

  void start(const HtmlToken& token) {
    const HtmlElement element = html_element(token.name);
    const bool hidden = element.role == HtmlRole::kHidden || is_hidden(token);
    close_implied(element);
    note_anchors(token);
    if (hidden_ == 0) begin(element, hidden, token);
    if (element.empty || !matters(element, hidden)) return;
    if (stack_.size() >= kMaxDepth) {
      too_deep_ += !token.self_closing;
      return;
    }
    const HtmlRole effect = hidden ? HtmlRole::kHidden : hidden_ > 0 ? HtmlRole::kNone : element.role;
    stack_.push_back({token.name, element.role, effect, writer_.out().size()});
    ++open_[static_cast<std::size_t>(element.role)];
    enter(effect, token);
    if (token.self_closing) close_down_to(stack_.size() - 1);
  }

  void end(const std::string& name) {
    const HtmlElement element = html_element(name);
    if (element.empty || !matters(element, false)) return;
    if (too_deep_ > 0) {
      --too_deep_;
      if (hidden_ == 0) writer_.separate(element.line_ends);
      return;
    }
    const bool heading = element.role == HtmlRole::kHeading;  // </h2> closes <h1> too
    close_nearest([&](const Open& open) { return open.name == name || (heading && open.kind == element.role); },
                  [&](const Open& open) {
                    if (element.role == HtmlRole::kItem && open.kind == HtmlRole::kList) return true;
                    return is_table_part(element.role) ? open.kind == HtmlRole::kTable : is_table_part(open.kind);
                  });
  }

  // Elements that neither break the line nor do anything need not be followed, except to find where a hidden one ends.
  bool matters(const HtmlElement& element, bool hidden) const {
    return hidden || hidden_ > 0 || element.role != HtmlRole::kNone || element.line_ends > 0;
  }

  // Call while the element is not in lists_.
  int line_ends(const HtmlElement& element) const {
    const bool nested_list = element.role == HtmlRole::kList && !lists_.empty();
    return nested_list ? 1 : element.line_ends;
  }

  void begin(const HtmlElement& element, bool hidden, const HtmlToken& token) {
    writer_.separate(line_ends(element));
    if (hidden) return;
    if (token.name == "br") writer_.line_break();
    if (token.name == "img") image(token);
    if (token.name == "sup" && writer_.after_digit()) writer_.text("^");
  }

  void image(const HtmlToken& token) {
    const std::string_view* value = token.attribute("alt");
    const std::string alt = value == nullptr ? "" : decode_entities(*value);
    if (std::all_of(alt.begin(), alt.end(), is_html_blank)) return;
    // One or two letters are a painted initial, the beginning of a word; "[Illustration]" has its brackets already.
    const bool plain = alt.size() <= 2 || alt.front() == '[';
    writer_.text(plain ? alt : cat("[image: ", alt, "]"));
  }

  void enter(HtmlRole effect, const HtmlToken& token) {
    switch (effect) {
      case HtmlRole::kHidden:
        ++hidden_;
        break;
      case HtmlRole::kPreformatted:
        ++pre_;
        break;
      case HtmlRole::kHeading:
        writer_.mark(std::string(static_cast<std::size_t>(token.name[1] - '0'), '#') + " ");
        writer_.enter_line();
        break;
      case HtmlRole::kList:
        lists_.emplace_back(token);
        break;
      case HtmlRole::kItem:
        writer_.mark(lists_.empty() ? "- " : item_mark(lists_, token));
        break;
      case HtmlRole::kTable:
        tables_.push_back({lays_out_page(lexer_)});
        break;
      case HtmlRole::kRow:
        if (!tables_.empty()) tables_.back().cells = 0;
        writer_.end_cells();
        break;
      case HtmlRole::kCell:
        enter_cell();
        break;
      case HtmlRole::kRubyText:
        writer_.text("(");
        break;
      case HtmlRole::kQuote:
        writer_.text("“");
        break;
      default:
        break;
    }
  }

  void leave(const Open& open) {
    switch (open.effect) {
      case HtmlRole::kHidden:
        --hidden_;
        break;
      case HtmlRole::kPreformatted:
        --pre_;
        break;
      case HtmlRole::kHeading:
        leave_heading(open);
        break;
      case HtmlRole::kList:
        lists_.pop_back();
        break;
      case HtmlRole::kItem:
        writer_.drop_mark();
        break;
      case HtmlRole::kTable:
        tables_.pop_back();
        writer_.end_cells();
        break;
      case HtmlRole::kCell:
        leave_cell();
        break;
      case HtmlRole::kRubyText:
        writer_.text(")");
        break;
      case HtmlRole::kQuote:
        writer_.text("”");
        break;
      default:
        break;
    }
    if (hidden_ == 0) writer_.separate(line_ends(html_element(open.name)));
  }

  bool in_layout() const { return tables_.empty() || tables_.back().layout; }

  void enter_cell() {
    if (in_layout()) return writer_.separate(2);
    if (tables_.back().cells++ > 0) writer_.next_cell();
    writer_.enter_line();
  }

  void leave_cell() {
    if (in_layout()) return writer_.separate(2);
    writer_.leave_line();
  }

  void leave_heading(const Open& open) {
    writer_.leave_line();
    writer_.drop_mark();
    const int level = open.name[1] - '0';
    const std::size_t title = writer_.line_begin() + static_cast<std::size_t>(level) + 1;
    const std::string& out = writer_.out();
    if (out.size() > open.text_before && title < out.size()) {
      result_.headings.push_back({writer_.line_begin(), level, out.substr(title)});
    }
  }

  // Closes what a start tag closes without saying so.
  void close_implied(const HtmlElement& element) {
    const HtmlRole role = element.role;
    if (is_table_part(role) && role != HtmlRole::kTable) return close_table_parts(role);
    const auto close = [this](HtmlRole wanted, HtmlRole barrier) {
      if (open_[static_cast<std::size_t>(wanted)] == 0) return;
      close_nearest([wanted](const Open& open) { return open.kind == wanted; },
                    [barrier](const Open& open) { return open.kind == barrier || is_table_part(open.kind); });
    };
    if (role == HtmlRole::kRubyText) close(role, HtmlRole::kNone);
    if (element.line_ends == 0) return;
    if (role == HtmlRole::kItem) close(role, HtmlRole::kList);
    if (role == HtmlRole::kTerm) close(role, HtmlRole::kTermList);
    close(HtmlRole::kParagraph, HtmlRole::kRoles);
    if (open_[static_cast<std::size_t>(HtmlRole::kHeading)] == 0) return;
    // A heading that already has text ends where a block begins: its end tag was forgotten.
    const std::size_t size = writer_.out().size();
    close_nearest([size](const Open& open) { return open.effect == HtmlRole::kHeading && open.text_before < size; },
                  [](const Open& open) { return is_table_part(open.kind); });
  }

  void close_table_parts(HtmlRole starting) {
    close_nearest(
        [starting](const Open& open) {
          if (open.kind == HtmlRole::kCaption || open.kind == starting) return true;
          return starting == HtmlRole::kRows && open.kind == HtmlRole::kRow;
        },
        [](const Open& open) { return open.kind == HtmlRole::kTable; });
  }

  // Closes the innermost open element that is wanted, and all inside it, unless one that bars the way comes first.
  template <typename Wanted, typename Barrier>
  void close_nearest(const Wanted& wanted, const Barrier& barrier) {
    for (std::size_t i = stack_.size(); i-- > 0;) {
      if (wanted(stack_[i])) return close_down_to(i);
      if (barrier(stack_[i])) return;
    }
  }

  void close_down_to(std::size_t size) {
    while (stack_.size() > size) {
      const Open open = std::move(stack_.back());
      stack_.pop_back();
      --open_[static_cast<std::size_t>(open.kind)];
      leave(open);
    }
  }

  void note_anchors(const HtmlToken& token) {
    if (wanted_anchors_.empty()) return;
    for (const char* attribute : {"id", "name"}) {
      const std::string_view* value = token.attribute(attribute);
      if (value == nullptr) continue;
      std::string id = decode_entities(*value);
      if (wanted_anchors_.contains(id)) writer_.anchor(std::move(id));
    }
  }

  HtmlLexer lexer_;
  const std::set<std::string, std::less<>>& wanted_anchors_;
  HtmlWriter writer_;
  HtmlText result_;
  std::vector<Open> stack_;
  std::array<int, static_cast<std::size_t>(HtmlRole::kRoles)> open_ = {};  // how many of each kind are in stack_
  std::size_t too_deep_ = 0;                                               // elements that stack_ has no room for
  std::vector<HtmlList> lists_;
  std::vector<Table> tables_;
  int hidden_ = 0;
  int pre_ = 0;
  bool after_pre_ = false;  // the last token began a <pre>
  std::string buffer_;
};

}  // namespace

HtmlText html_text(std::string_view html, bool xml, const std::set<std::string, std::less<>>& wanted_anchors) {
  return HtmlReader(html, xml, wanted_anchors).read();
}

}  // namespace tome
