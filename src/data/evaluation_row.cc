#include "data/evaluation_row.h"

#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "formats/json.h"

namespace tome::data {
namespace {

using nlohmann::json;

constexpr int kDeepest = 16;

std::string text_of(const json& row, const char* key, const std::string& name) {
  const json& value = row.at(key);
  if (!value.is_string()) throw_user_error(name, ": ", key, ": got ", value.type_name(), ", expected a text");
  return value.get<std::string>();
}

DataRow with_answers(const json& row, const std::string& document, const std::string& question,
                     const std::string& name) {
  const json& answers = row.at("answers");
  if (!answers.is_array() || answers.empty()) throw_user_error(name, ": answers: expected a list with an answer");
  DataRow out{DataRow::Kind::kQuestions, document, {}, DataShape::kQuestions};
  for (const json& answer : answers) {
    if (!answer.is_string()) throw_user_error(name, ": answers: got ", answer.type_name(), ", expected texts");
    out.questions.push_back({question, answer.get<std::string>()});
  }
  for (const char* key : {"document_id", "book", "text"}) {
    const auto found = row.find(key);
    if (found == row.end() || !found->is_string()) continue;
    out.marks.document_id = found->get<std::string>();
    break;
  }
  return out;
}

}  // namespace

DataRow parse_evaluation_row(std::string_view line, const std::string& name) {
  const json row = parse_json(std::as_bytes(std::span(line.data(), line.size())), name, kDeepest);
  const auto has = [&](const char* key) { return row.is_object() && row.contains(key); };
  if (has("answers") && has("context") && has("input")) {
    return with_answers(row, text_of(row, "context", name), text_of(row, "input", name), name);
  }
  if (has("answers") && has("question") && !has("document")) {
    return with_answers(row, {}, text_of(row, "question", name), name);
  }
  return parse_row(line, name);
}

}  // namespace tome::data
