// A training set out of several sources, mixed by weight.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/row_source.h"

namespace tome::data {

struct MixPart {
  std::string source;
  double weight = 1;  // more than 0
};

/// "order=1,keys=2,lines". Throws UserError naming the flag.
std::vector<MixPart> parse_mix(const std::string& text);

struct BuildResult {
  std::int64_t rows = 0, questions = 0, tokens = 0;
  std::vector<std::pair<std::string, std::int64_t>> sources;  // rows of each, in the mix's order
  std::vector<std::string> notes;
};

/// Writes rows as lines to `out`, which appears when it is whole. Rows of the sources take turns so that their numbers
/// keep to the weights at every moment; a source that has no more drops out, with a note. `rows` 0: until all have no
/// more, which only question sets come to. The same parts and request give the same bytes. `progress` gets the rows
/// done.
BuildResult build_rows(const std::vector<MixPart>& mix, const BuildRequest& request, std::int64_t rows,
                       const std::filesystem::path& out, const std::function<void(std::int64_t)>& progress = {});

}  // namespace tome::data
