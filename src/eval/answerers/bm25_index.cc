#include "eval/answerers/bm25_index.h"

#include <sqlite3.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

constexpr std::size_t kMostWords = 2000;  // of a question, which may hold a whole dialogue

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

void check(sqlite3* database, bool good) { TOME_CHECK(good, "SQLite: ", sqlite3_errmsg(database)); }

Statement prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  check(database, sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK);
  return Statement(statement);
}

void run(sqlite3* database, const char* sql) {
  check(database, sqlite3_step(prepare(database, sql).get()) == SQLITE_DONE);
}

void bind_text(sqlite3* database, const Statement& statement, int parameter, const std::string& text) {
  check(database, sqlite3_bind_text64(statement.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                                      SQLITE_UTF8) == SQLITE_OK);
}

bool is_ideograph(char32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
  return (c >= 0x80 && c <= 0xA0) || (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) ||
         (c >= 0xFF00 && c <= 0xFF0F) || c == 0xFFFD;
}

/// Letters and digits, in words with one space between; what FTS5's own tokenizer would not see as one.
std::string words_of(std::string_view text) {
  std::string words;
  const auto space = [&] {
    if (!words.empty() && words.back() != ' ') words += ' ';
  };
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    at += c.bytes;
    if (is_punctuation(c.code)) {
      space();
      continue;
    }
    if (is_ideograph(c.code)) space();
    append_utf8(words, c.code);
    if (is_ideograph(c.code)) space();
  }
  return words;
}

/// An FTS5 query for any of the words. Each stands in quotes and holds none, so that no word is an operator.
std::string any_of(const std::string& words) {
  std::set<std::string_view> seen;
  std::string query;
  for (std::size_t begin = 0; begin < words.size() && seen.size() < kMostWords;) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const auto word = std::string_view(words).substr(begin, end - begin);
    if (!word.empty() && seen.insert(word).second) query += cat(query.empty() ? "\"" : " OR \"", word, "\"");
    begin = end + 1;
  }
  return query;
}

}  // namespace

void Bm25Index::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

Bm25Index::Bm25Index(const std::vector<std::string_view>& passages) : passages_(passages.size()) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  database_.reset(opened);
  check(opened, result == SQLITE_OK);
  run(opened,
      "CREATE VIRTUAL TABLE passages USING fts5(text, content='', tokenize='porter unicode61 remove_diacritics 2')");
  run(opened, "BEGIN");
  const Statement insert = prepare(opened, "INSERT INTO passages(rowid, text) VALUES (?1, ?2)");
  for (std::size_t i = 0; i < passages.size(); ++i) {
    check(opened, sqlite3_bind_int64(insert.get(), 1, static_cast<sqlite3_int64>(i)) == SQLITE_OK);
    bind_text(opened, insert, 2, words_of(passages[i]));
    check(opened, sqlite3_step(insert.get()) == SQLITE_DONE && sqlite3_reset(insert.get()) == SQLITE_OK);
  }
  run(opened, "COMMIT");
}

std::vector<std::vector<std::size_t>> Bm25Index::best(const std::vector<std::string>& questions, std::size_t count) {
  std::vector<std::vector<std::size_t>> result;
  result.reserve(questions.size());
  for (const std::string& question : questions) result.push_back(best_for(question, std::min(count, passages_)));
  return result;
}

std::vector<std::size_t> Bm25Index::best_for(const std::string& question, std::size_t count) {
  std::vector<std::size_t> chosen;
  std::vector<bool> taken(passages_);
  const auto take = [&](std::size_t passage) {
    TOME_CHECK(passage < passages_);
    if (chosen.size() < count && !taken[passage]) chosen.push_back(passage);
    taken[passage] = true;
  };
  if (const std::string query = any_of(words_of(question)); !query.empty()) {
    const Statement select = prepare(
        database_.get(), "SELECT rowid FROM passages WHERE passages MATCH ?1 ORDER BY bm25(passages), rowid LIMIT ?2");
    bind_text(database_.get(), select, 1, query);
    sqlite3_bind_int64(select.get(), 2, static_cast<sqlite3_int64>(count));
    int step = sqlite3_step(select.get());
    for (; step == SQLITE_ROW; step = sqlite3_step(select.get())) {
      take(static_cast<std::size_t>(sqlite3_column_int64(select.get(), 0)));
    }
    check(database_.get(), step == SQLITE_DONE);
  }
  for (std::size_t passage = 0; passage < passages_ && chosen.size() < count; ++passage) take(passage);
  return chosen;
}

std::unique_ptr<PassageIndex> Bm25Retriever::index(const std::vector<std::string_view>& passages) {
  return std::make_unique<Bm25Index>(passages);
}

nlohmann::json Bm25Retriever::description() const {
  return {{"retrieve", "bm25"}, {"tokenizer", "porter unicode61"}, {"k1", 1.2}, {"b", 0.75}};
}

}  // namespace tome::eval
