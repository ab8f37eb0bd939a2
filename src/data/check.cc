#include "data/check.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/error.h"
#include "data/answer_checks.h"
#include "data/leakage.h"
#include "data/licences.h"
#include "data/near_duplicates.h"
#include "data/row_reader.h"
#include "formats/printable.h"

namespace tome::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, kFaults> kNames = {
    "broken",          "empty-answer",    "cut-answer", "absent-answer", "duplicate",      "near-duplicate",
    "leaked-question", "leaked-document", "leaked-id",  "no-licence",    "unknown-licence"};
constexpr std::size_t kMostFindings = 10000;  // of each fault
constexpr std::size_t kLongAnswer = 30;       // words
constexpr double kMostEnd = 0.9;              // of a file's long answers, so that the others stand out
constexpr std::int64_t kFewLong = 10;         // fewer long answers show no habit

struct Found {
  Fault fault;
  RowPlace place;
  std::string detail;
};

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * share);
  return text;
}

// What a thread finds out about one row.
struct RowFacts {
  std::vector<Found> found;
  std::vector<std::size_t> open_answers;  // long ones that end no sentence
  std::int64_t long_answers = 0;
  RowHashes hashes;
};

class Checker {
 public:
  Checker(const std::vector<fs::path>& files, Threads& threads, const CheckOptions& options)
      : files_(files),
        threads_(threads),
        options_(options),
        duplicates_(options.similarity),
        facts_(kRowSlots),
        habits_(files.size()) {
    if (!options.against.empty()) evaluation_.emplace(options.against, threads);
  }

  CheckResult run(const std::function<void(std::uint64_t)>& progress) {
    std::uint64_t done = 0;
    read_rows(
        files_, threads_, [this](RowRead& read, int) { look(read); },
        [&](RowRead& read) {
          done += read.place.line.bytes + 1;
          if (progress) progress(done);
          take(read);
        });
    add_open_answers();
    if (wants(Fault::kNearDuplicate)) add_near_duplicates();
    return result();
  }

 private:
  bool wants(Fault fault) const { return !options_.ignored.contains(fault); }

  void look(RowRead& read) {
    RowFacts& facts = facts_[read.slot];
    facts = {};
    if (!read.broken.empty()) return;
    const auto add = [&](Fault fault, std::string detail) {
      facts.found.push_back({fault, read.place, std::move(detail)});
    };
    look_at_answers(read.row, facts, add);
    look_at_marks(read.row.marks, add);
    if (evaluation_) look_for_leaks(read.row, add);
    if (wants(Fault::kNearDuplicate) || wants(Fault::kDuplicate)) facts.hashes = duplicates_.hashes(read.row);
    read.row = {};
  }

  template <typename Add>
  void look_at_answers(const DataRow& row, RowFacts& facts, const Add& add) const {
    const bool extractive = row.kind == DataRow::Kind::kQuestions && (options_.extractive || row.marks.extractive);
    for (std::size_t i = 0; i < row.questions.size(); ++i) {
      const std::string& answer = row.questions[i].answer;
      const std::string reason = cut_reason(row.document, answer);
      if (!reason.empty()) add(Fault::kCutAnswer, cat("answer ", i + 1, ": ", reason));
      if (extractive && !says(row.document, answer)) {
        add(Fault::kAbsentAnswer, cat("answer ", i + 1, ": ", in_quotes(answer), " does not stand in the document"));
      }
      if (count_words(answer) < kLongAnswer) continue;
      ++facts.long_answers;
      if (reason.empty() && !ends_sentence(answer)) facts.open_answers.push_back(i);
    }
  }
  template <typename Add>
  static void look_at_marks(const RowMarks& marks, const Add& add) {
    if (marks.licence.empty()) {
      add(Fault::kNoLicence, "has no licence field");
    } else if (!is_known_licence(marks.licence)) {
      add(Fault::kUnknownLicence, cat("licence ", in_quotes(marks.licence), " is none that is known"));
    }
  }
  template <typename Add>
  void look_for_leaks(const DataRow& row, const Add& add) const {
    const auto where = [&](const RowPlace& place) { return name_of(evaluation_->files(), place); };
    for (const std::string& text : asked_texts(row)) {
      const RowPlace* place = evaluation_->find_question(text);
      if (place == nullptr) continue;
      add(Fault::kLeakedQuestion, cat("shares ", kLeakWords, " words or all with the question of ", where(*place)));
      break;
    }
    DocumentOverlap overlap;
    if (evaluation_->find_document(row.document, overlap) &&
        std::max(overlap.of_training, overlap.of_evaluation) >= options_.overlap) {
      add(Fault::kLeakedDocument, cat(percent(overlap.of_training), " of its document stand in that of ",
                                      where(overlap.place), ", of which it has ", percent(overlap.of_evaluation)));
    }
    if (const RowPlace* place = evaluation_->find_id(row.marks.document_id)) {
      add(Fault::kLeakedId, cat("document ", in_quotes(row.marks.document_id), " is that of ", where(*place)));
    }
  }

  void take(RowRead& read) {
    ++rows_;
    RowFacts& facts = facts_[read.slot];
    if (!read.broken.empty()) {
      keep({read.empty_answer ? Fault::kEmptyAnswer : Fault::kBroken, read.place, read.broken});
      return;
    }
    for (Found& found : facts.found) keep(std::move(found));
    Habit& habit = habits_[read.place.file];
    habit.long_answers += facts.long_answers;
    for (const std::size_t answer : facts.open_answers) {
      ++habit.open;
      if (habit.first_open.size() < kMostFindings) {
        habit.first_open.push_back({Fault::kCutAnswer, read.place, cat("answer ", answer + 1, ": ends no sentence")});
      }
    }
    if (!wants(Fault::kNearDuplicate) && !wants(Fault::kDuplicate)) return;
    if (const RowPlace* earlier = duplicates_.add(read.place, facts.hashes)) {
      keep({Fault::kDuplicate, read.place, cat("is the row of ", name_of(files_, *earlier))});
    }
  }

  void keep(Found found) {
    if (!wants(found.fault)) return;
    const auto fault = static_cast<std::size_t>(found.fault);
    ++counts_[fault];
    if (found_[fault].size() < kMostFindings) found_[fault].push_back(std::move(found));
  }

  void add_open_answers() {
    for (Habit& habit : habits_) {
      const std::int64_t closed = habit.long_answers - habit.open;
      if (habit.long_answers < kFewLong ||
          static_cast<double>(closed) < kMostEnd * static_cast<double>(habit.long_answers)) {
        continue;
      }
      for (Found& found : habit.first_open) keep(std::move(found));
    }
  }

  void add_near_duplicates() {
    for (const NearDuplicates::Pair& pair : duplicates_.find(files_, threads_)) {
      const std::string what =
          pair.later_question < 0 ? "its text is like" : cat("question ", pair.later_question + 1, " is like");
      const std::string of = pair.later_question < 0 ? "that" : cat("question ", pair.earlier_question + 1);
      keep({Fault::kNearDuplicate, pair.later,
            cat(what, ' ', of, " of ", name_of(files_, pair.earlier), " (", percent(pair.similarity), ')')});
    }
  }

  CheckResult result() {
    CheckResult result;
    result.rows = rows_;
    result.counts = counts_;
    for (std::vector<Found>& some : found_) {
      std::stable_sort(some.begin(), some.end(), [](const Found& a, const Found& b) {
        return std::pair(a.place.file, a.place.line.number) < std::pair(b.place.file, b.place.line.number);
      });
      for (Found& found : some) {
        result.findings.push_back({found.fault, name_of(files_, found.place), std::move(found.detail)});
      }
    }
    if (evaluation_ && evaluation_->broken() > 0) {
      result.notes.push_back(
          cat("--against: ", evaluation_->broken(), " lines have no shape that is known and are not compared with"));
    }
    return result;
  }

  struct Habit {
    std::int64_t long_answers = 0, open = 0;
    std::vector<Found> first_open;
  };

  const std::vector<fs::path>& files_;
  Threads& threads_;
  const CheckOptions& options_;
  std::optional<EvaluationIndex> evaluation_;
  NearDuplicates duplicates_;
  std::vector<RowFacts> facts_;
  std::vector<Habit> habits_;  // of each file
  std::int64_t rows_ = 0;
  std::array<std::int64_t, kFaults> counts_{};
  std::array<std::vector<Found>, kFaults> found_;
};

}  // namespace

const char* to_string(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

Fault parse_fault(const std::string& name) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<Fault>(found - kNames.begin());
  std::string names;
  for (const char* one : kNames) names += cat(names.empty() ? "" : ", ", one);
  throw_user_error("no fault ", in_quotes(name), "; there are ", names);
}

bool CheckResult::clean() const {
  return std::all_of(counts.begin(), counts.end(), [](std::int64_t count) { return count == 0; });
}

CheckResult check_rows(const std::vector<fs::path>& files, Threads& threads, const CheckOptions& options,
                       const std::function<void(std::uint64_t)>& progress) {
  if (!(options.similarity > 0 && options.similarity <= 1)) {
    throw_user_error("--similarity: got ", options.similarity, ", expected more than 0, at most 1");
  }
  return Checker(files, threads, options).run(progress);
}

}  // namespace tome::data
