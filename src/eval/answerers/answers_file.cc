#include "eval/answerers/answers_file.h"

#include <xxhash.h>

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
  if (!file)
    throw_user_error("--answers ", path.string(), ": cannot be read; give a JSONL file of {\"id\", \"answer\"}");
  std::size_t number = 0;
  XXH64_hash_t hash = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string where = cat(path.string(), ":", ++number);
    hash = XXH3_64bits_withSeed(line.data(), line.size(), hash);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const nlohmann::json row = parse_json(std::as_bytes(std::span(line)), where, kDeepest);
    const auto id = row.is_object() ? row.find("id") : row.end();
    if (!row.is_object() || id == row.end() || !id->is_string())
      throw_user_error(where, ": expected a text under \"id\"");
    if (!answers_.emplace(id->get<std::string>(), text_of(row, where)).second) {
      throw_user_error(where, ": the id ", in_quotes(id->get<std::string>()), " came before; keep one answer of it");
    }
  }
  if (answers_.empty()) throw_user_error("--answers ", path.string(), ": holds no answers");
  description_ = {{"name", path.stem().string()}, {"kind", "answers file"}, {"hash", cat(hash)}};
}

void AnswersFile::answer(const EvalSet& set, std::span<const std::size_t> wanted,
                         const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
                         const std::function<void(const AnswerProgress&)>& /*progress*/,
                         const std::atomic<bool>& stop) {
  for (const std::size_t index : wanted) {
    if (stop) return;
    const auto found = answers_.find(set.samples[index].id);
    EvalAnswer answer;
    answer.finish_reason = found == answers_.end() ? "missing" : "stop";
    if (found != answers_.end()) answer.text = found->second;
    on_answer(index, answer);
  }
}

}  // namespace tome::eval
