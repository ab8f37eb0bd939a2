#include "eval/tasks/ruler.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "eval/scorers/matches.h"
#include "eval/tasks/cells.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/ruler_qa.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr std::string_view kTask = "ruler";

RulerPart niah(std::string_view name) {
  return {name,
          [name](const TaskRequest& request, const std::vector<std::string>& text, std::int64_t length,
                 std::int64_t samples) { return make_ruler_niah(name, request, text, length, samples); },
          ruler_match_all};
}

RulerPart without_text(std::string_view name,
                       std::optional<EvalSet> (*make)(const TaskRequest&, std::int64_t, std::int64_t)) {
  return {name,
          [make](const TaskRequest& request, const std::vector<std::string>&, std::int64_t length,
                 std::int64_t samples) { return make(request, length, samples); },
          ruler_match_all};
}

RulerPart questions(std::string_view name, std::string_view data) {
  return {
      name,
      [name](const TaskRequest& request, const std::vector<std::string>&, std::int64_t length,
             std::int64_t samples) -> std::optional<EvalSet> { return make_ruler_qa(request, name, length, samples); },
      ruler_match_part, data};
}

const RulerPart& find_part(std::string_view name) {
  const auto& parts = ruler_parts();
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const RulerPart& part) { return part.name == name; });
  if (found != parts.end()) return *found;
  std::string names;
  for (const RulerPart& part : parts) names += cat(names.empty() ? "" : ", ", part.name);
  throw_user_error("--set ruler.parts: no part \"", name, "\"; there are ", names);
}

// --set ruler.parts=vt,cwe; all without it.
std::vector<RulerPart> wanted_parts(const TaskRequest& request) {
  const std::string names = setting(request, "ruler.parts", "");
  if (names.empty()) return ruler_parts();
  std::vector<RulerPart> parts;
  for (std::string_view rest = names; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    const RulerPart& part = find_part(name);
    const bool twice = std::any_of(parts.begin(), parts.end(), [&](const RulerPart& one) { return one.name == name; });
    if (!twice) parts.push_back(part);
  }
  return parts;
}

EvalSet make_ruler(const TaskRequest& request) {
  TOME_CHECK(request.count_tokens);
  effective_threshold(request);  // a bad one is refused now, not in the report
  EvalSet set;
  const std::vector<std::string> text = haystack_sentences(request, kTask, set.notes);
  const std::int64_t samples = request.samples > 0 ? request.samples : 10;
  const bool all = setting(request, "ruler.parts", "").empty();
  for (const RulerPart& part : wanted_parts(request)) {
    if (request.for_training && !part.needs.empty()) {
      if (all) continue;
      throw_user_error(kTask, "/", part.name, ": asks published questions, which are measured with; name another part");
    }
    if (all && !part.needs.empty() && !find_data(request, part.needs)) {
      set.notes.push_back(cat(kTask, "/", part.name, ": left out without --data ", part.needs, "=FILE"));
      continue;
    }
    for (const std::int64_t length : lengths_of(request)) {
      std::optional<EvalSet> made = part.make(request, text, length, samples);
      if (!made) {
        set.notes.push_back(cat(kTask, "/", part.name, ": left out at ", length, " tokens, which are too few for it"));
        continue;
      }
      std::size_t number = 0;
      for (EvalSample& sample : made->samples) {
        sample.task = cat(kTask, "/", part.name);
        sample.id = sample_id(cat(kTask, "-", part.name), std::to_string(length), sample.depth, number++);
        sample.length = length;
      }
      append(set, std::move(*made));
    }
  }
  if (set.samples.empty()) throw_user_error("ruler: the lengths are too short for every part; ask for longer ones");
  return set;
}

double score_ruler(const EvalSample& sample, std::string_view answer) {
  const std::string_view name = std::string_view(sample.task).substr(kTask.size() + 1);
  return find_part(name).score(answer, sample.answers);
}

}  // namespace

const std::vector<RulerPart>& ruler_parts() {
  static const std::vector<RulerPart> all = {
      niah("niah-single-1"),
      niah("niah-single-2"),
      niah("niah-single-3"),
      niah("niah-multikey-1"),
      niah("niah-multikey-2"),
      niah("niah-multikey-3"),
      niah("niah-multivalue"),
      niah("niah-multiquery"),
      without_text("vt", make_ruler_variables),
      without_text("cwe", make_ruler_common_words),
      without_text("fwe", make_ruler_frequent_words),
      questions("qa-1", "squad"),
      questions("qa-2", "hotpotqa"),
  };
  return all;
}

double effective_threshold(const TaskRequest& request) {
  const std::string text = setting(request, "ruler.threshold", "85.6");
  double threshold = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threshold);
  if (error != std::errc() || end != text.data() + text.size() || !(threshold >= 0 && threshold <= 100)) {
    throw_user_error("--set ruler.threshold=", text, ": expected a number from 0 to 100");
  }
  return threshold;
}

std::optional<std::int64_t> effective_length(std::span<const std::pair<std::int64_t, double>> averages,
                                             double threshold) {
  std::optional<std::int64_t> longest;
  for (const auto& [length, average] : averages) {
    if (average >= threshold && (!longest || length > *longest)) longest = length;
  }
  return longest;
}

const std::vector<std::string>& ruler_noise() {
  static const std::vector<std::string> sentences = {"The road goes on and on.\n", "The river runs down to the sea.\n",
                                                     "Leaves fall when the summer is over.\n", "We walk and we rest.\n",
                                                     "Then the day begins once more.\n"};
  return sentences;
}

void add_ruler_sample(EvalSet& set, std::string document, EvalSample sample) {
  sample.one_line = false;
  sample.document = set.documents.size();
  if (sample.answers.size() > 1) sample.details = {{"all_answers", true}};
  set.documents.push_back({std::move(document), 0});
  set.samples.push_back(std::move(sample));
}

Task ruler_task() {
  Task task;
  task.name = kTask;
  task.summary = "RULER: needles of several kinds, variables, common and frequent words; --set ruler.parts=vt,cwe";
  task.data =
      "haystack: a text file or a folder of them, to hide needles in (without it, plain sentences of tome's own); "
      "squad: "
      "SQuAD 2's dev-v2.0.json and hotpotqa: hotpot_dev_distractor_v1.json, for the two question sets";
  task.make = make_ruler;
  task.trains = true;
  task.score = score_ruler;
  return task;
}

}  // namespace tome::eval
