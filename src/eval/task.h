// A task makes samples and scores answers. One file a task under eval/tasks/; docs/tasks.md describes each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/sample.h"

namespace tome::eval {

/// Names of data and settings, as --data and --set have them.
using NamesSought = std::set<std::string, std::less<>>;

/// What the user asks of the tasks of a run. A task reads what concerns it and ignores the rest.
struct TaskRequest {
  std::vector<std::int64_t> lengths;  // tokens of document and question and answer together; empty: the task's default
  std::vector<double> depths;         // 0 begin .. 1 end; empty: the task's default
  std::int64_t samples = 0;           // of each cell (task, length); 0: the task's default
  std::uint64_t seed = 1;
  std::int64_t frame_tokens = 0;  // that the answerer's layout puts around: lengths include them
  std::int64_t shots = 0;         // worked examples that each sample must carry, if the task has any
  bool for_training = false;      // keys, wordings and data that are never measured with (Task::trains)
  /// --data NAME=PATH: the user's own files, by the name that the task gives them ("lines", "books", "squad").
  std::map<std::string, std::filesystem::path, std::less<>> data;
  /// --set NAME=VALUE: settings of single tasks, named "TASK.SETTING" ("topics.ask" = "1").
  std::map<std::string, std::string, std::less<>> settings;
  /// Tokens of a text by the tokenizer of the run, without BOS.
  std::function<std::int64_t(std::string_view)> count_tokens;
  /// What tasks have looked for so far, there or not; copies of a request share it.
  std::shared_ptr<NamesSought> sought = std::make_shared<NamesSought>();
};

/// Throws UserError for data or a setting that is given and that no task has looked for: a mistyped name, or one that
/// this run has no use for.
void refuse_unsought(const TaskRequest& request);

struct Task {
  std::string name;     // as --tasks has it; one with parts is "ruler" and its samples' tasks are "ruler/PART"
  std::string summary;  // one line for `tome eval --list`
  std::string data;     // the NAMEs of --data that it needs or takes, and where to get them; empty: none
  /// Throws UserError for data that is absent or broken (file, line, reason).
  std::function<EvalSet(const TaskRequest&)> make;
  /// 0 wrong .. 1 right, of one answer.
  std::function<double(const EvalSample&, std::string_view answer)> score;
  /// Also asked with retrieved passages and without the document, whatever the flags say (novel, QA tasks).
  bool always_compare = false;
  /// Heeds TaskRequest::for_training: its samples may be learned from.
  bool trains = false;
  /// Asked over a grid of depths: reports show each depth, however few samples it has.
  bool depth_grid = false;
};

/// All tasks, in the order of docs/tasks.md.
const std::vector<Task>& tasks();
/// Of a task or of one of its parts ("ruler/vt"). Throws UserError listing the names.
const Task& find_task(std::string_view name);

/// The path behind --data NAME, or `fallback` under the folder TOME_DATA when that is there, or nothing. What lies in
/// TOME_DATA is measured with: for training there is no fallback.
std::optional<std::filesystem::path> find_data(const TaskRequest& request, std::string_view name,
                                               const std::filesystem::path& fallback = {});
/// The same, or a UserError: "TASK: needs --data NAME=PATH; WHERE TO GET IT".
std::filesystem::path need_data(const TaskRequest& request, std::string_view task, std::string_view name,
                                std::string_view where_to_get, const std::filesystem::path& fallback = {});

/// A setting of --set as a whole number of at least `least`. Throws UserError naming the setting.
std::int64_t setting(const TaskRequest& request, std::string_view name, std::int64_t otherwise, std::int64_t least);
std::string setting(const TaskRequest& request, std::string_view name, std::string_view otherwise);

/// Puts `more` behind `set`: indices of documents are shifted. Ids must stay unique.
void append(EvalSet& set, EvalSet more);

}  // namespace tome::eval
