// What tome train says on stderr while it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/progress.h"
#include "train/log.h"

namespace tome::cli {

/// One line, rewritten in place, on a terminal; elsewhere a line at the first step, at new validations and every ten
/// seconds, and never two in a second.
class TrainProgress {
 public:
  /// Steps first + 1 .. last are to be done.
  TrainProgress(std::int64_t first, std::int64_t last, bool quiet);

  /// `log`: its last step and validation are shown.
  void show(const RunLog& log);
  /// Within a step that takes long: layers done of all that it takes, forward and backward.
  void show_layers(std::int64_t step, std::size_t done, std::size_t all);
  /// The line at the end of a run, which stays.
  void finish(const RunLog& log, bool complete);

 private:
  bool plain_line_due(bool validated);

  std::int64_t first_, last_;
  bool quiet_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_;
  struct Within {  // a step
    std::int64_t step = 0;
    double begun_at = 0;  // share of its work that was done when it was first seen
    std::chrono::steady_clock::time_point start;
  } within_;
  std::optional<std::chrono::steady_clock::time_point> printed_;
  std::size_t validations_ = 0;  // that have been shown
};

}  // namespace tome::cli
