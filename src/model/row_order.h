// The two orders of a query or key matrix's rows within a head of C rows (RopeLayout): halves as Hugging Face has them,
// pairs as llama.cpp's converter writes them for Llama.
#pragma once

#include <cstddef>

namespace tome {

/// Where the row that is `row` in halves is in pairs.
inline std::size_t row_in_pairs(std::size_t row, std::size_t head_width) {
  const std::size_t in_head = row % head_width, half = head_width / 2;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

/// Where the row that is `row` in pairs is in halves.
inline std::size_t row_in_halves(std::size_t row, std::size_t head_width) {
  const std::size_t in_head = row % head_width;
  return row - in_head + in_head % 2 * (head_width / 2) + in_head / 2;
}

}  // namespace tome
