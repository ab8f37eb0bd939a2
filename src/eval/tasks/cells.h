// What the generated tasks share: the samples of a cell, their depths and ids, and texts of a wanted length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "eval/tasks/random_texts.h"

namespace tome::eval {

using CountTokens = std::function<std::int64_t(std::string_view)>;

/// The lengths asked for, each once, or 4k, 8k, 16k and 32k.
std::vector<std::int64_t> lengths_of(const TaskRequest& request);

/// --set TASK.questions, else 1 for fewer than ten samples, else a fifth of them; at most `most` of one document.
std::int64_t questions_of_document(const TaskRequest& request, std::string_view task, std::int64_t samples,
                                   std::int64_t most);

/// depths[document][question] of a cell: request.depths in equal parts, or even steps from 0 to 1 (0.5 for one sample);
/// the questions of a document lie as far apart as can be.
std::vector<std::vector<double>> depths_by_document(const TaskRequest& request, std::int64_t samples,
                                                    std::int64_t questions, const std::vector<double>& otherwise = {});

/// The places of `count` nearest to the depths, none twice. depths.size() <= count.
std::vector<std::size_t> nearest_places(const std::vector<double>& depths, std::size_t count);

/// "lines-4096-d50-7"; no depth below 0.
std::string sample_id(std::string_view task, std::string_view cell, double depth, std::size_t number);

/// Tokens of question, worked examples, the answer's first words, the room for the answer and the layout's words
/// around.
std::int64_t question_tokens(const TaskRequest& request, const EvalSample& sample);

/// The largest n in [least, most] with tokens(n) <= budget, or the first n found with at most `close` tokens left;
/// least - 1 when none fits. `tokens` grows with n, nearly in proportion; `guess` is where to look first.
std::int64_t largest_that_fits(std::int64_t least, std::int64_t most, std::int64_t guess, std::int64_t budget,
                               std::int64_t close, const std::function<std::int64_t(std::int64_t)>& tokens);

/// `pattern` with each "{name}" replaced.
std::string fill_in(std::string_view pattern, const std::vector<std::pair<std::string_view, std::string_view>>& values);

/// Of the keys, those that the request may use.
KeyShare share_of(const TaskRequest& request);
/// Throws UserError: a published file of measured samples is not for training.
[[noreturn]] void throw_measured_file(std::string_view task, const std::filesystem::path& path);

/// Throws UserError: the length is too small for the task.
[[noreturn]] void throw_too_short(std::string_view task, std::int64_t length, std::int64_t needed);

}  // namespace tome::eval
