#include "data/question_set_files.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>
#include <span>
#include <unordered_map>

#include "base/error.h"
#include "data/json_array.h"
#include "eval/tasks/csv.h"
#include "formats/json.h"
#include "text/document.h"
#include "train/data_file.h"
#include "train/data_row.h"

namespace tome::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kLongest = std::uint64_t{64} << 20;
constexpr int kDeepest = 16;

std::string text_of(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) throw_user_error(where, ": has no text \"", key, '"');
  return found->get<std::string>();
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos; }

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
}

json object_of(std::string_view text, const std::string& where) {
  json value = parse_json(std::as_bytes(std::span(text.data(), text.size())), where, kDeepest);
  if (!value.is_object()) throw_user_error(where, ": got ", value.type_name(), ", expected an object");
  return value;
}

// One text of a set with its questions: a line, or an element of an array.
using ReadRow = BuiltRow (*)(std::string_view text, const std::string& where);

BuiltRow read_quality(std::string_view text, const std::string& where) {
  const json object = object_of(text, where);
  BuiltRow row{text_of(object, "article", where), {}, "QuALITY", "", text_of(object, "article_id", where), 0};
  if (const auto licence = object.find("license"); licence != object.end() && licence->is_string()) {
    row.licence = licence->get<std::string>();
  }
  const auto questions = object.find("questions");
  if (questions == object.end() || !questions->is_array()) throw_user_error(where, ": has no array \"questions\"");
  for (const json& asked : *questions) {
    if (!asked.is_object() || !asked.contains("gold_label")) continue;  // the test set's have none
    const json& gold = asked["gold_label"];
    const auto options = asked.find("options");
    const bool good = gold.is_number_unsigned() && options != asked.end() && options->is_array() &&
                      gold.get<std::uint64_t>() >= 1 && gold.get<std::uint64_t>() <= options->size();
    if (!good) throw_user_error(where, ": gold_label is the number of none of the options");
    std::string question = text_of(asked, "question", where), answer;
    for (std::size_t i = 0; i < options->size(); ++i) {
      if (!(*options)[i].is_string()) throw_user_error(where, ": an option is no text");
      const std::string option = cat('(', static_cast<char>('A' + i), ") ", trimmed((*options)[i].get<std::string>()));
      question += ' ' + option;
      if (i + 1 == gold.get<std::uint64_t>()) answer = option;
    }
    row.questions.push_back({question, answer, -1});
  }
  return row;
}

BuiltRow read_longbench(std::string_view text, const std::string& where) {
  const json object = object_of(text, where);
  BuiltRow row{text_of(object, "context", where), {}, "LongBench", "", "", 0};
  if (const auto set = object.find("dataset"); set != object.end() && set->is_string()) {
    row.source += '/' + set->get<std::string>();
  }
  const auto answers = object.find("answers");
  if (answers == object.end() || !answers->is_array()) throw_user_error(where, ": has no array \"answers\"");
  const std::string question = trimmed(text_of(object, "input", where));
  if (!question.empty() && !answers->empty() && answers->front().is_string()) {
    row.questions.push_back({question, trimmed(answers->front().get<std::string>()), -1});
  }
  std::erase_if(row.questions, [](const BuiltQuestion& one) { return one.answer.empty(); });
  return row;
}

// "Below is a paper. ... Now the paper ends. \nWhat does it show?"
BuiltRow read_longalpaca(std::string_view text, const std::string& where) {
  const json object = object_of(text, where);
  const std::string instruction = text_of(object, "instruction", where);
  BuiltRow row{"", {}, "LongAlpaca", "", "", 0};
  std::string question = instruction;
  if (const auto input = object.find("input"); input != object.end() && input->is_string()) row.document = *input;
  constexpr std::size_t kMark = 60;  // bytes of "Now the ... ends."
  const std::size_t begin = instruction.rfind("Now the ");
  const std::size_t end = begin == std::string::npos ? begin : instruction.find(" ends.", begin);
  if (is_blank(row.document) && end != std::string::npos && end - begin <= kMark) {
    row.document = trimmed(instruction.substr(0, begin));
    question = instruction.substr(end + std::string_view(" ends.").size());
  }
  const std::string answer = trimmed(text_of(object, "output", where));
  question = trimmed(question);
  if (!answer.empty() && !question.empty() && !is_blank(row.document)) row.questions.push_back({question, answer, -1});
  return row;
}

BuiltRow read_rows_line(std::string_view text, const std::string& where) {
  const DataRow row = parse_row(text, where);
  BuiltRow built{row.document, {}, row.marks.source, row.marks.licence, row.marks.document_id, 0};
  if (row.kind != DataRow::Kind::kQuestions) return built;
  for (const QuestionAnswer& pair : row.questions) built.questions.push_back({pair.question, pair.answer, -1});
  return built;
}

// Lines or elements, those of the same text together.
class TextFile : public QuestionFile {
 public:
  TextFile(fs::path path, ReadRow read_row) : path_(std::move(path)), read_(read_row) {
    if (first_byte(path_) == '[') {
      for (const LinePlace& place : array_elements(path_)) add(place, read_line(path_, place));
    } else {
      each_line(path_, kLongest, [&](const LinePlace& place, std::string_view line) {
        if (line.empty()) throw_user_error(name_of(place), ": is longer than ", kLongest >> 20, " MiB");
        add(place, line);
      });
    }
  }

  std::size_t documents() const override { return groups_.size(); }
  BuiltRow read(std::size_t document) const override {
    BuiltRow all;
    for (const LinePlace& place : groups_.at(document)) {
      BuiltRow row = read_(read_line(path_, place), name_of(place));
      if (all.document.empty()) {
        all = std::move(row);
      } else {
        for (BuiltQuestion& question : row.questions) all.questions.push_back(std::move(question));
      }
    }
    return all;
  }

 private:
  void add(const LinePlace& place, std::string_view text) {
    const BuiltRow row = read_(text, name_of(place));
    const std::uint64_t hash = XXH3_64bits(row.document.data(), row.document.size());
    const auto [found, first] = group_of_.try_emplace(hash, groups_.size());
    if (first) groups_.emplace_back();
    groups_[found->second].push_back(place);
  }
  std::string name_of(const LinePlace& place) const { return cat(path_.string(), ':', place.number); }

  fs::path path_;
  ReadRow read_;
  std::vector<std::vector<LinePlace>> groups_;
  std::unordered_map<std::uint64_t, std::size_t> group_of_;
};

class NarrativeQa : public QuestionFile {
 public:
  explicit NarrativeQa(const fs::path& folder) : folder_(folder) {
    std::unordered_map<std::string, std::size_t> place;
    eval::Csv(folder / "documents.csv", {"document_id", "kind"}).for_each([&](const eval::Csv::Row& row) {
      const std::string& id = row.values[0];  // becomes a file's name
      if (id.empty() || id.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
        throw_user_error(row.where, ": the document_id is no hexadecimal number");
      }
      if (place.try_emplace(id, documents_.size()).second) documents_.push_back({id, row.values[1], {}});
    });
    eval::Csv(folder / "qaps.csv", {"document_id", "question", "answer1"}).for_each([&](const eval::Csv::Row& row) {
      const auto found = place.find(row.values[0]);
      if (found == place.end() || is_blank(row.values[1]) || is_blank(row.values[2])) return;
      documents_[found->second].questions.push_back({trimmed(row.values[1]), trimmed(row.values[2]), -1});
    });
  }

  std::size_t documents() const override { return documents_.size(); }
  BuiltRow read(std::size_t document) const override {
    const Entry& entry = documents_.at(document);
    BuiltRow row{"", entry.questions, cat("NarrativeQA/", entry.kind), "", entry.id, 0};
    const fs::path path = folder_ / "tmp" / (entry.id + ".content");
    std::error_code error;
    if (fs::exists(path, error)) row.document = read_documents({path}).text;
    return row;
  }

 private:
  struct Entry {
    std::string id, kind;
    std::vector<BuiltQuestion> questions;
  };
  fs::path folder_;
  std::vector<Entry> documents_;
};

}  // namespace

std::unique_ptr<QuestionFile> open_question_file(std::string_view name, const fs::path& path) {
  if (name == "narrativeqa") return std::make_unique<NarrativeQa>(path);
  const ReadRow read = name == "quality"      ? read_quality
                       : name == "longbench"  ? read_longbench
                       : name == "longalpaca" ? read_longalpaca
                                              : read_rows_line;
  return std::make_unique<TextFile>(path, read);
}

}  // namespace tome::data
