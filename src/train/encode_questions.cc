#include "train/encode_questions.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "text/prompt.h"

namespace tome {
namespace {

struct Branch {
  std::vector<TokenId> question, answer;
  std::int64_t tokens() const { return static_cast<std::int64_t>(question.size() + answer.size()); }
};

std::int64_t total(std::span<const Branch> branches) {
  std::int64_t tokens = 0;
  for (const Branch& branch : branches) tokens += branch.tokens();
  return tokens;
}

// As many of the first branches as `room` holds, at least one.
std::size_t count_fitting(std::span<const Branch> branches, std::int64_t room) {
  std::size_t count = 0;
  std::int64_t tokens = 0;
  while (count < branches.size() && (tokens += branches[count].tokens()) <= room) ++count;
  return std::max<std::size_t>(count, 1);
}

EncodedExample join(const DocumentPrompt& prompt, std::span<const Branch> branches, const std::string& name,
                    bool train_on_all) {
  ExampleBuilder example(name);
  example.append(prompt.ids, train_on_all);
  for (const Branch& branch : branches) {
    example.branch();
    example.append(branch.question, train_on_all);
    example.append(branch.answer, true);
  }
  return example.finish();
}

}  // namespace

EncodedRow encode_questions(const DataRow& row, const std::string& name, const Tokenizer& tokenizer,
                            const Layout& layout, const EncodeOptions& options) {
  const DocumentPrompt whole = encode_document(tokenizer, layout, row.document);
  EncodedRow out;
  std::vector<Branch> branches;
  std::int64_t longest = 0;
  for (const QuestionAnswer& pair : row.questions) {
    branches.push_back(
        {encode_question(tokenizer, layout, pair.question), encode_answer(tokenizer, layout, pair.answer)});
    longest = std::max(longest, branches.back().tokens());
    if (ends_at_line(layout) && pair.answer.find('\n') != std::string::npos) ++out.long_answers;
  }
  const auto tokens = static_cast<std::int64_t>(whole.ids.size());
  const std::int64_t frame = tokens - static_cast<std::int64_t>(whole.end - whole.begin);
  const std::int64_t most = options.window - frame - 1;  // a token of the document stays
  if (longest > most) {
    throw_user_error(name, ": a question with its answer takes ", longest, " tokens, more than the ",
                     std::max<std::int64_t>(most, 0), " that --context ", options.window,
                     " leaves it; give at least --context ", longest + frame + 1);
  }
  const bool fits = tokens + longest <= options.window;
  const std::int64_t room = fits ? options.window - tokens : std::min(most, std::max(longest, options.window / 2));
  for (std::span<const Branch> rest = branches; !rest.empty();) {
    const auto group = rest.first(count_fitting(rest, room));
    rest = rest.subspan(group.size());
    const std::int64_t excess = tokens + total(group) - options.window;
    DocumentPrompt prompt = whole;
    if (excess > 0) {
      const auto cut = static_cast<std::size_t>(excess);
      cut_document(prompt, prompt.begin + (prompt.end - prompt.begin - cut) / 2, cut);
      ++out.cut_examples;
      out.cut_tokens += excess;
    }
    out.examples.push_back(join(prompt, group, name, options.train_on == TrainOn::kAll));
  }
  return out;
}

}  // namespace tome
