// Rows of JSONL files, parsed by several threads and handed on in their order; a few of them are in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "train/data_file.h"
#include "train/data_row.h"

namespace tome::data {

/// A line of one of the files that are read.
struct RowPlace {
  std::uint32_t file = 0;  // its place in the list of files
  LinePlace line;
};

/// So many rows are in memory at most.
inline constexpr std::size_t kRowSlots = 20000;

/// A line is a row, or there is a reason that it is none.
struct RowRead {
  RowPlace place;
  DataRow row;
  std::string broken;         // not empty: why; without the file and line
  bool empty_answer = false;  // that is why
  std::size_t slot = 0;       // below kRowSlots: its place among those in memory, for results of one's own
};

/// The files that paths stand for: files as they are named, of folders those that end in .jsonl or .ndjson. Throws
/// UserError when there is none, or when one cannot be read or is one JSON array.
std::vector<std::filesystem::path> row_files(const std::vector<std::filesystem::path>& paths);

/// A line as a row; throws UserError `NAME: reason`, as parse_row.
using ParseRow = DataRow (*)(std::string_view line, const std::string& name);

/// Parses every line of `files`. `look` is called for each on any of the team's threads, with that thread's number;
/// `in_order` (if any) then for one at a time, in the files' order, with what `look` left in the row.
/// Lines longer than 64 MiB are broken.
void read_rows(const std::vector<std::filesystem::path>& files, Threads& threads,
               const std::function<void(RowRead&, int thread)>& look,
               const std::function<void(RowRead&)>& in_order = {}, ParseRow parse_line = parse_row);

/// One row again. Throws UserError when the file has changed so that the row is none any more.
DataRow read_row(const std::vector<std::filesystem::path>& files, const RowPlace& place);

/// "qa.jsonl:17"
std::string name_of(const std::vector<std::filesystem::path>& files, const RowPlace& place);

}  // namespace tome::data
