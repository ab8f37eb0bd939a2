#include "eval/fit.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kShotFrame = 16;  // tokens that a layout puts around a worked example

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Without `drop` tokens of its middle; begin and end stay, as much of one as of the other.
std::string without_middle(const std::string& text, const Encoded& encoded, std::int64_t drop) {
  const auto tokens = static_cast<std::int64_t>(encoded.ids.size());
  const std::int64_t kept = tokens - drop;
  std::size_t begin = encoded.offsets[static_cast<std::size_t>(kept / 2)];
  std::size_t end = encoded.offsets[static_cast<std::size_t>(kept / 2 + drop)];
  while (begin > 0 && continues_character(text[begin])) --begin;
  while (end < text.size() && continues_character(text[end])) ++end;
  return text.substr(0, begin) + "\n\n" + text.substr(end);
}

}  // namespace

TooLong too_long(std::string_view name) {
  if (name == "error") return TooLong::kError;
  if (name == "skip") return TooLong::kSkip;
  if (name == "cut") return TooLong::kCut;
  throw_user_error("--too-long ", name, ": expected error, skip or cut");
}

std::int64_t question_room(const std::function<std::int64_t(std::string_view)>& count_tokens,
                           const EvalSample& sample) {
  std::int64_t room = count_tokens(sample.question) + sample.answer_tokens;
  if (!sample.answer_prefix.empty()) room += count_tokens(sample.answer_prefix);
  for (const Shot& shot : sample.shots) room += count_tokens(shot.question) + count_tokens(shot.answer) + kShotFrame;
  return room;
}

Fitted fit_samples(EvalSet set, const Tokenizer& tokenizer, std::int64_t window, std::int64_t frame, TooLong policy) {
  Fitted fitted;
  const auto count = [&](std::string_view text) {
    return static_cast<std::int64_t>(tokenizer.encode(text).ids.size());
  };
  std::vector<std::int64_t> rooms(set.documents.size(), 0);
  for (const EvalSample& sample : set.samples) {
    rooms[sample.document] = std::max(rooms[sample.document], question_room(count, sample) + frame);
  }
  std::vector<bool> left_out(set.documents.size(), false);
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < set.documents.size(); ++i) {
    EvalDocument& document = set.documents[i];
    const Encoded encoded = tokenizer.encode(document.text);
    const auto tokens = static_cast<std::int64_t>(encoded.ids.size());
    if (tokens + rooms[i] <= window) continue;
    longest = std::max(longest, tokens + rooms[i]);
    left_out[i] = true;
    if (policy != TooLong::kCut) continue;
    const std::int64_t drop = tokens + rooms[i] - window + 2;  // the line ends that stand for what was cut
    if (drop >= tokens) {
      throw_user_error("--too-long cut: a question with its examples and answer takes ", rooms[i],
                       " tokens, the window has ", window, "; give a larger --context");
    }
    document.text = without_middle(document.text, encoded, drop);
    document.cut_tokens += drop;
  }
  if (longest > 0 && policy == TooLong::kError) {
    throw_user_error("the longest sample takes ", longest, " tokens, the window has ", window,
                     "; give --context (RoPE scaling), shorter --lengths, or --too-long skip or cut");
  }
  if (policy == TooLong::kSkip) {
    for (std::size_t i = 0; i < set.samples.size(); ++i) {
      if (left_out[set.samples[i].document]) fitted.skipped.push_back(i);
    }
  }
  fitted.set = std::move(set);
  return fitted;
}

}  // namespace tome::eval
