#include "data/book_sources.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "data/book_facts.h"
#include "data/books.h"

namespace tome::data {
namespace {

constexpr std::size_t kOrdered = 4;  // sentences of one question
constexpr std::size_t kHops = 3;     // facts of one chain
constexpr int kMostTries = 20;

// What a question is about, the facts it needs, and its answer; the text is made afterwards.
struct Planned {
  std::vector<Fact> facts;
  std::vector<BuiltQuestion> questions;
  std::vector<std::size_t> fact_of;  // of each question, whose depth is its answer's; of no fact: facts.size()
};

class BookSource : public RowSource {
 public:
  BookSource(std::string_view name, const BuildRequest& request)
      : name_(name), request_(request), books_(request.books, request.count_tokens) {}

  std::optional<BuiltRow> next() override {
    for (int tries = 0; tries < kMostTries; ++tries) {
      eval::Choices choices(request_.seed, cat("data-", name_, '-', number_++));
      BuiltRow row = make(choices);
      if (row.tokens >= request_.least_tokens && row.tokens <= request_.most_tokens && !row.questions.empty())
        return row;
    }
    throw_user_error(name_, ": none of ", kMostTries, " stretches of the books became a row of ", request_.least_tokens,
                     " to ", request_.most_tokens, " tokens; widen --tokens or add books");
  }

 private:
  BuiltRow make(eval::Choices& choices) {
    Planned planned = plan(choices);
    std::int64_t room = 0;
    for (const Fact& fact : planned.facts) room += request_.count_tokens(fact.sentence + "\n\n");
    // Even on a log scale; a little over the least, for what the last paragraph leaves free.
    const auto least = static_cast<double>(request_.least_tokens) + 0.02 * static_cast<double>(request_.least_tokens);
    const auto most = std::max(least, static_cast<double>(request_.most_tokens));
    const auto tokens = static_cast<std::int64_t>(least * std::pow(most / least, choices.uniform()));
    Excerpt excerpt = books_.excerpt(std::max<std::int64_t>(1, tokens - room), choices);
    BuiltRow row;
    row.source = cat(name_, " over ", excerpt.name);
    row.licence = request_.licence.empty() ? "unknown" : request_.licence;
    row.document_id = excerpt.name;
    for (;; excerpt.paragraphs.pop_back()) {
      std::vector<Fact> facts = planned.facts;
      row.document = with_facts(excerpt.paragraphs, facts);
      row.tokens = request_.count_tokens(row.document);
      if (row.tokens <= request_.most_tokens || excerpt.paragraphs.size() < 2) {
        planned.facts = std::move(facts);
        break;
      }
    }
    row.questions = std::move(planned.questions);
    for (std::size_t i = 0; i < planned.fact_of.size(); ++i) {
      if (planned.fact_of[i] < planned.facts.size()) row.questions[i].depth = planned.facts[planned.fact_of[i]].depth;
    }
    if (name_ == "order") ask_order(excerpt, row, choices);
    if (name_ == "count") ask_counts(row, choices);
    return row;
  }

  Planned plan(eval::Choices& choices) const {
    if (name_ == "keys") return plan_keys(choices);
    return name_ == "chain" ? plan_chains(choices) : Planned{};
  }
  // Of `count` facts number i: one in each equal part of the depth that is asked for.
  double depth_of(std::size_t i, std::size_t count, eval::Choices& choices) const {
    const double part = (static_cast<double>(i) + choices.uniform()) / static_cast<double>(count);
    return request_.least_depth + part * (request_.most_depth - request_.least_depth);
  }
  Planned plan_keys(eval::Choices& choices) const {
    Planned planned;
    const auto count = static_cast<std::size_t>(request_.questions);
    const std::vector<std::string> names = fact_names(count, choices);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string number = cat(choices.between(10000, 99999));
      planned.facts.push_back({cat("The number of ", names[i], " is ", number, "."), depth_of(i, count, choices)});
      planned.questions.push_back({cat("What is the number of ", names[i], '?'), number, -1});
      planned.fact_of.push_back(i);
    }
    return planned;
  }
  Planned plan_chains(eval::Choices& choices) const {
    Planned planned;
    const auto count = static_cast<std::size_t>(request_.questions);
    const std::vector<std::string> names = fact_names(count * kHops, choices);
    for (std::size_t chain = 0; chain < count; ++chain) {
      const std::string* name = &names[chain * kHops];
      const std::string number = cat(choices.between(10000, 99999));
      for (std::size_t hop = 0; hop + 1 < kHops; ++hop) {
        planned.facts.push_back(
            {cat("The box ", name[hop], " holds the same number as the box ", name[hop + 1], "."), 0});
      }
      planned.facts.push_back({cat("The box ", name[kHops - 1], " holds the number ", number, "."), 0});
      planned.questions.push_back({cat("Which number does the box ", name[0], " hold?"), number, -1});
      planned.fact_of.push_back(count * kHops);
    }
    std::vector<double> depths;
    for (std::size_t i = 0; i < planned.facts.size(); ++i) depths.push_back(depth_of(i, planned.facts.size(), choices));
    choices.shuffle(depths);
    for (std::size_t i = 0; i < depths.size(); ++i) planned.facts[i].depth = depths[i];
    return planned;
  }

  void ask_order(const Excerpt& excerpt, BuiltRow& row, eval::Choices& choices) const {
    for (std::int64_t i = 0; i < request_.questions; ++i) {
      const std::vector<std::string> sentences = sentences_of_parts(excerpt.paragraphs, kOrdered, choices);
      if (sentences.size() < kOrdered) continue;
      std::vector<std::size_t> shown = {0, 1, 2, 3};
      choices.shuffle(shown);
      std::string question = "In which order do these sentences stand in the text?", answer;
      for (std::size_t letter = 0; letter < kOrdered; ++letter) {
        question += cat(" (", static_cast<char>('A' + letter), ") ", sentences[shown[letter]]);
      }
      for (std::size_t place = 0; place < kOrdered; ++place) {
        const auto letter = std::find(shown.begin(), shown.end(), place) - shown.begin();
        answer += cat(place > 0 ? ", " : "", static_cast<char>('A' + letter));
      }
      row.questions.push_back({question + " Answer with the letters.", answer, -1});
    }
  }
  void ask_counts(BuiltRow& row, eval::Choices& choices) const {
    const auto names = counted_names(row.document);
    const std::size_t wanted = std::min(names.size(), static_cast<std::size_t>(request_.questions));
    for (const std::size_t i : choices.several(names.size(), wanted)) {
      row.questions.push_back(
          {cat("How many times does the word \"", names[i].first, "\" stand in the text?"), cat(names[i].second), -1});
    }
  }

  std::string name_;
  BuildRequest request_;
  Books books_;
  std::int64_t number_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> make_book_source(std::string_view name, const BuildRequest& request) {
  if (name != "order" && name != "count" && name != "keys" && name != "chain") return nullptr;
  if (request.books.empty()) throw_user_error(name, ": needs --books FOLDER, texts to ask about");
  return std::make_unique<BookSource>(name, request);
}

}  // namespace tome::data
