// Who answers questions, from the flags: a model here, a model service, a file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/common.h"
#include "cli/eval_flags.h"
#include "cli/eval_views.h"
#include "eval/answerer.h"
#include "eval/answerers/api_answerer.h"
#include "eval/run_folder.h"

namespace tome::cli {

/// The answerer with what it needs.
class EvalAnswerer {
 public:
  /// `folder`: for a reading that is going on and a service's raw answers. `spent`: dollars of earlier parts of the
  /// run, which count against --cost-limit. Opens the model, or the tokenizer alone when somebody else answers. Throws
  /// UserError.
  EvalAnswerer(const AnswererFlags& flags, const std::filesystem::path& folder, std::function<double()> spent = {});

  eval::Answerer& answerer() { return *answerer_; }
  /// The model on this machine that answers; null: somebody else does.
  const OpenModel* local() const { return open_ ? &*open_ : nullptr; }
  /// That counts lengths.
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  /// Tokens that its layout puts around document and question.
  std::int64_t frame_tokens() const { return frame_; }
  /// 0: not known.
  std::int64_t window() const { return window_; }

  /// Tokens of a text by its tokenizer.
  eval::TokenCount count() const;
  /// For a service with a price file: adds what the answers that are wanted will cost.
  void add_cost(eval::CostEstimate& all, const PlannedView& view, const std::vector<std::size_t>& wanted) const;

 private:
  void open_local(const std::filesystem::path& folder);
  void open_service(const std::filesystem::path& folder, std::function<double()> spent);
  void choose_service_layout();
  void open_tokenizer_alone();

  const AnswererFlags& flags_;
  std::optional<OpenModel> open_;
  OpenTokenizer lone_tokenizer_;
  const Tokenizer* tokenizer_ = nullptr;
  std::optional<Threads> threads_;
  std::int64_t frame_ = 0, window_ = 0;
  eval::ApiOptions service_;
  std::unique_ptr<eval::Answerer> answerer_;
};

}  // namespace tome::cli
