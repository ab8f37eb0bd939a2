// A file of earlier answers instead of a model.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "eval/answerer.h"
#include "eval/answerers/longeval_responses.h"

namespace tome::eval {

/// JSONL, one {"id": ..., "answer": ...} a line ("text" and "prediction" are taken for "answer"); ids are those of the
/// run's samples. Or a response file of LongEval, whose answers belong to the samples one by one, in their order.
/// Throws UserError with file and line for anything else, and for an id that comes twice.
class AnswersFile : public Answerer {
 public:
  explicit AnswersFile(const std::filesystem::path& path);

  /// Samples without an answer in the file get finish_reason "missing". Throws UserError for LongEval's answers to
  /// other samples: more or fewer, or with other numbers expected.
  void answer(const EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
              const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) override;
  nlohmann::json description() const override { return description_; }

 private:
  void read_lines(std::ifstream& file, const std::filesystem::path& path);

  std::map<std::string, std::string> answers_;
  std::vector<LongEvalResponse> in_order_;
  nlohmann::json description_;
};

}  // namespace tome::eval
