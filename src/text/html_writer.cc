#include "text/html_writer.h"

#include <algorithm>
#include <array>

#include "text/html_lexer.h"

namespace tome {
namespace {

struct Special {
  std::string_view bytes;
  bool blank;  // folded as white space; else invisible
};
constexpr std::array<Special, 5> kSpecials = {{{"\xC2\xA0", true},         // no-break space
                                               {"\xC2\xAD", false},        // soft hyphen
                                               {"\xE2\x80\x8B", false},    // zero width space
                                               {"\xE2\x81\xA0", false},    // word joiner
                                               {"\xEF\xBB\xBF", false}}};  // zero width no-break space

const Special* special_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead != 0xC2 && lead != 0xE2 && lead != 0xEF) return nullptr;
  for (const Special& special : kSpecials) {
    if (text.substr(at).starts_with(special.bytes)) return &special;
  }
  return nullptr;
}

}  // namespace

void HtmlWriter::text(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    const Special* special = nullptr;
    while (at < text.size() && !is_html_blank(text[at]) && (special = special_at(text, at)) == nullptr) ++at;
    if (at > begin) {
      begin_text();
      out_.append(text.substr(begin, at - begin));
    }
    if (at >= text.size()) return;
    waiting_blank_ = waiting_blank_ || special == nullptr || special->blank;
    at += special == nullptr ? 1 : special->bytes.size();
  }
}

void HtmlWriter::preformatted(std::string_view text) {
  if (line_depth_ > 0) return this->text(text);
  for (std::size_t at = 0; at < text.size();) {
    const Special* special = special_at(text, at);
    const std::size_t size = special == nullptr ? 1 : special->bytes.size();
    const char c = special == nullptr ? text[at] : ' ';
    at += size;
    if (special != nullptr && !special->blank) continue;
    if (c == '\n' && out_.empty()) continue;
    begin_text();
    out_ += c;
    if (c == '\n') line_begin_ = out_.size();
  }
}

void HtmlWriter::line_break() {
  if (line_depth_ > 0) {
    waiting_blank_ = true;
  } else {
    waiting_lines_ = std::min(2, waiting_lines_ + 1);
  }
}

void HtmlWriter::separate(int line_ends) {
  if (line_depth_ > 0) {
    waiting_blank_ = true;
  } else {
    waiting_lines_ = std::max(waiting_lines_, line_ends);
  }
}

// Writes what waits for the next text.
void HtmlWriter::begin_text() {
  if (waiting_lines_ > 0) {
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    int have = 0;
    for (std::size_t i = out_.size(); i > 0 && out_[i - 1] == '\n' && have < 2; --i) ++have;
    if (!out_.empty()) out_.append(static_cast<std::size_t>(std::max(0, waiting_lines_ - have)), '\n');
    line_begin_ = out_.size();
    waiting_lines_ = 0;
    waiting_blank_ = false;
  }
  const bool line_begins = line_begin_ == out_.size();
  for (std::string& name : waiting_anchors_) anchors_.emplace_back(std::move(name), line_begin_);
  waiting_anchors_.clear();
  if (!mark_.empty()) out_ += mark_;
  if (cells_ > 0) {
    if (!line_begins || !mark_.empty()) out_ += ' ';
    for (; cells_ > 0; --cells_) out_ += "| ";
  } else if (waiting_blank_ && !line_begins && mark_.empty()) {
    out_ += ' ';
  }
  mark_.clear();
  waiting_blank_ = false;
}

bool HtmlWriter::after_digit() const {
  const bool waiting = waiting_lines_ > 0 || waiting_blank_ || cells_ > 0;
  return !waiting && !out_.empty() && out_.back() >= '0' && out_.back() <= '9';
}

void HtmlWriter::finish() {
  while (!out_.empty() && is_html_blank(out_.back())) out_.pop_back();
  if (!out_.empty()) out_ += '\n';
  for (std::string& name : waiting_anchors_) anchors_.emplace_back(std::move(name), out_.size());
  waiting_anchors_.clear();
}

}  // namespace tome
