#include "eval/position_loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/sample_json.h"
#include "eval/statistics.h"
#include "text/document.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBins = 16;
constexpr std::size_t kStride = 256;

struct Text {
  std::string name;
  std::vector<TokenId> ids;  // without BOS
};

std::vector<fs::path> files_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::vector<TokenId> window_of(const Tokenizer& tokenizer, const Text& text, std::size_t begin, std::size_t length) {
  std::vector<TokenId> ids;
  if (tokenizer.add_bos()) ids.push_back(tokenizer.bos());
  const std::size_t taken = length - ids.size();
  ids.insert(ids.end(), text.ids.begin() + static_cast<std::ptrdiff_t>(begin),
             text.ids.begin() + static_cast<std::ptrdiff_t>(begin + taken));
  return ids;
}

PositionLoss full(const Model& model, const Tokenizer& tokenizer, Threads& threads, const LossOptions& options,
                  const Text& text, std::int64_t length) {
  const std::vector<double> losses =
      text_losses(model, threads, options, window_of(tokenizer, text, 0, static_cast<std::size_t>(length)));
  PositionLoss result{text.name, length, "full", {}, static_cast<std::int64_t>(losses.size()), mean(losses)};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const std::size_t begin = bin * losses.size() / kBins, end = (bin + 1) * losses.size() / kBins;
    result.bins.push_back(mean(std::span(losses).subspan(begin, end - begin)));
  }
  return result;
}

PositionLoss sliding(const Model& model, const Tokenizer& tokenizer, Threads& threads, const LossOptions& options,
                     const Text& text, std::int64_t length, std::int64_t windows, const std::atomic<bool>& stop) {
  const std::size_t last = (text.ids.size() - static_cast<std::size_t>(length)) / kStride;  // index of the last window
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(windows), last + 1);
  PositionLoss result{text.name, length, "sliding", {}, 0, 0};
  for (std::size_t i = 0; i < count && !stop; ++i) {
    const std::size_t window = count == 1 ? 0 : i * last / (count - 1);
    const auto losses = text_losses(model, threads, options,
                                    window_of(tokenizer, text, window * kStride, static_cast<std::size_t>(length)));
    const auto tail = std::span(losses).last(std::min(kStride, losses.size()));
    result.loss += mean(tail) * static_cast<double>(tail.size());
    result.tokens += static_cast<std::int64_t>(tail.size());
  }
  result.loss /= static_cast<double>(std::max<std::int64_t>(result.tokens, 1));
  result.bins = {result.loss};
  return result;
}

// Of the texts, for each length and mode.
std::map<std::pair<std::int64_t, std::string>, std::vector<double>> losses_of(std::span<const PositionLoss> results) {
  std::map<std::pair<std::int64_t, std::string>, std::vector<double>> losses;
  for (const PositionLoss& one : results) losses[{one.length, one.mode}].push_back(one.loss);
  return losses;
}

std::string perplexity_text(std::span<const double> losses) {
  std::array<char, 96> text;
  if (losses.size() == 1) {  // one text says nothing about others
    std::snprintf(text.data(), text.size(), "%.3f", std::exp(losses.front()));
    return text.data();
  }
  const Interval interval = bootstrap(losses);
  std::snprintf(text.data(), text.size(), "%.3f [%.3f, %.3f]", std::exp(mean(losses)), std::exp(interval.low),
                std::exp(interval.high));
  return text.data();
}

}  // namespace

void measure_positions(const Model& model, const Tokenizer& tokenizer, Threads& threads, const LossOptions& options,
                       const PositionRequest& request, std::span<const PositionLoss> done,
                       const std::function<void(const PositionLoss&)>& on_result, std::vector<std::string>& notes,
                       const std::atomic<bool>& stop) {
  const auto is_done = [&](const Text& text, std::int64_t length, std::string_view mode) {
    return std::any_of(done.begin(), done.end(), [&](const PositionLoss& one) {
      return one.text == text.name && one.length == length && one.mode == mode;
    });
  };
  std::size_t measured = 0;
  for (const fs::path& file : files_of(request.texts)) {
    const Text text{file.filename().string(), tokenizer.encode(read_documents({file}).text).ids};
    for (const std::int64_t length : request.lengths) {
      if (static_cast<std::int64_t>(text.ids.size()) < length) {
        notes.push_back(cat(text.name, ": ", text.ids.size(), " tokens, left out at ", length));
        continue;
      }
      ++measured;
      if (stop) return;
      if (!is_done(text, length, "full")) on_result(full(model, tokenizer, threads, options, text, length));
      if (stop || request.windows == 0 || is_done(text, length, "sliding")) continue;
      const PositionLoss result = sliding(model, tokenizer, threads, options, text, length, request.windows, stop);
      if (!stop) on_result(result);
    }
  }
  if (measured == 0) {
    throw_user_error("ppl: no text of ", request.texts.string(), " is as long as any of --lengths; give longer texts");
  }
}

std::string to_line(const PositionLoss& r) {
  return json_line({{"text", r.text},
                    {"length", r.length},
                    {"mode", r.mode},
                    {"bins", r.bins},
                    {"tokens", r.tokens},
                    {"loss", r.loss}});
}

PositionLoss position_from_json(const nlohmann::json& object) {
  PositionLoss r;
  object.at("text").get_to(r.text);
  object.at("length").get_to(r.length);
  object.at("mode").get_to(r.mode);
  object.at("bins").get_to(r.bins);
  object.at("tokens").get_to(r.tokens);
  object.at("loss").get_to(r.loss);
  return r;
}

std::vector<nlohmann::ordered_json> position_rows(std::span<const PositionLoss> results, const std::string& answerer) {
  std::vector<nlohmann::ordered_json> rows;
  for (const auto& [key, losses] : losses_of(results)) {
    const Interval interval = bootstrap(losses);
    rows.push_back({{"task", "ppl/" + key.second},
                    {"length", key.first},
                    {"depth", nullptr},
                    {"answerer", answerer},
                    {"n", losses.size()},
                    {"score", std::exp(mean(losses))},
                    {"low", std::exp(interval.low)},
                    {"high", std::exp(interval.high)},
                    {"cut_tokens", 0},
                    {"seconds", nullptr}});
  }
  return rows;
}

ReportSection position_section(std::span<const PositionLoss> results) {
  std::map<std::int64_t, std::vector<std::vector<double>>> bins;
  for (const PositionLoss& one : results) {
    if (one.mode != "full") continue;
    bins[one.length].resize(kBins);
    for (std::size_t i = 0; i < std::min(kBins, one.bins.size()); ++i) bins[one.length][i].push_back(one.bins[i]);
  }
  ReportSection section;
  section.title = "ppl";
  section.paragraphs.emplace_back(
      "Perplexity with the given context, 95 % interval over the texts. Full: one pass over a text's first tokens; "
      "sliding: the last 256 tokens of windows spread over the text.");
  ReportTable table;
  table.heading = {"length", "mode", "texts", "perplexity"};
  for (const auto& [key, values] : losses_of(results)) {
    table.rows.push_back({length_text(key.first), key.second, cat(values.size()), perplexity_text(values)});
  }
  section.tables.push_back(std::move(table));
  for (const auto& [length, positions] : bins) {
    ReportTable by_position;
    by_position.caption = cat("Full pass of ", length_text(length), ": perplexity of each sixteenth of the positions");
    by_position.heading = {"to token", "perplexity"};
    for (std::size_t i = 0; i < kBins; ++i) {
      by_position.rows.push_back({grouped(length * static_cast<std::int64_t>(i + 1) / static_cast<std::int64_t>(kBins)),
                                  perplexity_text(positions[i])});
    }
    section.tables.push_back(std::move(by_position));
  }
  return section;
}

}  // namespace tome::eval
