#include "eval/published.h"

#include <array>

namespace tome::eval {
namespace {

constexpr std::string_view kTopics = "Topic retrieval", kLines = "Number retrieval",
                           kNarrative = "NarrativeQA, zero-shot";
constexpr std::string_view kClaude = "Claude 2", kTogether = "together llama2 32k", kLongChat = "longchat 32k 1.5",
                           kAnima = "Anima 100K";

constexpr std::array<PublishedScore, 12> kScores = {{
    {"topics", kTopics, "accuracy", kClaude, 0.9},
    {"topics", kTopics, "accuracy", kTogether, 0.15},
    {"topics", kTopics, "accuracy", kLongChat, 0.05},
    {"topics", kTopics, "accuracy", kAnima, 0.5},
    {"lines", kLines, "accuracy", kClaude, 0.85},
    {"lines", kLines, "accuracy", kTogether, 0.2},
    {"lines", kLines, "accuracy", kLongChat, 0.05},
    {"lines", kLines, "accuracy", kAnima, 0.45},
    {"narrativeqa", kNarrative, "F1", kClaude, 0.6187},
    {"narrativeqa", kNarrative, "F1", kTogether, 0.3833},
    {"narrativeqa", kNarrative, "F1", kLongChat, 0.2416},
    {"narrativeqa", kNarrative, "F1", kAnima, 0.4919},
}};

}  // namespace

std::span<const PublishedScore> published_scores() { return kScores; }

}  // namespace tome::eval
