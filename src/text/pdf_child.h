// A program that parses a stranger's file: a child process without a shell, with limits, that writes no files.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

struct ChildLimits {
  std::chrono::seconds processor_time{120};
  std::chrono::seconds wall_time{600};
  std::size_t memory = std::size_t{2} << 30;  // address space
  std::size_t output = std::size_t{256} << 20;
};

struct ChildResult {
  std::string output;
  std::string errors;     // the first 64 KB of stderr
  int exit_code = -1;     // -1: it was ended by a signal
  bool too_long = false;  // ended by us: one of the times
  bool too_much = false;  // ended by us: the output
};

/// The program in PATH; empty: there is none.
std::filesystem::path find_program(std::string_view name);

/// Runs `program` with `input` as its stdin, a file that it can also open as /proc/self/fd/0. Throws UserError when the
/// system refuses to start it.
ChildResult run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::string_view input, const ChildLimits& limits);

}  // namespace tome
