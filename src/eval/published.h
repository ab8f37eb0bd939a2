// The scores that the Anima 100K article reports, to stand beside our own in tables of its shape.
#pragma once

#include <span>
#include <string_view>

namespace tome::eval {

struct PublishedScore {
  std::string_view task;  // ours: "topics", "lines", "narrativeqa"
  std::string_view title, measure;
  std::string_view model;
  double score;
};

/// https://github.com/lyogavin/Anima/tree/main/anima_100k (2023): "longchat topic retrieval", "longchat number
/// retrieval" and "Narrative QA", texts of about 100,000 tokens (topics: 130 conversations; numbers: 4,000 lines). The
/// article gives no number of samples and no intervals.
std::span<const PublishedScore> published_scores();

}  // namespace tome::eval
