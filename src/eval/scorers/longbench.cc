#include "eval/scorers/longbench.h"

#include <algorithm>

#include "base/error.h"
#include "eval/scorers/edit_similarity.h"
#include "eval/scorers/overlap.h"
#include "eval/scorers/rouge.h"
#include "eval/scorers/words.h"

namespace tome::eval {
namespace {

constexpr std::string_view kParagraph = "Paragraph ", kChineseParagraph = "段落";

// Which part of the numbers in the answer is the right one.
double number_score(std::string_view prediction, std::string_view right) {
  const std::vector<std::string_view> numbers = digit_runs(prediction);
  if (numbers.empty()) return 0;
  const auto same = std::count(numbers.begin(), numbers.end(), right);
  return static_cast<double>(same) / static_cast<double>(numbers.size());
}

// The first line that is neither a comment nor a fence.
std::string_view first_code_line(std::string_view prediction) {
  prediction.remove_prefix(std::min(prediction.find_first_not_of('\n'), prediction.size()));
  for (const std::string_view line : split_at(prediction, '\n')) {
    if (line.find_first_of("`#") == std::string_view::npos && line.find("//") == std::string_view::npos) return line;
  }
  return {};
}

// The original takes names out of the list while it walks over it, so the name after each one taken out is not looked
// at.
double classification_score(std::string_view prediction, const std::string& answer,
                            const std::vector<std::string>& classes) {
  std::vector<std::string> named;
  for (const std::string& name : classes) {
    if (prediction.find(name) != std::string_view::npos) named.push_back(name);
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string name = named[i];
    if (name != answer && answer.find(name) != std::string::npos) {
      named.erase(std::find(named.begin(), named.end(), name));
    }
  }
  const bool right = std::find(named.begin(), named.end(), answer) != named.end();
  return right ? 1.0 / static_cast<double>(named.size()) : 0;
}

double chinese_f1(std::string_view prediction, std::string_view answer, ChineseWords& chinese) {
  const auto tokens = [&](std::string_view text) {
    Words kept;
    for (const std::string& word : chinese.split(text)) {
      std::string normal = normalize_chinese(word);
      if (!normal.empty()) kept.push_back(std::move(normal));
    }
    return kept;
  };
  return overlap_f1(tokens(prediction), tokens(answer));
}

double chinese_rouge(std::string_view prediction, std::string_view answer, ChineseWords& chinese) {
  const auto spaced = [&](std::string_view text) {
    std::string joined;
    for (const std::string& word : chinese.split(text)) {
      if (!joined.empty()) joined += ' ';
      joined += word;
    }
    return joined;
  };
  return rouge_l_package(spaced(prediction), spaced(answer), kRougePackageSteps - 1);  // one call deeper there
}

// The letter after `before` that is followed by `after`.
char letter_between(std::string_view text, std::string_view before, std::string_view after) {
  for (std::size_t at = text.find(before); at != std::string_view::npos; at = text.find(before, at + 1)) {
    const std::string_view rest = text.substr(at + before.size());
    if (!rest.empty() && rest[0] >= 'A' && rest[0] <= 'D' && rest.substr(1).starts_with(after)) return rest[0];
  }
  return '\0';
}

}  // namespace

std::string_view paragraph_number(std::string_view answer, LongBenchMetric metric) {
  const std::string_view mark = metric == LongBenchMetric::kRetrieval ? kParagraph : kChineseParagraph;
  for (std::size_t at = answer.find(mark); at != std::string_view::npos; at = answer.find(mark, at + 1)) {
    const std::string_view rest = answer.substr(at + mark.size());
    const std::vector<std::string_view> numbers = digit_runs(rest);
    if (!numbers.empty() && numbers[0].data() == rest.data()) return numbers[0];
  }
  return {};
}

double longbench_score(const LongBenchRule& rule, std::string_view prediction, const std::vector<std::string>& answers,
                       const std::vector<std::string>& classes, ChineseWords& chinese) {
  if (rule.first_line_only) prediction = first_line(prediction);
  return best_over(answers, [&](const std::string& answer) -> double {
    switch (rule.metric) {
      case LongBenchMetric::kQaF1:
        return token_f1(prediction, answer);
      case LongBenchMetric::kQaF1Chinese:
        return chinese_f1(prediction, answer, chinese);
      case LongBenchMetric::kRouge:
        return rouge_l_package(prediction, answer);
      case LongBenchMetric::kRougeChinese:
        return chinese_rouge(prediction, answer, chinese);
      case LongBenchMetric::kClassification:
        return classification_score(prediction, answer, classes);
      case LongBenchMetric::kRetrieval:
      case LongBenchMetric::kRetrievalChinese:
        return number_score(prediction, paragraph_number(answer, rule.metric));
      case LongBenchMetric::kCount:
        return number_score(prediction, answer);
      case LongBenchMetric::kCodeSimilarity:
        return fuzz_ratio(first_code_line(prediction), answer) / 100.0;
    }
    TOME_CHECK(false, "unknown metric");
    return 0;
  });
}

char longbench_v2_choice(std::string_view answer) {
  const std::string plain = replace_all(answer, "*", "");
  const char in_brackets = letter_between(plain, "The correct answer is (", ")");
  return in_brackets != '\0' ? in_brackets : letter_between(plain, "The correct answer is ", "");
}

}  // namespace tome::eval
