// Perplexity against position: whether a model predicts better the more it has read, or loses its way.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "eval/report_parts.h"
#include "read/text_losses.h"

namespace tome::eval {

/// One text at one length.
struct PositionLoss {
  std::string text;          // its name
  std::int64_t length = 0;   // tokens of context
  std::string mode;          // "full": one pass over the first tokens; "sliding": windows of that length
  std::vector<double> bins;  // full: mean loss of each sixteenth of the positions; sliding: one number
  std::int64_t tokens = 0;   // predicted ones
  double loss = 0;           // nats a token, mean over them
};

struct PositionRequest {
  std::filesystem::path texts;  // a file or a folder of documents
  std::vector<std::int64_t> lengths;
  std::int64_t windows = 0;  // sliding: of each text and length
};

/// Sliding as YaRN and LongLoRA (arXiv 2309.00071, 2309.12307) report it: windows of a length that move on by 256
/// tokens, in each of which the last 256 are predicted; `windows` of them, evenly over the text. Measures what is not
/// yet in `done`; on_result is called for each. Texts shorter than a length are left out for it, and named in `notes`.
/// Throws UserError when no text is long enough for any length.
void measure_positions(const Model& model, const Tokenizer& tokenizer, Threads& threads, const LossOptions& options,
                       const PositionRequest& request, std::span<const PositionLoss> done,
                       const std::function<void(const PositionLoss&)>& on_result, std::vector<std::string>& notes,
                       const std::atomic<bool>& stop);

/// A line of positions.jsonl and back; the latter throws nlohmann::json::exception.
std::string to_line(const PositionLoss& result);
PositionLoss position_from_json(const nlohmann::json& object);

/// Perplexity with a 95 % interval over the texts; by position for the full passes.
ReportSection position_section(std::span<const PositionLoss> results);

/// Rows of results.json: task "ppl/full" and "ppl/sliding", score, low and high as perplexities, n the texts.
std::vector<nlohmann::ordered_json> position_rows(std::span<const PositionLoss> results, const std::string& answerer);

}  // namespace tome::eval
