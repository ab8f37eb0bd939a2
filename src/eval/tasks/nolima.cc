// NoLiMa (Modarressi et al., 2025): a needle in shuffled books whose question shares no words with it.
#include <algorithm>

#include "base/error.h"
#include "eval/choices.h"
#include "eval/scorers/matches.h"
#include "eval/scorers/words.h"
#include "eval/tasks/nolima_needles.h"
#include "eval/tasks/published.h"
#include "eval/tasks/tasks.h"
#include "text/document.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere =
    "a folder with needlesets/needle_set.json and haystack/rand_shuffle/rand_book_1.txt ... of Hugging Face "
    "amodaresi/NoLiMa (data/download_NoLiMa_data.sh of github.com/adobe-research/NoLiMa)";

NolimaMetric metric_of(std::string_view name) {
  if (name == "contains") return NolimaMetric::kContains;
  if (name == "exact") return NolimaMetric::kExact;
  if (name == "last-line-contains") return NolimaMetric::kLastLineContains;
  if (name == "last-line-exact") return NolimaMetric::kLastLineExact;
  throw_user_error("--set nolima.metric=", name, ": expected contains, exact, last-line-contains or last-line-exact");
}

// A book by lines, and how many tokens they have up to each; counted as far as it was needed.
class Book {
 public:
  explicit Book(const fs::path& path) {
    const std::string text = read_documents({path}).text;
    for (const std::string_view line : split_at(text, '\n')) lines_.emplace_back(line);
  }

  /// As many lines from the begin as have at most `tokens` together.
  std::size_t lines_within(std::int64_t tokens, const TaskRequest& request) {
    while (up_to_.back() <= tokens && up_to_.size() <= lines_.size()) {
      up_to_.push_back(up_to_.back() + request.count_tokens(lines_[up_to_.size() - 1] + "\n"));
    }
    return static_cast<std::size_t>(std::upper_bound(up_to_.begin(), up_to_.end(), tokens) - up_to_.begin()) - 1;
  }

  /// The line of the first `lines` before which `depth` (0..1) of their tokens lie, as nearly as lines allow.
  std::size_t line_at(double depth, std::size_t lines) const {
    const double wanted = depth * static_cast<double>(up_to_[lines]);
    const auto after =
        std::lower_bound(up_to_.begin(), up_to_.begin() + static_cast<std::ptrdiff_t>(lines), wanted,
                         [](std::int64_t tokens, double bound) { return static_cast<double>(tokens) < bound; });
    const auto index = static_cast<std::size_t>(after - up_to_.begin());
    if (index == 0) return 0;
    const double over = static_cast<double>(up_to_[index]) - wanted;
    const double under = wanted - static_cast<double>(up_to_[index - 1]);
    return over < under ? index : index - 1;
  }

  const std::string& line(std::size_t index) const { return lines_[index]; }
  std::size_t size() const { return lines_.size(); }

 private:
  std::vector<std::string> lines_;
  std::vector<std::int64_t> up_to_ = {0};
};

struct Placed {
  std::string needle, distractor;
  double depth = 0, distractor_depth = 0;
};

std::string with_needle(const Book& book, std::size_t lines, const Placed& placed) {
  const std::size_t needle_line = book.line_at(placed.depth, lines);
  const std::size_t distractor_line = book.line_at(placed.distractor_depth, lines);
  std::string text;
  for (std::size_t i = 0; i <= lines; ++i) {
    if (i == needle_line) text.append(placed.needle).append("\n");
    if (i == distractor_line && !placed.distractor.empty()) text.append(placed.distractor).append("\n");
    if (i < lines) text.append(book.line(i)).append("\n");
  }
  return text;
}

// At least a fifth of the text away from the needle and from both ends where the needle leaves room, as published.
double distractor_depth(double depth, Choices& choices) {
  constexpr double kFree = 0.2;
  const double left = std::max(0.0, depth - 2 * kFree), right = std::max(0.0, 1 - (depth + 2 * kFree));
  const double place = choices.uniform() * (left + right);
  return place > left ? depth + kFree + (place - left) : place + kFree;
}

struct Haystack {
  std::string name;
  Book book;
};

std::vector<Haystack> read_books(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  if (paths.empty()) throw_user_error(folder.string(), ": holds no .txt book; expected ", kWhere);
  std::sort(paths.begin(), paths.end());
  std::vector<Haystack> books;
  books.reserve(paths.size());
  for (const fs::path& path : paths) books.push_back({path.stem().string(), Book(path)});
  return books;
}

EvalSample make_sample(const TaskRequest& request, const NolimaTest& test, std::int64_t length, double depth,
                       std::size_t number) {
  Choices choices(request.seed, cat("nolima-", length, "-", number));
  EvalSample sample;
  sample.id = cat("nolima-", length, "-", number);
  sample.task = "nolima";
  sample.length = length;
  sample.depth = depth;
  sample.answer_tokens = 192;
  sample.one_line = false;
  const std::string name = test.characters.empty() ? "" : choices.one_of(test.characters);
  sample.question = replace_all(test.question, "{CHAR}", name);
  const bool find_name = test.needle.find("{CHAR}") != std::string::npos;
  sample.answers = find_name ? std::vector<std::string>{name} : test.answers;
  sample.details = {{"test", test.id}, {"needle", replace_all(test.needle, "{CHAR}", name)}};
  return sample;
}

// The book from its begin, cut to what `length` leaves, with the needle in it.
std::string fitted(const TaskRequest& request, Book& book, const EvalSample& sample, const Placed& placed) {
  const std::int64_t room = sample.length - sample.answer_tokens - request.count_tokens(sample.question);
  const std::int64_t extra = request.count_tokens(placed.needle) + request.count_tokens(placed.distractor) + 2;
  std::size_t lines = book.lines_within(room - extra, request);
  if (room <= extra || lines == 0) {
    throw_user_error("nolima: ", sample.length, " tokens leave no room for a book; ask for a larger --lengths");
  }
  if (lines == book.size()) throw_user_error("nolima: a book is shorter than ", sample.length, " tokens");
  for (;; --lines) {
    std::string text = with_needle(book, lines, placed);
    if (request.count_tokens(text) <= room || lines == 1) return text;
  }
}

EvalSet make_nolima(const TaskRequest& request) {
  const fs::path folder = need_data(request, "nolima", "nolima", kWhere, "nolima");
  const std::string needles = setting(request, "nolima.needles", "needle_set");
  const std::string metric = setting(request, "nolima.metric", "contains");
  metric_of(metric);
  const std::vector<NolimaTest> tests = read_nolima_tests(folder / "needlesets" / (needles + ".json"));
  std::vector<Haystack> books = read_books(folder / "haystack" / "rand_shuffle");
  const std::vector<std::int64_t> lengths = request.lengths.empty() ? std::vector<std::int64_t>{4096} : request.lengths;
  const std::vector<double> depths =
      request.depths.empty() ? std::vector<double>{0, 0.25, 0.5, 0.75, 1} : request.depths;
  const auto samples = static_cast<std::size_t>(request.samples > 0 ? request.samples : kPublishedSamples);
  EvalSet set;
  for (const std::int64_t length : lengths) {
    Choices choices(request.seed, cat("nolima-", length));
    const std::vector<std::size_t> order = choices.several(tests.size(), tests.size());
    for (std::size_t i = 0; i < samples; ++i) {
      const double depth = depths[(i + i / tests.size()) % depths.size()];  // each test meets each depth in turn
      const NolimaTest& test = tests[order[i % tests.size()]];
      EvalSample sample = make_sample(request, test, length, depth, i + 1);
      Haystack& haystack = books[choices.below(books.size())];
      const Placed placed{sample.details.at("needle"), test.distractor, depth, distractor_depth(depth, choices)};
      sample.details["metric"] = metric;
      sample.details["book"] = haystack.name;
      sample.document = set.documents.size();
      set.documents.push_back({fitted(request, haystack.book, sample, placed)});
      set.samples.push_back(std::move(sample));
    }
  }
  return set;
}

}  // namespace

Task nolima_task() {
  Task task;
  task.name = "nolima";
  task.summary = "NoLiMa: a needle whose question shares no words with it, in shuffled books of chosen lengths";
  task.data = cat("nolima: ", kWhere);
  task.make = make_nolima;
  task.score = [](const EvalSample& sample, std::string_view answer) {
    return nolima_score(metric_of(sample.details.at("metric").get<std::string>()), answer, sample.answers);
  };
  return task;
}

}  // namespace tome::eval
