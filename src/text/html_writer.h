// Running text made from HTML: white space folded as a browser does, blocks apart, marks in front of lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tome {

class HtmlWriter {
 public:
  /// Text with its entities read. Runs of white space (the no-break space too) become one blank and vanish at the ends
  /// of lines; soft hyphens and other invisible break marks vanish everywhere.
  void text(std::string_view text);
  /// Text without folding; its line ends are kept.
  void preformatted(std::string_view text);

  /// <br>: a second one in a row leaves a line empty.
  void line_break();
  /// Before the next text at least this many line ends (2: an empty line), none at the beginning of the document.
  void separate(int line_ends);
  /// Goes in front of the next text ("## ", "- "), if that ever comes; replaces one that still waits.
  void mark(std::string mark) {
    if (line_depth_ == 0) mark_ = std::move(mark);
  }
  void drop_mark() { mark_.clear(); }

  /// Until as many calls of leave_line, breaks are blanks.
  void enter_line() { ++line_depth_; }
  void leave_line() { --line_depth_; }

  /// Cells of a table's row: " | " between those that hold text.
  void next_cell() { ++cells_; }
  void end_cells() { cells_ = 0; }

  /// Notes where the line begins that the next text is in.
  void anchor(std::string name) { waiting_anchors_.push_back(std::move(name)); }

  /// The text ends with a digit, and nothing waits to come after it.
  bool after_digit() const;

  /// Call when no more text comes; after that the text ends with a line end, or is empty.
  void finish();
  std::string& out() { return out_; }
  /// Where the last line of out() begins.
  std::size_t line_begin() const { return line_begin_; }
  const std::vector<std::pair<std::string, std::size_t>>& anchors() const { return anchors_; }

 private:
  void begin_text();

  std::string out_;
  std::size_t line_begin_ = 0;
  std::string mark_;
  int waiting_lines_ = 0;
  bool waiting_blank_ = false;
  int line_depth_ = 0;
  int cells_ = 0;
  std::vector<std::string> waiting_anchors_;
  std::vector<std::pair<std::string, std::size_t>> anchors_;
};

}  // namespace tome
