#include "eval/scorers/infinitebench.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "eval/scorers/overlap.h"
#include "eval/scorers/rouge.h"
#include "eval/scorers/words.h"
#include "text/letters.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

using Json = nlohmann::json;

const Json& first_of(const Json& label) { return label.is_array() ? label.at(0) : label; }

std::vector<std::string> texts(const Json& label) {
  if (label.is_array()) return label.get<std::vector<std::string>>();
  return {label.get<std::string>()};
}

// ASCII digits only, unlike digit_runs.
Words ascii_numbers(std::string_view text) {
  std::string spaced(text);
  for (char& byte : spaced) {
    if (byte < '0' || byte > '9') byte = ' ';
  }
  return split_words(spaced);
}

std::string without_leading_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

// Decimal digits of any script as ASCII; other characters stay.
std::string ascii_digits(std::string_view text) {
  std::string result;
  for (const char32_t code : characters(text)) {
    const int digit = digit_value(code);
    append_utf8(result, digit < 0 ? code : U'0' + static_cast<char32_t>(digit));
  }
  return result;
}

// What Python's int() reads: a sign, digits, single underscores between digits. In canonical form; empty: no number.
std::string python_integer(std::string_view word) {
  const std::string plain = ascii_digits(word);
  std::string_view rest = plain;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  std::string digits;
  bool after_digit = false;
  for (const char byte : rest) {
    const bool is_digit = byte >= '0' && byte <= '9';
    if (!is_digit && (byte != '_' || !after_digit)) return {};
    if (is_digit) digits += byte;
    after_digit = is_digit;
  }
  if (!after_digit) return {};
  digits = without_leading_zeros(digits);
  return negative && digits != "0" ? "-" + digits : digits;
}

// The first number, with its decimals if it has some.
std::string first_number(std::string_view text) {
  const std::vector<std::string_view> runs = digit_runs(text);
  if (runs.empty()) return {};
  std::string number(runs[0]);
  const char* end = runs[0].data() + runs[0].size();
  if (runs.size() > 1 && end + 1 == runs[1].data() && *end == '.') number.append(".").append(runs[1]);
  return ascii_digits(number);
}

bool passkey(std::string_view prediction, const Json& label) {
  const Words numbers = ascii_numbers(prediction);
  return first_of(label).get<std::string>() == (numbers.empty() ? "" : numbers[0]);
}

bool key_value(std::string_view prediction, const Json& label) {
  const Words words = split_words(blank(prediction, "\n:\"'.,?!{}"));
  return std::find(words.begin(), words.end(), first_of(label).get<std::string>()) != words.end();
}

bool dialogue(std::string_view prediction, const Json& label) {
  const Words words = split_words(blank(prediction, "\n:\"'.,?!{}"));
  const std::string name = first_of(label).get<std::string>();
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return upper_case(word) == name; });
}

bool code_run(std::string_view prediction, const Json& label) {
  const Words words = split_words(blank(prediction, "\n.`'\":"));
  return !words.empty() && python_integer(words.back()) == std::to_string(first_of(label).get<std::int64_t>());
}

std::string single_spaces(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    if (byte != ' ' || !result.ends_with(' ')) result += byte;
  }
  return result;
}

// What follows the first of the prefixes that occurs, without one character; nothing: none occurs.
std::optional<std::string> after_prefix(std::string_view text, const std::vector<std::string_view>& prefixes) {
  for (const std::string_view prefix : prefixes) {
    const std::size_t found = text.find(prefix);
    if (found == std::string_view::npos) continue;
    const std::string_view rest = text.substr(found + prefix.size());
    return rest.empty() ? std::string() : std::string(rest.substr(read_utf8(rest, 0).bytes));
  }
  return std::nullopt;
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

bool code_debug(std::string_view prediction, const Json& label) {
  const std::vector<std::string> accepted = texts(label);  // the function's name, its letter
  prediction = strip(prediction);
  const std::string& letter = accepted.at(1);
  if (prediction.starts_with(letter + ".") || prediction.starts_with(letter + ":")) return true;
  std::string plain = blank(prediction, "\n`'\"-*");
  plain = single_spaces(replace_all(replace_all(plain, "Option", " "), "option", " "));
  const std::optional<std::string> rest = after_prefix(plain, {"answer is:", "is:", "answer:"});
  return rest && starts_with_any(*rest, accepted);
}

bool choice(std::string_view prediction, const Json& label) {
  const std::vector<std::string> accepted = texts(label);  // the right option, its letter
  const auto is_accepted = [&](std::string_view text) {
    return std::find(accepted.begin(), accepted.end(), text) != accepted.end();
  };
  prediction = strip(prediction);
  if (prediction.empty()) return false;
  if (prediction[0] >= 'A' && prediction[0] <= 'D') return is_accepted(prediction.substr(0, 1));
  if (is_accepted(prediction)) return true;
  const std::string plain = single_spaces(blank(prediction, "\n\"'.,?!{}"));
  if (const auto rest = after_prefix(plain, {"answer is:", "answer:", "answer is", "option is"})) {
    return starts_with_any(*rest, accepted);
  }
  for (const std::string& word : split_words(plain)) {
    if (std::string_view("ABCD").find(word) != std::string_view::npos) return is_accepted(word);
  }
  return false;
}

// The original stops with an exception at decimals where a whole number is the answer; here they are wrong.
bool math_find(std::string_view prediction, const Json& label) {
  const Json& right = first_of(label);
  const std::string number = first_number(prediction);
  if (number.empty()) return false;
  if (right.is_number_integer()) return python_integer(number) == std::to_string(right.get<std::int64_t>());
  double value = std::nan("");  // stays for a number too large
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value == right.get<double>();
}

// How much of the list of values is right from its begin. Signs are not read.
double math_calc(std::string_view prediction, const Json& label) {
  const Json& values = first_of(label).is_array() ? first_of(label) : label;
  const Words numbers = ascii_numbers(prediction);
  std::size_t right = 0;
  while (right < values.size() && right < numbers.size() &&
         std::to_string(values[right].get<std::int64_t>()) == without_leading_zeros(numbers[right])) {
    ++right;
  }
  return static_cast<double>(right) / static_cast<double>(values.size());
}

struct PartScore {
  std::string_view part;
  double (*score)(std::string_view, const Json&);
};

template <auto kScore>
double best_of_texts(std::string_view prediction, const Json& label) {
  return best_over(texts(label), [&](const std::string& reference) { return kScore(prediction, reference); });
}

template <auto kMatch>
double one_if(std::string_view prediction, const Json& label) {
  return kMatch(prediction, label) ? 1 : 0;
}

constexpr std::array<PartScore, 12> kParts = {{{"passkey", one_if<passkey>},
                                               {"number_string", one_if<passkey>},
                                               {"kv_retrieval", one_if<key_value>},
                                               {"longdialogue_qa_eng", one_if<dialogue>},
                                               {"longbook_sum_eng", best_of_texts<rouge_l_sum>},
                                               {"longbook_choice_eng", one_if<choice>},
                                               {"longbook_qa_eng", best_of_texts<token_f1>},
                                               {"longbook_qa_chn", best_of_texts<character_f1>},
                                               {"math_find", one_if<math_find>},
                                               {"math_calc", math_calc},
                                               {"code_run", one_if<code_run>},
                                               {"code_debug", one_if<code_debug>}}};

}  // namespace

double infinitebench_score(std::string_view part, std::string_view prediction, const Json& label) {
  const auto found = std::find_if(kParts.begin(), kParts.end(), [&](const PartScore& row) { return row.part == part; });
  TOME_CHECK(found != kParts.end(), part);
  return found->score(prediction, label);
}

}  // namespace tome::eval
