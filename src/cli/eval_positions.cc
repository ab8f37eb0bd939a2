#include "cli/eval_positions.h"

#include <iostream>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/output.h"

namespace tome::cli {
namespace {

constexpr std::int64_t kDefaultWindows = 8;

LossOptions loss_options(const EvalFlags& flags, const OpenModel& open) {
  LossOptions options;
  options.precision = flags.model.exact ? Precision::kExact : Precision::kInt8;
  options.kv = flags.model.kv_type();
  options.adapters = open.adapters();
  return options;
}

eval::PositionRequest request_of(const EvalFlags& flags, std::int64_t window) {
  const eval::TaskRequest asked = flags.request();
  eval::PositionRequest request;
  request.texts = eval::need_data(asked, "ppl", "books", "a file or folder of long texts of your own", "books");
  request.lengths = asked.lengths.empty() ? std::vector<std::int64_t>{4096, 8192} : asked.lengths;
  request.windows = flags.samples > 0 ? flags.samples : kDefaultWindows;
  for (const std::int64_t length : request.lengths) {
    if (length > window) {
      throw_user_error("ppl: --lengths has ", length, " tokens, the window has ", window,
                       "; give --context (RoPE scaling) or shorter lengths");
    }
    if (length < 512) throw_user_error("ppl: --lengths has ", length, " tokens, expected 512 or more");
  }
  return request;
}

}  // namespace

std::vector<eval::PositionLoss> measure_positions(const EvalFlags& flags, const eval::RunFolder& folder,
                                                  const OpenModel* open) {
  if (open == nullptr) throw_user_error("ppl: needs a model on this machine; leave out --api and --answers");
  std::vector<eval::PositionLoss> results;
  std::vector<std::string> lines;
  for (const nlohmann::json& line : folder.lines("positions.jsonl")) {
    results.push_back(eval::position_from_json(line));
    lines.push_back(eval::to_line(results.back()));
  }
  const eval::PositionRequest request = request_of(flags, open->model->config().context_length);
  JsonLines file(folder.path() / "positions.jsonl", lines);
  Threads threads(flags.model.thread_count());
  std::vector<std::string> notes;
  const std::vector<eval::PositionLoss> done = results;
  eval::measure_positions(
      *open->model, *open->tokenizer, threads, loss_options(flags, *open), request, done,
      [&](const eval::PositionLoss& result) {
        file.add(eval::to_line(result));
        results.push_back(result);
      },
      notes, stop_requested());
  for (const std::string& note : notes) {
    if (!flags.model.quiet) std::cerr << one_line("note: " + note) << '\n';
  }
  return results;
}

}  // namespace tome::cli
