// Positional skip-wise training (PoSE, arXiv 2309.10400): a short example learns the positions of a long window.
#pragma once

#include <cstdint>

#include "train/encoded_example.h"

namespace tome {

struct PoseOptions {
  std::int64_t target_window = 0;  // 0: positions stay as they are
  std::int64_t chunks = 2;
  std::uint64_t seed = 0;
};

/// Cuts the rows into at most `chunks` runs at random places and moves every run but the first further on: skips are
/// uniform over what the window has to spare, in ascending order. Positions keep growing from row to row and lie in [0,
/// target_window). Questions lie in the last run, each going on from where the document ends. An example that fills the
/// target window is left alone. (seed, step, index) decide everything.
void spread_positions(EncodedExample& example, const PoseOptions& options, std::uint64_t step, std::uint64_t index);

}  // namespace tome
