#include "eval/tasks/lines.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "eval/scorers/last_number.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr LineWording kMeasured = {
    "Each line of this list says which number the key of a room has. Keep the list in mind: rooms will be asked "
    "for.\n\n",
    "The key of room {key} has the number {value}.",
    "What number does the key of room {key} have? Answer with the number alone."};

constexpr std::array<LineWording, 6> kTraining = {{
    {"", "{key}: {value}", "What is the value of {key}?"},
    {"", "Locker {key} holds the sum of {value}.", "Which sum does locker {key} hold?"},
    {"", "{key} -> {value}", "Which value belongs to {key}?"},
    {"", "Entry {key} has the code {value};", "What is the code of entry {key}?"},
    {"", "- the register says {value} for {key}", "What does the register say for {key}?"},
    {"", "{key} = {value}", "What is {key}?"},
}};

constexpr std::int64_t kAnswerTokens = 32;

std::vector<EvalSample> ask(LineList& list, std::size_t count, const std::vector<double>& depths, std::int64_t shots,
                            Choices choices) {
  const std::vector<std::size_t> asked = nearest_places(depths, count);
  std::vector<std::size_t> others;
  for (const std::size_t line :
       choices.several(count, std::min(count, asked.size() + static_cast<std::size_t>(shots)))) {
    const bool free = std::find(asked.begin(), asked.end(), line) == asked.end();
    if (free && others.size() < static_cast<std::size_t>(shots)) others.push_back(line);
  }
  std::vector<EvalSample> samples;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EvalSample sample;
    sample.task = "lines";
    sample.depth = depths[i];
    sample.question = list.question(asked[i]);
    sample.answers = {list.line(asked[i]).value};
    sample.answer_tokens = kAnswerTokens;
    for (const std::size_t other : others) sample.shots.push_back({list.question(other), list.line(other).value});
    samples.push_back(std::move(sample));
  }
  return samples;
}

struct Cell {
  std::string name;
  std::int64_t length = 0;  // 0: the number of lines is given
  std::size_t lines = 0;
};

// A list of the cell's length with its questions; ids and documents are for the caller.
std::pair<std::string, std::vector<EvalSample>> make_list(const TaskRequest& request, const Cell& cell,
                                                          const std::vector<double>& depths, std::size_t number) {
  Choices choices(request.seed, cat("lines-", cell.name, "-", number));
  const Choices shot_choices(request.seed, cat("lines-shots-", cell.name, "-", number));
  Choices wordings(request.seed, cat("lines-wording-", cell.name, "-", number));
  const LineWording& wording =
      request.for_training ? kTraining[static_cast<std::size_t>(wordings.below(kTraining.size()))] : kMeasured;
  LineList list(choices, wording, share_of(request));
  const std::size_t least = depths.size() + static_cast<std::size_t>(request.shots);
  std::size_t count = cell.lines;
  if (cell.length == 0) {
    if (count < least) throw_user_error("lines: a list of ", count, " lines, expected at least ", least);
    return {list.text(count), ask(list, count, depths, request.shots, shot_choices)};
  }
  std::int64_t reserve = 0;
  for (;;) {  // questions differ by a few tokens: the longest one must fit
    count = std::max(lines_that_fit(list, cell.length - reserve, request.count_tokens), least);
    std::vector<EvalSample> samples = ask(list, count, depths, request.shots, shot_choices);
    std::int64_t longest = 0;
    for (const EvalSample& sample : samples) longest = std::max(longest, question_tokens(request, sample));
    std::string text = list.text(count);
    if (count == least && longest + request.count_tokens(text) > cell.length) {
      throw_too_short("lines", cell.length, longest + request.count_tokens(text));
    }
    if (longest <= reserve) return {std::move(text), std::move(samples)};
    reserve = longest;
  }
}

EvalSet make_lines(const TaskRequest& request) {
  if (const auto file = find_data(request, "lines")) {
    if (request.for_training) throw_measured_file("lines", *file);
    return read_longeval_lines(request, *file);
  }
  TOME_CHECK(request.count_tokens);
  std::vector<Cell> cells;
  const std::int64_t fixed = setting(request, "lines.count", 0, 2);
  if (fixed > 0) cells.push_back({cat(fixed, "lines"), 0, static_cast<std::size_t>(fixed)});
  if (fixed == 0) {
    for (const std::int64_t length : lengths_of(request)) cells.push_back({std::to_string(length), length, 0});
  }
  const std::int64_t wanted = request.samples > 0 ? request.samples : 50;
  const auto depths = depths_by_document(request, wanted, questions_of_document(request, "lines", wanted, 10));
  EvalSet set;
  for (const Cell& cell : cells) {
    std::size_t number = 0;
    for (std::size_t document = 0; document < depths.size(); ++document) {
      auto [text, samples] = make_list(request, cell, depths[document], document);
      for (EvalSample& sample : samples) {
        sample.id = sample_id("lines", cell.name, sample.depth, number++);
        sample.length = cell.length;
        sample.document = set.documents.size();
        set.samples.push_back(std::move(sample));
      }
      set.documents.push_back({std::move(text), 0});
    }
  }
  return set;
}

}  // namespace

const LineWording& measured_line_wording() { return kMeasured; }

std::span<const LineWording> training_line_wordings() { return kTraining; }

LineList::LineList(Choices& choices, const LineWording& wording, KeyShare share)
    : choices_(choices), wording_(wording), share_(share) {}

const ListedLine& LineList::line(std::size_t index) {
  constexpr std::size_t kShortNumbers = 40'000;  // of 90,000 there are
  while (lines_.size() <= index) {
    const int digits = lines_.size() < kShortNumbers ? 5 : 7;
    std::string key = keys_.next([&] { return random_key(choices_, share_); });
    lines_.push_back({std::move(key), values_.next([&] { return random_number(choices_, digits); })});
  }
  return lines_[index];
}

std::string LineList::text(std::size_t count) {
  std::string text(wording_.intro);
  for (std::size_t i = 0; i < count; ++i) {
    text += fill_in(wording_.line, {{"key", line(i).key}, {"value", line(i).value}}) + "\n";
  }
  return text + "\n";
}

std::size_t lines_that_fit(LineList& list, std::int64_t tokens, const CountTokens& count_tokens) {
  constexpr std::int64_t kSample = 32;
  if (tokens <= 0) return 0;
  const std::int64_t of_sample = std::max<std::int64_t>(kSample, count_tokens(list.text(kSample)));
  const auto fits = [&](std::int64_t lines) { return count_tokens(list.text(static_cast<std::size_t>(lines))); };
  const std::int64_t found = largest_that_fits(0, tokens, tokens * kSample / of_sample, tokens, tokens / 512, fits);
  return static_cast<std::size_t>(std::max<std::int64_t>(found, 0));
}

Task lines_task() {
  Task task;
  task.name = "lines";
  task.summary = "a list of lines with a key and a number each; the number of one key is asked for";
  task.data = "lines: a file N_lines.jsonl of LongEval, instead of lists of tome's own";
  task.make = make_lines;
  task.trains = true;
  task.score = [](const EvalSample& sample, std::string_view answer) {
    return last_number_is(answer, sample.answers.front()) ? 1.0 : 0.0;
  };
  return task;
}

}  // namespace tome::eval
