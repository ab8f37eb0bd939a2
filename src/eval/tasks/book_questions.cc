#include "eval/tasks/book_questions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "eval/scorers/accepted_answer.h"
#include "formats/json.h"
#include "formats/printable.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kDeepest = 8;
constexpr std::string_view kBom = "\xEF\xBB\xBF";

std::string checked_text(const json& value, const std::string& where) {
  if (!value.is_string()) throw_user_error(where, ": got ", value.type_name(), ", expected a string");
  const auto& text = value.get_ref<const std::string&>();
  if (fold_answer(text).empty()) throw_user_error(where, ": is empty");
  if (text.find('\0') != std::string::npos) throw_user_error(where, ": has a NUL character");
  return text;
}

/// Empty when the row has no such field.
std::string optional_text(const json& row, const char* name, const std::string& place) {
  const auto found = row.find(name);
  return found == row.end() ? std::string() : checked_text(*found, cat(place, ": ", name));
}

std::string needed_text(const json& row, const char* name, const std::string& place) {
  if (!row.contains(name)) throw_user_error(place, ": ", name, " is missing");
  return optional_text(row, name, place);
}

std::vector<std::string> parse_answers(const json& row, const std::string& place) {
  const auto found = row.find("answers");
  if (found == row.end()) throw_user_error(place, ": answers is missing");
  if (!found->is_array() || found->empty()) {
    throw_user_error(place, ": answers: got ", found->is_array() ? "an empty array" : found->type_name(),
                     ", expected an array of strings");
  }
  std::vector<std::string> answers;
  for (const json& item : *found) answers.push_back(checked_text(item, cat(place, ": answers[", answers.size(), "]")));
  return answers;
}

std::optional<std::int64_t> parse_offset(const json& row, const char* name, const std::string& place) {
  const auto found = row.find(name);
  if (found == row.end()) return std::nullopt;
  const auto* offset = found->get_ptr<const json::number_unsigned_t*>();
  if (offset == nullptr || *offset > (std::uint64_t{1} << 62)) {
    throw_user_error(place, ": ", name, ": got ", found->is_number() ? found->dump() : found->type_name(),
                     ", expected a byte offset");
  }
  return static_cast<std::int64_t>(*offset);
}

std::optional<Excerpt> parse_excerpt(const json& row, const std::string& place) {
  const auto begin = parse_offset(row, "begin", place), end = parse_offset(row, "end", place);
  if (!begin && !end) return std::nullopt;
  if (!begin || !end || *begin >= *end) {
    throw_user_error(place, ": begin and end: expected both, the end behind the begin, or neither");
  }
  return Excerpt{static_cast<std::size_t>(*begin), static_cast<std::size_t>(*end)};
}

bool has_control(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void check_book(const BookQuestion& row) {
  if (row.book.empty() == row.text.empty()) {
    throw_user_error(row.place, ": expected either book (a file in the folder of books) or text (a path from here)");
  }
  const fs::path book = row.book, text = row.text;
  if (has_control(row.book) || book.has_parent_path() || book == "." || book == "..") {
    throw_user_error(row.place, ": book: got ", in_quotes(row.book), ", expected a file's name without folders");
  }
  if (has_control(row.text) || text.is_absolute() || std::find(text.begin(), text.end(), "..") != text.end()) {
    throw_user_error(row.place, ": text: got ", in_quotes(row.text),
                     ", expected a path inside the folder of this file");
  }
  const bool digest = row.sha256.size() == 64 && row.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!row.sha256.empty() && !digest) {
    throw_user_error(row.place, ": sha256: got ", in_quotes(row.sha256), ", expected 64 lower-case hexadecimal digits");
  }
}

BookQuestion parse_question(std::string_view line, const std::string& place) {
  const std::size_t bad = find_invalid_utf8(line);
  if (bad < line.size()) throw_user_error(place, ": not UTF-8, the mistake is at byte ", bad + 1);
  const json row = parse_json(std::as_bytes(std::span(line.data(), line.size())), place, kDeepest);
  if (!row.is_object()) throw_user_error(place, ": got ", row.type_name(), ", expected an object");
  BookQuestion out;
  out.place = place;
  out.book = optional_text(row, "book", place);
  out.text = optional_text(row, "text", place);
  out.sha256 = optional_text(row, "sha256", place);
  check_book(out);
  out.excerpt = parse_excerpt(row, place);
  out.question = needed_text(row, "question", place);
  out.answers = parse_answers(row, place);
  out.where = parse_offset(row, "where", place);
  out.kind = optional_text(row, "kind", place);
  return out;
}

}  // namespace

std::vector<BookQuestion> read_book_questions(const fs::path& path) {
  const MappedFile file(path);
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (rest.starts_with(kBom)) rest.remove_prefix(kBom.size());
  std::vector<BookQuestion> rows;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.find_first_not_of(" \t\r\v\f") != std::string_view::npos) {
      rows.push_back(parse_question(line, cat(path.string(), ":", number)));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (rows.empty()) throw_user_error(path.string(), ": holds no questions; expected JSON Lines, one question a row");
  return rows;
}

}  // namespace tome::eval
