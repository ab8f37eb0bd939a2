#include "eval/answerers/answers_file.h"

#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <span>

#include "base/error.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

constexpr int kDeepest = 16;

std::string text_of(const nlohmann::json& row, const std::string& where) {
  for (const char* key : {"answer", "text", "prediction"}) {
    const auto found = row.find(key);
    if (found != row.end() && found->is_string()) return found->get<std::string>();
  }
  throw_user_error(where, ": expected a text under \"answer\" (or \"text\", \"prediction\")");
}

}  // namespace

AnswersFile::AnswersFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string begin(6, '\0');
  if (!file)
    throw_user_error("--answers ", path.string(), ": cannot be read; give a JSONL file of {\"id\", \"answer\"}");
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  file.clear();
  file.seekg(0);
  if (begin == "Label:") {
    in_order_ = read_longeval_responses(path).responses;
  } else {
    read_lines(file, path);
  }
  XXH64_hash_t hash = 0;
  const auto add = [&](const std::string& text) { hash = XXH3_64bits_withSeed(text.data(), text.size(), hash); };
  for (const auto& [id, answer] : answers_) add(cat(id, '\n', answer));
  for (const LongEvalResponse& response : in_order_) add(response.prediction);
  const std::filesystem::path folder = path.parent_path().filename();
  const std::string name = folder.empty() ? path.stem().string() : cat(folder.string(), "/", path.stem().string());
  description_ = {{"name", name}, {"kind", "answers file"}, {"hash", cat(hash)}};
}

void AnswersFile::read_lines(std::ifstream& file, const std::filesystem::path& path) {
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string where = cat(path.string(), ":", ++number);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const nlohmann::json row = parse_json(std::as_bytes(std::span(line)), where, kDeepest);
    if (!row.is_object() || !row.contains("id") || !row["id"].is_string()) {
      throw_user_error(where, ": expected a text under \"id\"");
    }
    const auto id = row["id"].get<std::string>();
    if (!answers_.emplace(id, text_of(row, where)).second) {
      throw_user_error(where, ": the id ", in_quotes(id), " came before; keep one answer of it");
    }
  }
  if (answers_.empty()) throw_user_error("--answers ", path.string(), ": holds no answers");
}

void AnswersFile::answer(const EvalSet& set, std::span<const std::size_t> wanted,
                         const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
                         const std::function<void(const AnswerProgress&)>& /*progress*/,
                         const std::atomic<bool>& stop) {
  if (!in_order_.empty() && in_order_.size() != set.samples.size()) {
    throw_user_error("--answers: holds ", in_order_.size(), " answers in order, the run has ", set.samples.size(),
                     " samples; give the file that was asked (--data lines=FILE) and all of it (--samples)");
  }
  const auto answered = [&](const EvalSample& sample) { return answers_.contains(sample.id); };
  if (in_order_.empty() && std::none_of(set.samples.begin(), set.samples.end(), answered)) {
    throw_user_error("--answers: none of its ids is one of the run's ", set.samples.size(), " samples; it has ",
                     in_quotes(answers_.begin()->first), ", the run ", in_quotes(set.samples.front().id),
                     "; give --samples-from the run that was answered");
  }
  for (const std::size_t index : wanted) {
    if (stop) return;
    const EvalSample& sample = set.samples[index];
    const auto found = answers_.find(sample.id);
    EvalAnswer answer;
    answer.finish_reason = "stop";
    if (!in_order_.empty()) {
      if (in_order_[index].label != sample.answers.front()) {
        throw_user_error("--answers: answer ", index + 1, " is to a question whose answer is ",
                         in_quotes(in_order_[index].label), ", the run's is ", in_quotes(sample.answers.front()),
                         "; give the file that was asked (--data lines=FILE)");
      }
      answer.text = in_order_[index].prediction;
    } else if (found != answers_.end()) {
      answer.text = found->second;
    } else {
      answer.finish_reason = "missing";
    }
    on_answer(index, answer);
  }
}

}  // namespace tome::eval
