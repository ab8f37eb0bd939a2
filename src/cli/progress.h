// A progress line on a terminal: rewritten in place, silent anywhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tome::cli {

class ProgressLine {
 public:
  /// Shows nothing when `quiet`, when stderr is no terminal, or with TERM=dumb.
  explicit ProgressLine(bool quiet);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `done` of `total` units of equal cost; `text` comes first: "reading  43 %  712 tokens/s  1:12 left".
  void show(const std::string& text, double done, double total, double tokens);
  /// `done` of `total` bytes (0: unknown), of which `before` were there at the start: "model.gguf  43 %  12 MiB/s  0:12
  /// left".
  void show_bytes(const std::string& text, std::uint64_t done, std::uint64_t total, std::uint64_t before);
  /// The first of `forms` that the terminal is wide enough for, else the beginning of the last.
  void show_fitting(const std::vector<std::string>& forms);
  void clear();

  /// False: nothing is ever shown.
  bool on() const { return on_; }

 private:
  bool due();
  void put(const std::string& text, const std::string& figures);

  bool on_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

/// "1:05", "2:03:04".
std::string clock_time(double seconds);
/// "1.2 GiB", "340 MiB".
std::string human_bytes(std::uint64_t bytes);

}  // namespace tome::cli
