// A model on this machine: reads each document once and answers all its questions greedily.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "eval/answerer.h"
#include "read/session.h"
#include "text/layout.h"

namespace tome::eval {

class LocalAnswerer : public Answerer {
 public:
  struct Options {
    SessionOptions session;          // the store is ours; numbers, adapter and chunk as the caller wants them
    std::filesystem::path folder;    // for the reading that is going on: an interrupted one goes on from there
    const Layout* layout = nullptr;  // how document and question are put
    nlohmann::json description;
  };

  /// Borrows all of it.
  LocalAnswerer(const Model& model, const Tokenizer& tokenizer, Threads& threads, Options options);

  /// Tokens that the layout puts around document and question, with some to spare.
  std::int64_t frame_tokens() const;

  /// Throws UserError when a sample does not fit the window (fit_samples comes before).
  void answer(const EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
              const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) override;
  nlohmann::json description() const override { return options_.description; }

 private:
  std::vector<TokenId> prompt(const EvalSample& sample) const;
  EvalAnswer ask(Session& session, const EvalSample& sample, std::int64_t document_tokens,
                 const std::atomic<bool>& stop) const;

  const Model& model_;
  const Tokenizer& tokenizer_;
  Threads& threads_;
  Options options_;
};

}  // namespace tome::eval
