#include "train/data_row.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "formats/json.h"
#include "formats/printable.h"
#include "text/encoding.h"
#include "text/utf8.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;
constexpr const char* kBlank = " \t\n\v\f\r";
constexpr const char* kShapes =
    "{document, question, answer}, {document, questions: [{question, answer}]}, {messages: [{role, content}]}, "
    "{conversations: [{from, value}]}, {instruction, input, output} or {text}";

/// A JSON value with its place, for messages: "qa.jsonl:17: questions[2].answer".
struct Field {
  const json& value;
  std::string where;

  [[noreturn]] void refuse(std::string_view expected) const {
    throw_user_error(where, ": got ", value.type_name(), ", expected ", expected);
  }
  Field at(const char* key) const {
    if (!value.is_object()) refuse("an object");
    const auto found = value.find(key);
    const std::string inner = cat(where, where.ends_with(']') ? "." : ": ", key);
    if (found == value.end()) throw_user_error(inner, ": is missing");
    return {*found, inner};
  }
  std::vector<Field> items() const {
    if (!value.is_array()) refuse("an array");
    if (value.empty()) throw_user_error(where, ": is empty");
    std::vector<Field> fields;
    for (const json& item : value) fields.push_back({item, cat(where, '[', fields.size(), ']')});
    return fields;
  }
  /// May be empty.
  std::string any_text() const {
    if (!value.is_string()) refuse("a string");
    const auto& raw = value.get_ref<const std::string&>();
    if (raw.find('\0') != std::string::npos) throw_user_error(where, ": has a NUL character");
    // Most texts have nothing to decode.
    const bool has_escapes = raw.find('\r') != std::string::npos || raw.find('\x1B') != std::string::npos;
    return has_escapes || raw.starts_with("\xEF\xBB\xBF") ? decode_text(raw).text : raw;
  }
  std::string text() const {
    std::string out = any_text();
    if (out.find_first_not_of(kBlank) == std::string::npos) throw_user_error(where, ": is empty");
    return out;
  }
  std::string answer() const {
    const std::string all = whole_answer();
    const std::size_t begin = all.find_first_not_of(kBlank);
    return all.substr(begin, all.find_last_not_of(kBlank) + 1 - begin);
  }
  /// With white space at its ends.
  std::string whole_answer() const {
    std::string out = any_text();
    if (out.find_first_not_of(kBlank) == std::string::npos) throw EmptyAnswer(cat(where, ": is empty"));
    return out;
  }
};

enum class Role { kSystem, kUser, kAssistant };

Role parse_role(const Field& field) {
  const std::string name = field.any_text();
  constexpr std::array<std::string_view, 2> kUsers = {"user", "human"};
  constexpr std::array<std::string_view, 3> kAssistants = {"assistant", "gpt", "model"};
  if (name == "system") return Role::kSystem;
  if (std::find(kUsers.begin(), kUsers.end(), name) != kUsers.end()) return Role::kUser;
  if (std::find(kAssistants.begin(), kAssistants.end(), name) != kAssistants.end()) return Role::kAssistant;
  throw_user_error(field.where, ": got ", in_quotes(name), ", expected system, user (human) or assistant (gpt)");
}

DataRow parse_chat(const Field& turns, const char* role_key, const char* text_key) {
  DataRow row{DataRow::Kind::kChat, {}, {}};
  bool asked = false;  // the last turn is a question
  for (const Field& turn : turns.items()) {
    const Role role = parse_role(turn.at(role_key));
    const Field content = turn.at(text_key);
    const bool first = row.document.empty() && row.questions.empty();
    if (role == Role::kSystem && first) {
      row.document = content.text();
    } else if (role == Role::kUser && !asked) {
      row.questions.push_back({content.text(), {}});
      asked = true;
    } else if (role == Role::kAssistant && asked) {
      row.questions.back().answer = content.whole_answer();
      asked = false;
    } else {
      throw_user_error(turn.where, ": is out of turn, expected one system message at most, then user and assistant ",
                       "one after the other");
    }
  }
  if (asked) row.questions.pop_back();  // nothing answers it
  if (row.questions.empty()) throw_user_error(turns.where, ": has no assistant turn, so there is no target");
  return row;
}

DataRow parse_questions(const Field& row) {
  DataRow out{DataRow::Kind::kQuestions, row.at("document").text(), {}};
  if (!row.value.contains("questions")) {
    out.questions.push_back({row.at("question").text(), row.at("answer").answer()});
    return out;
  }
  for (const Field& item : row.at("questions").items()) {
    out.questions.push_back({item.at("question").text(), item.at("answer").answer()});
  }
  return out;
}

DataRow parse_alpaca(const Field& row) {
  const QuestionAnswer exchange{row.at("instruction").text(), row.at("output").answer()};
  const std::string input = row.value.contains("input") ? row.at("input").any_text() : std::string();
  const bool blank = input.find_first_not_of(kBlank) == std::string::npos;
  if (blank) return {DataRow::Kind::kChat, {}, {exchange}};
  return {DataRow::Kind::kQuestions, input, {exchange}};
}

std::string known_keys(const json& row) {
  std::string names;
  std::size_t count = 0;
  for (const auto& [key, value] : row.items()) {
    if (++count <= 6) names += cat(names.empty() ? "" : ", ", in_quotes(key));
  }
  return cat(names.empty() ? "no keys" : "the keys ", names, count > 6 ? ", ..." : "");
}

std::string mark(const json& row, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = row.find(key);
    if (found == row.end()) continue;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return found->dump();
  }
  return {};
}

RowMarks marks_of(const json& row) {
  const auto extractive = row.find("extractive");
  return {mark(row, {"source"}), mark(row, {"licence", "license"}),
          mark(row, {"document_id", "book_id", "story_id", "article_id", "book"}),
          extractive != row.end() && *extractive == true};
}

// {text} counts only when nothing else fits: Alpaca's files carry a rendered `text` beside their fields.
DataRow parse_shape(const Field& row) {
  const auto has = [&](const char* key) { return row.value.contains(key); };
  const bool questions = has("document") && (has("question") || has("questions"));
  const bool both = has("question") && has("questions");
  const bool alpaca = has("instruction") && has("output");
  const int shapes =
      (questions ? 1 : 0) + (has("messages") ? 1 : 0) + (has("conversations") ? 1 : 0) + (alpaca ? 1 : 0);
  if (shapes > 1 || (questions && both)) {
    throw_user_error(row.where, ": is of two shapes at once, got ", known_keys(row.value), "; expected one of ",
                     kShapes);
  }
  if (has("document") && !questions && shapes == 1) {
    throw_user_error(row.where, ": has a document that its shape leaves out, got ", known_keys(row.value),
                     "; expected {document, question, answer}, or the document inside the conversation");
  }
  const auto as = [](DataShape shape, DataRow out) {
    out.shape = shape;
    return out;
  };
  if (questions) return as(has("question") ? DataShape::kQuestion : DataShape::kQuestions, parse_questions(row));
  if (has("messages")) return as(DataShape::kMessages, parse_chat(row.at("messages"), "role", "content"));
  if (has("conversations")) return as(DataShape::kConversations, parse_chat(row.at("conversations"), "from", "value"));
  if (alpaca) return as(DataShape::kAlpaca, parse_alpaca(row));
  if (has("text")) return {DataRow::Kind::kText, row.at("text").text(), {}, DataShape::kText};
  throw_user_error(row.where, ": is of no known shape, got ", known_keys(row.value), "; expected ", kShapes);
}

}  // namespace

const char* to_string(DataShape shape) {
  constexpr std::array<const char*, kDataShapes> kNames = {"question",      "questions", "messages",
                                                           "conversations", "alpaca",    "text"};
  return kNames[static_cast<std::size_t>(shape)];
}

DataRow parse_row(std::string_view line, const std::string& name) {
  const std::size_t bad = find_invalid_utf8(line);
  if (bad < line.size()) throw_user_error(name, ": not UTF-8, the mistake is at byte ", bad + 1);
  const std::size_t nul = line.find('\0');
  if (nul != std::string_view::npos) throw_user_error(name, ": has a NUL byte at byte ", nul + 1);
  const json value = parse_json(std::as_bytes(std::span(line.data(), line.size())), name, kDeepest);
  const Field row{value, name};
  if (!value.is_object()) row.refuse("an object");
  DataRow out = parse_shape(row);
  out.marks = marks_of(value);
  return out;
}

}  // namespace tome
