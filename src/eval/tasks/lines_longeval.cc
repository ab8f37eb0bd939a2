#include <algorithm>

#include "base/error.h"
#include "eval/tasks/lines.h"
#include "eval/tasks/longeval_prompt.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kAnswerTokens = 100;  // as LongEval's eval.py

// Where the asked line stands: its index of all lines, by the row's own fields.
double depth_of(const JsonRow& row) {
  const nlohmann::json& place = row.list("random_idx");
  if (place.size() != 2 || !place[0].is_string() || !place[1].is_number_unsigned()) {
    throw_user_error(row.where, ": \"random_idx\" is not a key and a line number");
  }
  const auto lines = static_cast<std::uint64_t>(row.number("num_lines", 1));
  const auto line = place[1].get<std::uint64_t>();
  if (line >= lines) throw_user_error(row.where, ": \"random_idx\" is line ", line, " of ", lines);
  return lines == 1 ? 0.5 : static_cast<double>(line) / static_cast<double>(lines - 1);
}

// "line KEY: REGISTER_CONTENT is <NUMBER>" lines of a record.
std::vector<ListedLine> recorded_lines(std::string_view document) {
  constexpr std::string_view kBefore = "line ", kBetween = ": REGISTER_CONTENT is <";
  std::vector<ListedLine> lines;
  while (!document.empty()) {
    const std::string_view line = document.substr(0, document.find('\n'));
    document.remove_prefix(std::min(line.size() + 1, document.size()));
    const std::size_t between = line.find(kBetween);
    if (!line.starts_with(kBefore) || between == std::string_view::npos || !line.ends_with('>')) continue;
    const std::string_view value = line.substr(between + kBetween.size());
    lines.push_back({std::string(line.substr(kBefore.size(), between - kBefore.size())),
                     std::string(value.substr(0, value.size() - 1))});
  }
  return lines;
}

// The row's own question, to other keys of the same record.
std::vector<Shot> worked_examples(const TaskRequest& request, const JsonRow& row, const EvalSample& sample,
                                  std::string_view document) {
  if (request.shots == 0) return {};
  const std::string key = row.list("random_idx")[0].get<std::string>();
  const std::size_t place = sample.question.find(key);
  std::vector<ListedLine> others = recorded_lines(document);
  std::erase_if(others, [&](const ListedLine& line) { return line.key == key; });
  if (key.empty() || place == std::string::npos || others.size() < static_cast<std::size_t>(request.shots)) {
    throw_user_error(row.where, ": no ", request.shots, " other lines to make worked examples of; leave out --shots");
  }
  Choices choices(request.seed, sample.id);
  std::vector<Shot> shots;
  for (const std::size_t other : choices.several(others.size(), static_cast<std::size_t>(request.shots))) {
    std::string question = sample.question;
    question.replace(place, key.size(), others[other].key);
    shots.push_back({std::move(question), others[other].value});
  }
  return shots;
}

}  // namespace

EvalSet read_longeval_lines(const TaskRequest& request, const std::filesystem::path& path) {
  EvalSet set;
  const JsonRows rows(path);
  const std::size_t wanted = request.samples == 0 ? rows.size() : static_cast<std::size_t>(request.samples);
  for (std::size_t i = 0; i < std::min(wanted, rows.size()); ++i) {
    const JsonRow row = rows.row(i);
    auto [document, question] = split_longeval_prompt(row, "Now the record is over");
    const std::string value = std::to_string(row.number("expected_number", 0));
    const std::string& line = row.text("correct_line");
    if (document.find(line) == std::string::npos || line.find(value) == std::string::npos) {
      throw_user_error(row.where, ": \"correct_line\" with the \"expected_number\" ", value, " is not in the prompt");
    }
    EvalSample sample;
    sample.id = cat("lines-", path.stem().string(), "-", row.line);
    sample.task = "lines";
    sample.depth = depth_of(row);
    sample.document = set.documents.size();
    sample.question = std::move(question);
    sample.answers = {value};
    sample.answer_tokens = kAnswerTokens;
    sample.one_line = false;
    sample.shots = worked_examples(request, row, sample, document);
    set.documents.push_back({std::move(document), 0});
    set.samples.push_back(std::move(sample));
  }
  return set;
}

}  // namespace tome::eval
