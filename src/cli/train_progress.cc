#include "cli/train_progress.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <vector>

#include "base/error.h"

namespace tome::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string four_decimals(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

// "512M", "1.5G"
std::string few_bytes(std::uint64_t bytes) {
  const std::string text = human_bytes(bytes);
  const std::size_t blank = text.find(' ');
  return text.substr(0, blank) + text[blank + 1];
}

/// The same figures in more words and fewer: step, loss, loss of the last validation, tokens a second, per cent of
/// peak, memory, time left.
class Figures {
 public:
  Figures(const RunLog& log, std::int64_t last_step, const std::string& left)
      : step_(log.steps().back()), steps_(cat(step_.step, "/", last_step)), left_(left) {
    if (!log.validations().empty()) validation_ = four_decimals(log.validations().back().loss);
  }

  std::string spelled() const {
    return cat("step ", steps_, "  loss ", loss(), validation_.empty() ? "" : "  validation ", validation_, "  ",
               speed(), " tokens/s  ", peak(), " % of peak  ", human_bytes(step_.peak_private_bytes),
               left_.empty() ? "" : cat("  ", left_, " left"));
  }
  std::string shorter() const {
    return cat(steps_, "  loss ", loss(), validation_.empty() ? "" : "  val ", validation_, "  ", speed(), " tok/s  ",
               peak(), " % of peak  ", few_bytes(step_.peak_private_bytes), "  ", left_, " left");
  }
  std::string bare(bool with_validation) const {
    return cat(steps_, " ", loss(), with_validation && !validation_.empty() ? " val " : "",
               with_validation ? validation_ : "", " ", speed(), "/s ", peak(), "% ",
               few_bytes(step_.peak_private_bytes), " ", left_);
  }

 private:
  std::string loss() const { return four_decimals(step_.loss); }
  long speed() const { return std::lround(step_.tokens_per_second); }
  long peak() const { return std::lround(100 * step_.fraction_of_peak); }

  const StepRecord& step_;
  std::string steps_, left_, validation_;
};

}  // namespace

TrainProgress::TrainProgress(std::int64_t first, std::int64_t last, bool quiet)
    : first_(first), last_(last), quiet_(quiet), line_(quiet), start_(Clock::now()) {}

bool TrainProgress::plain_line_due(bool validated) {
  const auto now = Clock::now();
  const double waited = printed_ ? seconds_between(*printed_, now) : INFINITY;
  if (quiet_ || waited < (validated ? 1 : 10)) return false;
  printed_ = now;
  return true;
}

void TrainProgress::show(const RunLog& log) {
  const auto done = static_cast<double>(log.steps().back().step - first_);
  const auto rest = static_cast<double>(last_ - log.steps().back().step);
  const Figures figures(log, last_, clock_time(seconds_between(start_, Clock::now()) / done * rest));
  const bool validated = log.validations().size() > validations_;
  if (line_.on()) {
    line_.show_fitting({figures.spelled(), figures.shorter(), figures.bare(true), figures.bare(false)});
  } else if (plain_line_due(validated)) {
    validations_ = log.validations().size();
    std::cerr << figures.spelled() << '\n';
  }
}

void TrainProgress::finish(const RunLog& log, bool complete) {
  line_.clear();
  if (quiet_ || log.steps().empty()) return;
  std::cerr << (complete ? "done: " : "stopped, the same command goes on: ") << Figures(log, last_, "").spelled()
            << '\n';
}

}  // namespace tome::cli
