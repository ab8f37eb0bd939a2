// Task "novel": a model reads a whole detective novel and is asked who did it, why, and what the clue was.
#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "eval/choices.h"
#include "eval/scorers/accepted_answer.h"
#include "eval/scorers/overlap.h"
#include "eval/scorers/words.h"
#include "eval/tasks/book_questions.h"
#include "eval/tasks/book_text.h"
#include "eval/tasks/tasks.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhereSets = "JSON Lines as in eval_sets/detective, or a folder of them";
constexpr const char* kWhereBooks = "a folder of Project Gutenberg's plain-text files; eval_sets/README.md names them";

/// A book, or an excerpt of one, and what is asked about it.
struct AskedBook {
  std::string name;  // the file's, without its ending
  fs::path path;     // empty: it is in a folder of books that is not known
  std::optional<Excerpt> excerpt;
  std::vector<BookQuestion> questions;

  std::string id() const {
    return excerpt ? cat("novel-", name, "-", excerpt->begin, "-", excerpt->end) : cat("novel-", name);
  }
};

/// Where our own question sets are: TOME_EVAL_SETS, else the source tree that the program was built from.
fs::path own_sets() {
  const char* named = std::getenv("TOME_EVAL_SETS");
  const fs::path sets = named != nullptr && *named != '\0' ? named : TOME_EVAL_SETS_DIR;
  fs::path folder = sets / "detective";
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw_user_error("novel: ", folder.string(),
                     ": there is no such folder; set TOME_EVAL_SETS to tome's eval_sets, or ",
                     "give questions of your own with --data novel=QUESTIONS.jsonl");
  }
  return folder;
}

std::vector<fs::path> question_files(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  if (files.empty()) throw_user_error("novel: ", path.string(), ": holds no *.jsonl; expected ", kWhereSets);
  std::sort(files.begin(), files.end());
  return files;
}

void add_question(std::vector<AskedBook>& books, BookQuestion row, const fs::path& file,
                  const std::optional<fs::path>& folder) {
  const bool known = folder.has_value() || row.book.empty();
  const fs::path name = row.book.empty() ? row.text : row.book;
  const fs::path path = row.book.empty() ? file.parent_path() / row.text : known ? *folder / row.book : fs::path();
  auto book = std::find_if(books.begin(), books.end(),
                           [&](const AskedBook& b) { return b.name == name.stem() && b.excerpt == row.excerpt; });
  if (book == books.end()) book = books.insert(books.end(), {name.stem().string(), path, row.excerpt, {}});
  if (book->path != path) {
    throw_user_error(row.place, ": ", path.string(), " and ", book->path.string(), " of ",
                     book->questions.front().place, " are two texts of one name; give one of them another name");
  }
  book->questions.push_back(std::move(row));
}

/// What is read of the text, as bytes of it.
Excerpt part_of(const AskedBook& book, const BookText& text) {
  return book.excerpt.value_or(Excerpt{text.begin, text.end});
}

void check_edition(const BookQuestion& row, const AskedBook& book, const BookText& text) {
  if (!row.sha256.empty() && row.sha256 != text.sha256) {
    throw_user_error(row.place, ": is about a text with SHA-256 ", row.sha256, ", and that of ", book.path.string(),
                     " is ", text.sha256, ": it is another edition, get the one that was asked about");
  }
  const auto [begin, end] = part_of(book, text);
  const auto inside_character = [&](std::size_t at) {
    return at < text.text.size() && (static_cast<unsigned char>(text.text[at]) & 0xC0) == 0x80;
  };
  if (end > text.text.size() || inside_character(begin) || inside_character(end)) {
    throw_user_error(row.place, ": begin and end: got [", begin, ", ", end, "), expected bytes of the text in ",
                     book.path.string(), ", which has ", text.text.size(), ", between two characters");
  }
  const auto offset = static_cast<std::size_t>(row.where.value_or(static_cast<std::int64_t>(begin)));
  if (offset < begin || offset >= end) {
    throw_user_error(row.place, ": where: got ", offset, ", expected a byte of [", begin, ", ", end, "), which is the ",
                     book.excerpt ? "excerpt of " : "book in ", book.path.string());
  }
}

EvalSample make_sample(const BookQuestion& row, const AskedBook& book, const BookText& text, std::size_t number,
                       const TaskRequest& request) {
  EvalSample sample;
  sample.id = cat(book.id(), "-", number);
  sample.task = cat("novel/", !book.excerpt ? book.name : row.kind.empty() ? "excerpts" : row.kind);
  if (row.where) {
    const auto [begin, end] = part_of(book, text);
    const auto from_begin = static_cast<double>(static_cast<std::size_t>(*row.where) - begin);
    sample.depth = from_begin / static_cast<double>(end - begin);
  }
  sample.question = row.question;
  sample.answers = row.answers;
  if (!row.kind.empty()) sample.details["kind"] = row.kind;
  sample.shots = {
      {"How should each question about the text be answered?", "in a few words"},
      {"Note: On Friday the ferryman Oswin Tarrel painted his boat green.\nWho painted the boat?", "Oswin Tarrel"}};
  if (std::cmp_less(request.shots, sample.shots.size())) sample.shots.resize(static_cast<std::size_t>(request.shots));
  return sample;
}

/// The questions of a book that are asked: all, or --samples of them by the seed, in their order.
std::vector<std::size_t> choose(const AskedBook& book, const TaskRequest& request) {
  const std::size_t count = book.questions.size();
  if (request.samples > 0 && std::cmp_less(request.samples, count)) {
    std::vector<std::size_t> chosen =
        Choices(request.seed, book.id()).several(count, static_cast<std::size_t>(request.samples));
    std::sort(chosen.begin(), chosen.end());
    return chosen;
  }
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

EvalSet ask(const AskedBook& book, const TaskRequest& request) {
  const BookText text = read_book(book.path);
  for (const BookQuestion& row : book.questions) check_edition(row, book, text);
  EvalSet set;
  const auto [begin, end] = part_of(book, text);
  set.documents.push_back({text.text.substr(begin, end - begin)});
  const std::string rule = setting(request, "novel.score", "accepted");
  if (rule != "accepted" && rule != "f1")
    throw_user_error("novel.score: got ", in_quotes(rule), ", expected accepted or f1");
  for (const std::size_t i : choose(book, request)) {
    EvalSample sample = make_sample(book.questions[i], book, text, i + 1, request);
    if (rule == "f1") sample.details["score"] = rule;
    set.samples.push_back(std::move(sample));
  }
  return set;
}

EvalSet make_novel(const TaskRequest& request) {
  const bool own = !find_data(request, "novel");
  const fs::path sets = own ? own_sets() : need_data(request, "novel", "novel", kWhereSets);
  std::optional<fs::path> folder = find_data(request, "books", "books");
  if (request.data.contains("books")) folder = need_data(request, "novel", "books", kWhereBooks);
  std::vector<AskedBook> books;
  for (const fs::path& file : question_files(sets)) {
    for (BookQuestion& row : read_book_questions(file)) add_question(books, std::move(row), file, folder);
  }
  EvalSet set;
  for (const AskedBook& book : books) {
    const BookQuestion& first = book.questions.front();
    std::error_code error;
    const bool there = !book.path.empty() && fs::exists(book.path, error);
    if (there) {
      append(set, ask(book, request));
    } else if (own && !first.book.empty()) {
      set.notes.push_back(cat("novel: ", first.book, " is left out with its ", book.questions.size(), " questions: ",
                              folder ? cat("it is not in ", folder->string()) : "no --data books=FOLDER was given"));
    } else if (book.path.empty()) {
      throw_user_error(first.place, ": is about ", first.book, ", which needs --data books=FOLDER; ", kWhereBooks);
    } else {
      throw_user_error(first.place, ": is about ", book.path.string(), ", and there is no such file");
    }
  }
  return set;
}

double score_novel(const EvalSample& sample, std::string_view answer) {
  if (!sample.details.contains("score")) return is_accepted(answer, sample.answers) ? 1.0 : 0.0;
  const std::string_view line = first_line(answer);
  double best = 0;
  for (const std::string& accepted : sample.answers) best = std::max(best, token_f1(line, accepted));
  return best;
}

}  // namespace

Task novel_task() {
  Task task;
  task.name = "novel";
  task.summary = "whole detective novels: who did it, why, what the clue was";
  task.data = cat("novel: ", kWhereSets, " (else those of tome); books: ", kWhereBooks);
  task.make = make_novel;
  task.score = score_novel;
  task.always_compare = true;
  return task;
}

}  // namespace tome::eval
