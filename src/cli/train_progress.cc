#include "cli/train_progress.h"

#include <algorithm>
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

void TrainProgress::show_layers(std::int64_t step, std::size_t done, std::size_t all) {
  // A layer backward takes some two and a half times what it takes forward.
  constexpr double kBackward = 2.5;
  const double half = static_cast<double>(all) / 2;
  const double forward = std::min(static_cast<double>(done), half);
  const double share =
      (forward + kBackward * std::max(0.0, static_cast<double>(done) - half)) / (half + kBackward * half);
  const auto now = Clock::now();
  if (within_.step != step) within_ = {step, share, now};
  const double seconds = seconds_between(within_.start, now);
  const std::string left = share > within_.begun_at
                               ? cat(", ", clock_time(seconds / (share - within_.begun_at) * (1 - share)), " left")
                               : "";
  const std::string place = cat("step ", step, "/", last_, ": ");
  const std::string layers = cat(done, " of ", all, " layers");
  if (line_.on()) {
    line_.show_fitting({cat(place, layers, left, " of it"), cat(place, layers), cat(done, "/", all)});
  } else if (plain_line_due(false)) {
    std::cerr << place << layers << left << '\n';
  }
}

void TrainProgress::finish(const RunLog& log, bool complete) {
  line_.clear();
  if (quiet_) return;
  if (log.steps().empty()) {
    if (!complete) std::cerr << "stopped within the first step, the same command goes on\n";
    return;
  }
  std::cerr << (complete ? "done: " : "stopped, the same command goes on: ") << Figures(log, last_, "").spelled()
            << '\n';
}

}  // namespace tome::cli
