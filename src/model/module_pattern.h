// Regular expressions over module names, as PEFT's rank_pattern and alpha_pattern have them.
//
// A file from a stranger may hold any expression, so it is run as a set of states (Thompson 1968): time grows with the
// lengths of name and expression, whatever it says.
#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

class ModulePattern {
 public:
  /// What Python's re and this agree on: characters, `.`, classes, groups, `|`, `* + ? {m,n}`, \d \w \s, ^ and $.
  /// Throws UserError, the message beginning with the expression, for anything else and for one that is too long.
  explicit ModulePattern(std::string_view expression);

  /// PEFT's rule: `(.*\.)?(EXPRESSION)$` from the start of the name.
  bool matches(std::string_view module) const;

  /// Its states: what a match costs for each byte of a name.
  std::size_t size() const { return states_.size(); }

 private:
  enum class Kind { kByte, kSplit, kStart, kEnd, kDone };
  struct State {
    Kind kind = Kind::kDone;
    std::bitset<256> bytes;             // kByte: which go on to `next`
    std::size_t next = 0, another = 0;  // `another`: of kSplit
  };
  friend class PatternCompiler;

  void enter(std::size_t state, std::size_t at, std::size_t end, std::vector<bool>& active) const;

  std::vector<State> states_;
};

}  // namespace tome
