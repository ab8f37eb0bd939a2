// Regular expressions over module names against what Python's re says of `(.*\.)?(EXPRESSION)$`.
#include "model/module_pattern.h"

#include <gtest/gtest.h>

#include <vector>

#include "formats/files.h"

namespace tome {
namespace {

constexpr const char* kQuery = "model.layers.11.self_attn.q_proj";

TEST(ModulePattern, MatchesAsPythonDoes) {
  for (const char* expression : {"q_proj",
                                 "self_attn.q_proj",
                                 "model.layers.11.self_attn.q_proj",
                                 "q.proj",
                                 "q\\_proj",
                                 ".*",
                                 "[qk]_proj",
                                 "[^k]_proj",
                                 "[o-r]_proj",
                                 "[]q]_proj",
                                 "(q|k)_proj",
                                 "k_proj|q_proj",
                                 "|q_proj",
                                 "(?:q|k)_proj",
                                 "q_proj$",
                                 "^model.*q_proj",
                                 "layers\\.\\d+\\..*",
                                 "layers\\.\\d{2}\\.\\w+\\.q_proj",
                                 "layers.(0|11).*",
                                 "layers.1+.*?_proj",
                                 "\\Sayers.1{1,3}.*",
                                 "layers.1{2}.*",
                                 "layers.1{,2}\\..*",
                                 "layers.1{1,}\\..*",
                                 "(1?1?\\.self_attn\\.)*q_proj",
                                 "()*q_proj",
                                 "(a*)*q_proj",
                                 "[\\d.]+self_attn[\\W]q_proj"}) {
    EXPECT_TRUE(ModulePattern(expression).matches(kQuery)) << expression;
  }
}

TEST(ModulePattern, RefusesWhatPythonRefuses) {
  for (const char* expression : {"proj",
                                 "_proj",
                                 "q_pro",
                                 "Q_proj",
                                 "k_proj",
                                 "attn.q_proj",
                                 "",
                                 "1.self_attn.q_proj",
                                 "^q_proj",
                                 "q_proj^",
                                 "q$_proj",
                                 "[^q]_proj",
                                 "layers\\.\\d\\..*",
                                 "layers.1{3}.*",
                                 "layers.1{,1}\\..*",
                                 "\\D+\\.q_proj\\.x",
                                 "q\\.proj",
                                 "layers.*k_proj",
                                 "[a-p]_proj",
                                 "\\d_proj"}) {
    EXPECT_FALSE(ModulePattern(expression).matches(kQuery)) << expression;
  }
  EXPECT_TRUE(ModulePattern("").matches("model."));
  EXPECT_FALSE(ModulePattern("a.b").matches("a\nb"));
}

// The time of a backtracking search doubles with each letter of the name.
TEST(ModulePattern, TakesTimeByTheLengthAlone) {
  EXPECT_FALSE(ModulePattern("(a|a)*(a*)*(a|aa)+b").matches(std::string(5000, 'a')));
  EXPECT_TRUE(ModulePattern(std::string(500, '(') + "a" + std::string(500, ')')).matches("a"));
}

TEST(ModulePattern, ErrorsNameTheExpression) {
  for (const char* expression : {"(a", "a)", "[a", "[]", "*a", "a**", "a*+", "(?=a)", "(a)\\1", "a\\", "a{2,1}",
                                 "[b-a]", "((a{900}){900}){900}"}) {
    expect_user_error([&] { ModulePattern pattern(expression); }, cat(expression, ": no regular expression"));
  }
}

}  // namespace
}  // namespace tome
