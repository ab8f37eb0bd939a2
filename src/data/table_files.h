// The two layouts of published data beside lines: CSV, and a file that is one JSON array.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "train/data_file.h"

namespace tome::data {

/// RFC 4180: fields in quotes hold commas, line ends and doubled quotes. Lines end in LF or CRLF. Throws UserError
/// `NAME:LINE: ...` for a quote that is not closed.
std::vector<std::vector<std::string>> parse_csv(std::string_view text, const std::string& name);

/// The columns of a table by the names in its first row, for each further row that is not empty. Throws UserError for a
/// column that is absent and a row that is shorter.
std::vector<std::vector<std::string>> csv_columns(const std::filesystem::path& path,
                                                  const std::vector<std::string>& columns);

/// Where the elements of a file that is one JSON array stand (number: from 1), without holding them. Only nesting and
/// strings are looked at. Throws UserError when it is no array or ends within it.
std::vector<LinePlace> array_elements(const std::filesystem::path& path);

}  // namespace tome::data
