#include "eval/tasks/cells.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/fit.h"

namespace tome::eval {

std::vector<std::int64_t> lengths_of(const TaskRequest& request) {
  if (request.lengths.empty()) return {4096, 8192, 16384, 32768};
  std::vector<std::int64_t> lengths;
  for (const std::int64_t length : request.lengths) {
    if (std::find(lengths.begin(), lengths.end(), length) == lengths.end()) lengths.push_back(length);
  }
  return lengths;
}

std::int64_t questions_of_document(const TaskRequest& request, std::string_view task, std::int64_t samples,
                                   std::int64_t most) {
  const std::int64_t otherwise = samples < 10 ? 1 : std::min(most, samples / 5);
  return std::min(setting(request, cat(task, ".questions"), otherwise, 1), samples);
}

std::vector<std::vector<double>> depths_by_document(const TaskRequest& request, std::int64_t samples,
                                                    std::int64_t questions, const std::vector<double>& otherwise) {
  TOME_CHECK(samples > 0 && questions > 0);
  const std::vector<double>& asked = request.depths.empty() ? otherwise : request.depths;
  const auto documents = static_cast<std::size_t>((samples + questions - 1) / questions);
  const auto count = static_cast<std::size_t>(samples);
  std::vector<std::vector<double>> depths(documents);
  for (std::size_t sample = 0; sample < count; ++sample) {
    const double even = count == 1 ? 0.5 : static_cast<double>(sample) / static_cast<double>(count - 1);
    depths[sample % documents].push_back(asked.empty() ? even : asked[sample * asked.size() / count]);
  }
  return depths;
}

std::vector<std::size_t> nearest_places(const std::vector<double>& depths, std::size_t count) {
  std::vector<std::size_t> asked;
  const auto is_free = [&](std::size_t place) {
    return place < count && std::find(asked.begin(), asked.end(), place) == asked.end();
  };
  for (const double depth : depths) {
    const auto wanted = static_cast<std::size_t>(std::llround(depth * static_cast<double>(count - 1)));
    for (std::size_t away = 0;; ++away) {
      TOME_CHECK(away < count);
      if (!is_free(wanted + away) && !(away <= wanted && is_free(wanted - away))) continue;
      asked.push_back(is_free(wanted + away) ? wanted + away : wanted - away);
      break;
    }
  }
  return asked;
}

std::string sample_id(std::string_view task, std::string_view cell, double depth, std::size_t number) {
  const std::string place = depth < 0 ? "" : cat("-d", std::lround(100 * depth));
  return cat(task, "-", cell, place, "-", number);
}

std::int64_t question_tokens(const TaskRequest& request, const EvalSample& sample) {
  return request.frame_tokens + question_room(request.count_tokens, sample);
}

std::int64_t largest_that_fits(std::int64_t least, std::int64_t most, std::int64_t guess, std::int64_t budget,
                               std::int64_t close, const std::function<std::int64_t(std::int64_t)>& tokens) {
  constexpr int kInterpolations = 8;  // then halves: they end whatever the tokens are like
  std::int64_t low = least, high = most + 1;
  std::int64_t low_tokens = tokens(low), high_tokens = -1;
  if (low_tokens > budget) return least - 1;
  const std::int64_t base = low_tokens;
  for (int attempt = 0; high - low > 1 && budget - low_tokens > close; ++attempt) {
    std::int64_t middle = guess;
    if (attempt > 0 && high_tokens > low_tokens) {
      middle = low + (high - low) * (budget - low_tokens) / (high_tokens - low_tokens);
    } else if (attempt > 0 && low_tokens > base) {
      middle = low + (low - least) * (budget - low_tokens) / (low_tokens - base) + 1;
    }
    if (attempt >= kInterpolations) middle = low + (high - low) / 2;
    middle = std::clamp(middle, low + 1, high - 1);
    const std::int64_t middle_tokens = tokens(middle);
    (middle_tokens <= budget ? low : high) = middle;
    (middle_tokens <= budget ? low_tokens : high_tokens) = middle_tokens;
  }
  return low;
}

std::string fill_in(std::string_view pattern,
                    const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string text;
  while (!pattern.empty()) {
    const std::size_t begin = std::min(pattern.find('{'), pattern.size());
    text += pattern.substr(0, begin);
    pattern.remove_prefix(begin);
    const std::size_t end = pattern.find('}');
    if (pattern.empty() || end == std::string_view::npos) break;
    const auto name = pattern.substr(1, end - 1);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& pair) { return pair.first == name; });
    TOME_CHECK(value != values.end(), "no value for {", name, "}");
    text += value->second;
    pattern.remove_prefix(end + 1);
  }
  return text;
}

KeyShare share_of(const TaskRequest& request) {
  return request.for_training ? KeyShare::kTraining : KeyShare::kMeasuring;
}

void throw_measured_file(std::string_view task, const std::filesystem::path& path) {
  throw_user_error(task, ": ", path.string(),
                   " is of published samples, which are measured with; leave it out of --data");
}

void throw_too_short(std::string_view task, std::int64_t length, std::int64_t needed) {
  throw_user_error(task, ": a length of ", length,
                   " tokens is too short, its smallest text with question and answer has ", needed,
                   "; ask for longer ones");
}

}  // namespace tome::eval
