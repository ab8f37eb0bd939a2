// Character references: https://html.spec.whatwg.org/multipage/syntax.html#character-references
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tome {

struct HtmlEntity {
  std::string_view name;  // "amp;"; the old ones also without the semicolon
  std::string_view text;  // UTF-8
};

/// All named references, sorted by name.
std::span<const HtmlEntity> html_entities();

/// Appends `text` to `out` with its references read; what is no reference stays as it is.
void decode_entities(std::string_view text, std::string& out);
std::string decode_entities(std::string_view text);

}  // namespace tome
