// Who answers the samples of a run: a model here, one behind an API, a file of earlier answers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "eval/sample.h"

namespace tome::eval {

struct EvalAnswer {
  std::string text;           // as it came
  std::string finish_reason;  // "stop", "length"; "skipped": too long and --too-long skip; "missing": none in the file
  std::string error;          // not empty: no answer came, and why
  std::int64_t prompt_tokens =
      0;  // that were read or sent for it: a document's count for the first of its questions here
  std::int64_t answer_tokens = 0;
  std::int64_t cut_tokens = 0;  // left out of the document by --too-long cut
  double seconds = 0;           // for this answer; the reading of its document counts for the first one
  double cost = 0;              // by the price file
};

/// What an answerer says as it goes on: for a progress line.
struct AnswerProgress {
  std::size_t samples_done = 0, samples = 0;
  double part = 0;    // of the document being read, 0..1
  double tokens = 0;  // of it
};

class Answerer {
 public:
  virtual ~Answerer() = default;

  /// Answers samples[i] for each i of `wanted`, in any order; on_answer is called for one at a time, from any thread.
  /// Returns early when `stop` becomes true. Throws UserError when no further answer can come.
  virtual void answer(const EvalSet& set, std::span<const std::size_t> wanted,
                      const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
                      const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) = 0;

  /// What decides its answers, for results.json: name, hashes of model and adapter, RoPE setting, template, URL.
  /// A run goes on only with an answerer of the same description.
  virtual nlohmann::json description() const = 0;
};

}  // namespace tome::eval
