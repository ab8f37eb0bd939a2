#include "text/tokenizer_rewrite.h"

#include <algorithm>

#include "text/utf8.h"

namespace tome {

void Rewriter::keep(std::string_view bytes) {
  text_ += bytes;
  was_ += bytes.size();
}

void Rewriter::replace(std::size_t was, std::string_view now) {
  anchors_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(was_),
                      static_cast<std::uint32_t>(now.size()), static_cast<std::uint32_t>(was)});
  text_ += now;
  was_ += was;
}

void Rewriter::to_original(std::span<std::uint32_t> positions) const {
  std::size_t next = 0;  // the first anchor past the position
  for (std::uint32_t& position : positions) {
    while (next < anchors_.size() && anchors_[next].now <= position) ++next;
    if (next == 0) continue;
    const Anchor& anchor = anchors_[next - 1];
    const std::uint32_t inside = position - anchor.now;
    if (inside >= anchor.now_bytes) {
      position = anchor.was + anchor.was_bytes + (inside - anchor.now_bytes);
    } else {
      position = anchor.was + std::min(inside, std::max(anchor.was_bytes, 1u) - 1);
    }
  }
}

Rewriter mend_utf8(std::string_view text) {
  Rewriter mended;
  while (!text.empty()) {
    const std::size_t valid = find_invalid_utf8(text);
    mended.keep(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) break;
    const std::size_t bad = read_utf8(text, 0).bytes;
    mended.replace(bad, "\xEF\xBF\xBD");
    text.remove_prefix(bad);
  }
  return mended;
}

}  // namespace tome
