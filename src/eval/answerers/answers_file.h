// A file of earlier answers instead of a model.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "eval/answerer.h"

namespace tome::eval {

/// JSONL, one {"id": ..., "answer": ...} a line ("text" and "prediction" are taken for "answer"); ids are those of the
/// run's samples. Throws UserError with file and line for anything else, and for an id that comes twice.
class AnswersFile : public Answerer {
 public:
  explicit AnswersFile(const std::filesystem::path& path);

  /// Samples without an answer in the file get finish_reason "missing".
  void answer(const EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
              const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) override;
  nlohmann::json description() const override { return description_; }

 private:
  std::map<std::string, std::string> answers_;
  nlohmann::json description_;
};

}  // namespace tome::eval
