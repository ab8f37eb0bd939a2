#include "eval/tasks/ruler_qa.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "eval/choices.h"
#include "eval/tasks/json_rows.h"
#include "formats/json.h"

namespace tome::eval {
namespace {

using Json = nlohmann::json;

struct Question {
  std::string text;
  std::vector<std::string> answers;
  std::vector<std::size_t> needed, near;  // passages: with the answer; of the same article
};

struct Passages {
  std::vector<std::string> texts;
  std::vector<Question> questions;
  std::map<std::string, std::size_t, std::less<>> indices;

  std::size_t index(const std::string& text) {
    const auto [entry, is_new] = indices.try_emplace(text, texts.size());
    if (is_new) texts.push_back(text);
    return entry->second;
  }
};

// A part of the file as a row of its own, so that its fields are checked alike.
JsonRow inner(const JsonRow& row, const Json& value) {
  if (!value.is_object()) throw_user_error(row.where, ": expected JSON objects all the way down");
  return {value, row.where};
}

const Json& list(const JsonRow& row, std::string_view key) {
  const Json& value = row.field(key);
  if (!value.is_array()) row.refuse(key, "expected a list");
  return value;
}

void add_squad_questions(const JsonRow& paragraph, std::size_t passage, const std::vector<std::size_t>& article,
                         Passages& passages) {
  for (const Json& entry : list(paragraph, "qas")) {
    const JsonRow row = inner(paragraph, entry);
    if (row.field("is_impossible") == Json(true)) continue;
    Question question{row.text("question"), {}, {passage}, {}};
    for (const Json& answer : list(row, "answers")) question.answers.push_back(inner(row, answer).text("text"));
    if (question.answers.empty()) row.refuse("answers", "expected at least one");
    std::copy_if(article.begin(), article.end(), std::back_inserter(question.near),
                 [&](std::size_t other) { return other != passage; });
    passages.questions.push_back(std::move(question));
  }
}

Passages read_squad(const std::filesystem::path& path) {
  const MappedFile file(path);
  const JsonRow whole = inner({nullptr, path.string()}, parse_json(file.bytes(), path.string(), 16));
  Passages passages;
  for (const Json& entry : list(whole, "data")) {
    const JsonRow article = inner(whole, entry);
    std::vector<std::size_t> indices;
    for (const Json& paragraph : list(article, "paragraphs")) {
      indices.push_back(passages.index(inner(whole, paragraph).text("context")));
    }
    std::size_t number = 0;
    for (const Json& paragraph : list(article, "paragraphs")) {
      add_squad_questions(inner(whole, paragraph), indices[number++], indices, passages);
    }
  }
  return passages;
}

Passages read_hotpotqa(const std::filesystem::path& path) {
  const JsonRows rows(path);
  Passages passages;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JsonRow row = rows.row(i);
    Question question{row.text("question"), {row.text("answer")}, {}, {}};
    for (const Json& entry : list(row, "context")) {
      const bool is_pair = entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_array();
      if (!is_pair) row.refuse("context", "expected pairs of a title and its sentences");
      std::string passage = entry[0].get<std::string>() + "\n";
      for (const Json& sentence : entry[1]) {
        if (!sentence.is_string()) row.refuse("context", "expected sentences");
        passage += sentence.get<std::string>();
      }
      question.needed.push_back(passages.index(passage));
    }
    passages.questions.push_back(std::move(question));
  }
  return passages;
}

std::string numbered(std::size_t number, const std::string& passage) {
  return cat(number > 1 ? "\n\n" : "", "Document ", number, ":\n", passage);
}

std::string joined(const Passages& passages, const std::vector<std::size_t>& chosen) {
  std::string text;
  for (std::size_t i = 0; i < chosen.size(); ++i) text += numbered(i + 1, passages.texts[chosen[i]]);
  return text;
}

// What is needed first, then passages of the same article, then others; once through, they come again.
std::vector<std::size_t> wish_list(const Question& question, std::size_t all, Choices& choices) {
  std::vector<std::size_t> wishes = question.needed, near = question.near;
  choices.shuffle(near);
  wishes.insert(wishes.end(), near.begin(), near.end());
  std::vector<bool> taken(all);
  for (const std::size_t passage : wishes) taken[passage] = true;
  for (const std::size_t passage : choices.several(all, all)) {
    if (!taken[passage]) wishes.push_back(passage);
  }
  return wishes;
}

std::string document_of(const TaskRequest& request, const Passages& passages, const Question& question,
                        std::int64_t room, Choices& choices) {
  const std::vector<std::size_t> wishes = wish_list(question, passages.texts.size(), choices);
  std::vector<std::size_t> chosen;
  for (std::int64_t used = 0;;) {
    const std::size_t next = wishes[chosen.size() % wishes.size()];
    used += request.count_tokens(numbered(chosen.size() + 2, passages.texts[next]));
    if (used > room) break;
    chosen.push_back(next);
  }
  for (;;) {
    if (chosen.size() < question.needed.size()) {
      throw_user_error("ruler: the passages that a question needs have more than ", room,
                       " tokens; ask for a larger --lengths");
    }
    std::vector<std::size_t> order = chosen;
    choices.shuffle(order);
    std::string text = joined(passages, order);
    if (request.count_tokens(text) <= room) return text;
    chosen.pop_back();
  }
}

Passages read_passages(const TaskRequest& request, bool squad) {
  const std::filesystem::path path =
      squad ? need_data(request, "ruler", "squad", "dev-v2.0.json of rajpurkar.github.io/SQuAD-explorer", "squad.json")
            : need_data(request, "ruler", "hotpotqa", "hotpot_dev_distractor_v1.json of hotpotqa.github.io",
                        "hotpotqa.json");
  Passages passages = squad ? read_squad(path) : read_hotpotqa(path);
  if (passages.questions.empty() || passages.texts.empty()) {
    throw_user_error(path.string(), ": has no question that can be answered");
  }
  return passages;
}

}  // namespace

EvalSet make_ruler_qa(const TaskRequest& request, std::string_view part, std::int64_t length, std::int64_t samples) {
  TOME_CHECK(part == "qa-1" || part == "qa-2", part);
  const Passages passages = read_passages(request, part == "qa-1");
  Choices choices(request.seed, cat("ruler-", part));
  const std::size_t all = passages.questions.size();
  const std::vector<std::size_t> order = choices.several(all, all);
  EvalSet set;
  for (std::size_t i = 0; i < std::min(all, static_cast<std::size_t>(samples)); ++i) {
    const Question& question = passages.questions[order[i]];
    EvalSample sample;
    sample.id = cat("ruler-", part, "-", length, "-", i + 1);
    sample.task = cat("ruler/", part);
    sample.length = length;
    sample.document = i;
    sample.question = cat("Answer from the documents above, with nothing but the answer.\nQuestion: ", question.text);
    sample.answer_prefix = "Answer:";
    sample.answers = question.answers;
    sample.answer_tokens = 32;
    sample.one_line = false;
    Choices own(request.seed, sample.id);
    const std::int64_t room =
        length - sample.answer_tokens - request.count_tokens(sample.question + sample.answer_prefix);
    set.documents.push_back({document_of(request, passages, question, room, own)});
    set.samples.push_back(std::move(sample));
  }
  return set;
}

}  // namespace tome::eval
