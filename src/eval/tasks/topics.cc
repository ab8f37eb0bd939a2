#include "eval/tasks/topics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/mapped_file.h"
#include "eval/scorers/topic_match.h"
#include "eval/tasks/cells.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kAnswerTokens = 50;                                // as LongEval's eval.py
constexpr const char* kPublished = "anima/topic_conversations_158.json";  // under TOME_DATA
constexpr std::string_view kWhere = "a file with a list of TOPIC and CONVERSATION, or N_topics.jsonl of LongEval";

struct Cell {
  std::string name;
  std::int64_t length = 0;  // 0: the number of topics is given
  std::size_t topics = 0;
};

// Which places are asked: by --set topics.ask, or by depth.
struct Asking {
  bool spread = false;
  bool last = false;
  std::size_t place = 0;  // from 0

  std::vector<std::size_t> places(const std::vector<double>& depths, std::size_t count) const {
    if (spread) return nearest_places(depths, count);
    const std::size_t one = last ? count - 1 : place;
    if (one >= count)
      throw_user_error("topics.ask: topic ", one + 1, " of ", count, "; ask for longer texts or an earlier one");
    return {one};
  }
};

Asking asking_of(const TaskRequest& request) {
  const std::string text = setting(request, "topics.ask", request.depths.empty() ? "first" : "spread");
  if (text == "first") return {};
  if (text == "last") return {.last = true};
  if (text == "spread") return {.spread = true};
  return {.place = static_cast<std::size_t>(setting(request, "topics.ask", 1, 1) - 1)};
}

class Maker {
 public:
  Maker(const TaskRequest& request, Conversations conversations)
      : request_(request), conversations_(std::move(conversations)), asking_(asking_of(request)) {
    for (const Conversation& one : conversations_.all) tokens_.push_back(request.count_tokens(one.text + "\n\n"));
  }

  bool spread() const { return asking_.spread; }

  // Document and samples; ids are for the caller.
  std::pair<std::string, std::vector<EvalSample>> make(const Cell& cell, const std::vector<double>& depths,
                                                       std::size_t number) const {
    const std::string use = cat("topics-", cell.name, "-", number);
    const std::size_t least = static_cast<std::size_t>(request_.shots) + (asking_.spread ? depths.size() : 1);
    if (cell.length == 0) {
      const auto order = Choices(request_.seed, use).several(tokens_.size(), cell.topics);
      if (order.size() < least) throw_user_error("topics: ", order.size(), " topics, expected at least ", least);
      return {topic_record(conversations_, order, request_.for_training), ask(order, depths, use)};
    }
    return fit(cell, depths, use, least);
  }

 private:
  // The tokens of pieces add up to nearly those of the whole: the budget is corrected by what the whole has.
  std::pair<std::string, std::vector<EvalSample>> fit(const Cell& cell, const std::vector<double>& depths,
                                                      const std::string& use, std::size_t least) const {
    std::pair<std::string, std::vector<EvalSample>> best;
    std::int64_t budget = cell.length, best_total = -1, smallest = 0;
    for (int attempt = 0; attempt < 8 && best_total < cell.length - cell.length / 200; ++attempt) {
      const auto order = choose_conversations(Choices(request_.seed, use), tokens_, budget);
      if (order.size() < least) {
        budget += cell.length / 50;
        continue;
      }
      std::vector<EvalSample> samples = ask(order, depths, use);
      std::string text = topic_record(conversations_, order, request_.for_training);
      std::int64_t longest = 0;
      for (const EvalSample& sample : samples) longest = std::max(longest, question_tokens(request_, sample));
      const std::int64_t total = longest + request_.count_tokens(text);
      budget += cell.length - total;
      smallest = smallest == 0 ? total : std::min(smallest, total);
      if (total > cell.length || total <= best_total) continue;
      best_total = total;
      best = {std::move(text), std::move(samples)};
    }
    if (best_total < 0) throw_too_short("topics", cell.length, smallest == 0 ? shortest(least) : smallest);
    const std::int64_t all = std::accumulate(tokens_.begin(), tokens_.end(), std::int64_t{0});
    if (all < cell.length - cell.length / 50 && best_total < cell.length - cell.length / 50) {
      throw_user_error("topics: a length of ", cell.length, " tokens, all conversations have ", all,
                       "; ask for shorter ones or give a larger file");
    }
    return best;
  }

  // Roughly, for the message.
  std::int64_t shortest(std::size_t count) const {
    std::vector<std::int64_t> sorted = tokens_;
    std::sort(sorted.begin(), sorted.end());
    sorted.resize(std::min(count, sorted.size()));
    return std::accumulate(sorted.begin(), sorted.end(), 2 * kAnswerTokens);
  }

  std::vector<EvalSample> ask(const std::vector<std::size_t>& order, const std::vector<double>& depths,
                              const std::string& use) const {
    const auto places = asking_.places(depths, order.size());
    std::vector<std::size_t> others;
    for (const std::size_t place : Choices(request_.seed, use + "-shots").several(order.size(), order.size())) {
      const bool asked = std::find(places.begin(), places.end(), place) != places.end();
      if (!asked && std::ssize(others) < request_.shots) others.push_back(place);
    }
    std::vector<EvalSample> samples;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const double end = static_cast<double>(std::max<std::size_t>(order.size() - 1, 1));
      EvalSample sample = ask_one(order, places[i]);
      sample.depth = asking_.spread ? depths[i] : static_cast<double>(places[i]) / end;
      for (const std::size_t other : others) {
        sample.shots.push_back(
            {topic_question(other, order.size(), request_.for_training), conversations_.all[order[other]].topic});
      }
      samples.push_back(std::move(sample));
    }
    return samples;
  }

  EvalSample ask_one(const std::vector<std::size_t>& order, std::size_t place) const {
    EvalSample sample;
    sample.task = "topics";
    sample.question = topic_question(place, order.size(), request_.for_training);
    sample.answers = {conversations_.all[order[place]].topic};
    sample.answer_tokens = kAnswerTokens;
    sample.details = {{"judge", true}, {"topics", nlohmann::json::array()}};
    for (const std::size_t one : order) sample.details["topics"].push_back(conversations_.all[one].topic);
    return sample;
  }

  const TaskRequest& request_;
  Conversations conversations_;
  Asking asking_;
  std::vector<std::int64_t> tokens_;
};

// A JSON list, not JSON lines.
bool is_list(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && text[first] == '[';
}

// Training must not see the topics that --data topics-measured or the file in TOME_DATA has.
void leave_out_measured(const TaskRequest& request, Conversations& conversations) {
  TaskRequest measuring = request;
  measuring.for_training = false;
  if (const auto path = find_data(measuring, "topics-measured", kPublished)) {
    leave_out_topics(conversations, read_conversations(*path));
  } else {
    conversations.notes.emplace_back(
        "topics: not compared with the topics that are measured; name their file with --data topics-measured=FILE");
  }
}

EvalSet make_topics(const TaskRequest& request) {
  const auto path = need_data(request, "topics", "topics", kWhere, kPublished);
  if (!is_list(path)) {
    if (request.for_training) throw_measured_file("topics", path);
    return read_longeval_topics(request, path);
  }
  TOME_CHECK(request.count_tokens);
  Conversations conversations = read_conversations(path);
  if (request.for_training) leave_out_measured(request, conversations);
  EvalSet set;
  set.notes = conversations.notes;
  const std::int64_t fixed = setting(request, "topics.count", 0, 1);
  if (fixed > std::ssize(conversations.all)) {
    throw_user_error("--set topics.count=", fixed, ": ", path.string(), " has ", conversations.all.size(),
                     " topics to use");
  }
  std::vector<Cell> cells;
  if (fixed > 0) cells.push_back({cat(fixed, "topics"), 0, static_cast<std::size_t>(fixed)});
  if (fixed == 0) {
    for (const std::int64_t length : lengths_of(request)) cells.push_back({std::to_string(length), length, 0});
  }
  const Maker maker(request, std::move(conversations));
  const std::int64_t wanted = request.samples > 0 ? request.samples : 10;
  const std::int64_t questions = maker.spread() ? questions_of_document(request, "topics", wanted, 5) : 1;
  const auto depths = depths_by_document(request, wanted, questions);
  for (const Cell& cell : cells) {
    std::size_t number = 0;
    for (std::size_t document = 0; document < depths.size(); ++document) {
      auto [text, samples] = maker.make(cell, depths[document], document);
      for (EvalSample& sample : samples) {
        sample.id = sample_id("topics", cell.name, sample.depth, number++);
        sample.length = cell.length;
        sample.document = set.documents.size();
        set.samples.push_back(std::move(sample));
      }
      set.documents.push_back({std::move(text), 0});
    }
  }
  return set;
}

double score_topic(const EvalSample& sample, std::string_view answer) {
  std::vector<std::string> others;
  for (const nlohmann::json& topic : sample.details.at("topics")) {
    if (topic != sample.answers.front()) others.push_back(topic.get<std::string>());
  }
  return names_topic(answer, sample.answers.front(), others) ? 1 : 0;
}

}  // namespace

Task topics_task() {
  Task task;
  task.name = "topics";
  task.summary = "conversations about many topics; one topic is asked for by its place";
  task.data = cat("topics: ", kWhere);
  task.make = make_topics;
  task.trains = true;
  task.score = score_topic;
  return task;
}

}  // namespace tome::eval
