#include "cli/eval_views.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/error.h"
#include "cli/interrupt.h"
#include "eval/answerers/bm25_index.h"
#include "eval/answerers/embedding_index.h"
#include "eval/answerers/retrieval.h"
#include "eval/task.h"
#include "eval/view_name.h"

namespace tome::cli {
namespace {

std::vector<std::size_t> samples_where(const eval::EvalSet& set, const auto& wanted) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    if (wanted(set.samples[i])) indices.push_back(i);
  }
  return indices;
}

bool all_answered(const eval::EvalSet& set, const std::vector<std::size_t>& asked, const eval::Answers& answers) {
  return std::all_of(asked.begin(), asked.end(), [&](std::size_t index) {
    const auto found = answers.find(set.samples[index].id);
    return found != answers.end() && found->second.error.empty();
  });
}

std::unique_ptr<eval::Retriever> make_retriever(const EvalFlags& flags) {
  if (flags.retrieve != "embeddings") return std::make_unique<eval::Bm25Retriever>();
  if (flags.embeddings_url.empty() || flags.embeddings_model.empty()) {
    throw_user_error("--retrieve embeddings: needs --embeddings-url and --embeddings-model");
  }
  eval::EmbeddingOptions options;
  options.connection.url = flags.embeddings_url;
  options.connection.key_variable = flags.embeddings_key_variable;
  options.connection.timeout_seconds = flags.service.timeout;
  options.connection.retries = flags.service.retries;
  options.model = flags.embeddings_model;
  return std::make_unique<eval::EmbeddingRetriever>(options, [] { return stop_requested().load(); });
}

}  // namespace

std::vector<PlannedView> plan_views(const EvalFlags& flags, const eval::EvalSet& set, const Tokenizer& tokenizer,
                                    const eval::RunFolder& folder) {
  const auto compared = [&](bool asked) {
    return samples_where(
        set, [&](const eval::EvalSample& sample) { return asked || eval::find_task(sample.task).always_compare; });
  };
  std::vector<PlannedView> views;
  const auto add = [&](const std::string& name, eval::EvalSet shown, std::vector<std::size_t> asked) {
    views.push_back({name, eval::view_label(name), std::move(shown), std::move(asked)});
  };
  add(std::string(eval::kWholeView), set, samples_where(set, [](const eval::EvalSample&) { return true; }));
  const auto retrieved = compared(!flags.retrieve.empty());
  if (!retrieved.empty()) {
    const eval::PassageOptions options{parse_count("--passages", flags.passages),
                                       parse_count("--passage-tokens", flags.passage_tokens)};
    const std::string retriever = flags.retrieve.empty() ? "bm25" : flags.retrieve;
    const std::string name = eval::retrieved_view(retriever, options.count, options.passage_tokens);
    add(name,
        all_answered(set, retrieved, folder.answers(name))
            ? eval::without_documents(set)
            : eval::with_passages(set, *make_retriever(flags), options, eval::offsets_of(tokenizer)),
        retrieved);
  }
  const auto closed = compared(flags.no_document);
  if (!closed.empty()) add(std::string(eval::kNoDocumentView), eval::without_documents(set), closed);
  return views;
}

}  // namespace tome::cli
