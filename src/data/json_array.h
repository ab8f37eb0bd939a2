// Published data that is one JSON array.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/data_file.h"

namespace tome::data {

/// Where the elements of a file that is one JSON array stand (number: from 1), without holding them. Only nesting and
/// strings are looked at. Throws UserError when it is no array or ends within it.
std::vector<LinePlace> array_elements(const std::filesystem::path& path);

}  // namespace tome::data
