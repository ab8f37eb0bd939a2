// Regular expressions over module names, as PEFT's rank_pattern and alpha_pattern have them. A file from a stranger may
// hold any expression: RE2's time grows with the lengths of name and expression, whatever it says.
#pragma once

#include <memory>
#include <string_view>

namespace re2 {
class RE2;
}

namespace tome {

class ModulePattern {
 public:
  /// Python's re but for lookaround, back references and possessive repetition. Throws UserError, the message beginning
  /// with the expression, for those, for a malformed one and for one that is too large.
  explicit ModulePattern(std::string_view expression);

  /// PEFT's rule: `(.*\.)?(EXPRESSION)$` from the start of the name.
  bool matches(std::string_view module) const;

  /// Its instructions: at most what a match costs for each byte of a name.
  std::size_t size() const;

 private:
  std::shared_ptr<const re2::RE2> expression_;  // which cannot be copied
};

}  // namespace tome
