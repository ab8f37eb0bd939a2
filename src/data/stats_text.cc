#include "data/stats_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"

namespace tome::data {
namespace {

using nlohmann::json;

constexpr int kBarWidth = 40;
constexpr std::size_t kShownValues = 10;

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

// Names come from strangers: a control character would move the terminal's cursor.
std::string plain(std::string text) {
  for (char& c : text) c = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return text;
}

// In eighths of a character.
std::string bar(std::int64_t count, std::int64_t most) {
  constexpr std::array<const char*, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = most > 0 ? static_cast<double>(count) / static_cast<double>(most) : 0;
  auto eighths = static_cast<std::size_t>(std::llround(share * kBarWidth * 8));
  if (count > 0) eighths = std::max<std::size_t>(eighths, 1);
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

std::string histogram(const std::vector<NamedBar>& bars) {
  std::int64_t most = 0;
  std::size_t width = 0;
  for (const NamedBar& one : bars) {
    most = std::max(most, one.count);
    width = std::max(width, one.name.size());
  }
  std::string text;
  for (const NamedBar& one : bars) {
    text += cat("  ", padded(one.name, width), "  ", padded(grouped(one.count), 11), "  ", bar(one.count, most));
    text += '\n';
  }
  return text;
}

std::string table_row(const char* name, const char* unit, const Lengths& lengths) {
  std::string text = print("%-11s%-11s", name, unit) + padded(grouped(lengths.count()), 11);
  for (const std::uint64_t value :
       {lengths.least(), lengths.quantile(0.25), lengths.quantile(0.5), lengths.quantile(0.75), lengths.most()}) {
    text += padded(grouped(static_cast<std::int64_t>(value)), 11);
  }
  return text + padded(print("%.1f", lengths.mean()), 12) + '\n';
}

std::string table_rows(const char* name, const TextLengths& lengths) {
  if (lengths.bytes.count() == 0) return {};
  std::string text = table_row(name, "bytes", lengths.bytes) + table_row("", "characters", lengths.characters) +
                     table_row("", "words", lengths.words);
  if (lengths.tokens.count() > 0) text += table_row("", "tokens", lengths.tokens);
  return text;
}

std::string share(std::int64_t part, std::int64_t whole) {
  return print("%.2f %%", whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0);
}

std::string field_text(const char* name, const FieldValues& values) {
  std::vector<NamedBar> bars = field_bars(values);
  const std::size_t all = bars.size();
  bars.resize(std::min(all, kShownValues));
  for (NamedBar& one : bars) one.name = plain(one.name);
  std::string text = cat('\n', name, '\n', histogram(bars));
  return all > bars.size() ? cat(text, "  and ", all - bars.size(), " more values\n") : text;
}

json to_json(const Lengths& lengths) {
  json bars = json::array();
  for (const LengthBar& one : lengths.bars())
    bars.push_back({{"from", one.from}, {"to", one.to}, {"count", one.count}});
  return {{"count", lengths.count()},
          {"sum", lengths.sum()},
          {"min", lengths.least()},
          {"q1", lengths.quantile(0.25)},
          {"median", lengths.quantile(0.5)},
          {"q3", lengths.quantile(0.75)},
          {"max", lengths.most()},
          {"mean", lengths.mean()},
          {"histogram", bars}};
}

json to_json(const TextLengths& lengths) {
  json object = {{"bytes", to_json(lengths.bytes)},
                 {"characters", to_json(lengths.characters)},
                 {"words", to_json(lengths.words)}};
  if (lengths.tokens.count() > 0) object["tokens"] = to_json(lengths.tokens);
  return object;
}

json to_json(const FieldValues& values) {
  return {{"values", values.counts}, {"none", values.none}, {"others", values.others}};
}

}  // namespace

std::vector<NamedBar> named_bars(const Lengths& lengths) {
  std::vector<NamedBar> bars;
  for (const LengthBar& one : lengths.bars()) {
    const std::string from = grouped(static_cast<std::int64_t>(one.from));
    const std::string to = grouped(static_cast<std::int64_t>(one.to));
    bars.push_back({one.from == one.to ? from : cat(from, '-', to), one.count});
  }
  return bars;
}

std::vector<NamedBar> depth_bars(const Stats& stats) {
  std::vector<NamedBar> bars;
  for (std::size_t i = 0; i < stats.depth.size(); ++i) {
    bars.push_back({print("%.1f-%.1f", static_cast<double>(i) / 10, static_cast<double>(i + 1) / 10), stats.depth[i]});
  }
  return bars;
}

const Lengths& shown_lengths(const TextLengths& lengths) {
  return lengths.tokens.count() > 0 ? lengths.tokens : lengths.words;
}

const char* shown_unit(const Stats& stats) { return stats.all_tokens > 0 ? "tokens" : "words"; }

std::vector<NamedBar> field_bars(const FieldValues& values) {
  std::vector<NamedBar> bars;
  for (const auto& [name, count] : values.counts) bars.push_back({name, count});
  std::stable_sort(bars.begin(), bars.end(), [](const NamedBar& a, const NamedBar& b) { return a.count > b.count; });
  if (values.others > 0) bars.push_back({"(others)", values.others});
  if (values.none > 0) bars.push_back({"(none)", values.none});
  return bars;
}

std::string stats_text(const Stats& stats) {
  std::string text = cat(grouped(stats.rows), stats.rows == 1 ? " row in " : " rows in ", stats.files,
                         stats.files == 1 ? " file, " : " files, ", grouped(stats.bytes), " bytes\n");
  if (stats.broken > 0)
    text += cat(grouped(stats.broken), " broken lines are not counted; tome data check lists them\n");
  text += "\nshapes\n";
  std::vector<NamedBar> shapes;
  for (std::size_t i = 0; i < stats.shapes.size(); ++i) {
    if (stats.shapes[i] > 0) shapes.push_back({to_string(static_cast<DataShape>(i)), stats.shapes[i]});
  }
  text += histogram(shapes);
  text += "\nlengths                     count        min   quartile     median   quartile        max        mean\n";
  text += table_rows("documents", stats.documents) + table_rows("questions", stats.questions) +
          table_rows("answers", stats.answers);
  if (stats.questions_of_document.count() > 0)
    text += table_row("questions", "a document", stats.questions_of_document);
  for (const auto& [name, lengths] : {std::pair{"documents", &stats.documents},
                                      std::pair{"questions", &stats.questions}, std::pair{"answers", &stats.answers}}) {
    if (lengths->bytes.count() == 0) continue;
    text += cat('\n', name, ", ", shown_unit(stats), '\n', histogram(named_bars(shown_lengths(*lengths))));
  }
  if (stats.questions_of_document.count() > 0) {
    text += cat("\nwhere answers first stand in their document (0 begin, 1 end); ", grouped(stats.absent),
                " do not stand in it\n", histogram(depth_bars(stats)));
  }
  text += cat("\ntargets: ", share(stats.target_bytes, stats.all_bytes), " of the bytes");
  if (stats.all_tokens > 0) text += cat(", ", share(stats.target_tokens, stats.all_tokens), " of the tokens");
  return text + '\n' + field_text("sources", stats.sources) + field_text("licences", stats.licences);
}

json stats_json(const Stats& stats) {
  json shapes = json::object();
  for (std::size_t i = 0; i < stats.shapes.size(); ++i) {
    shapes[to_string(static_cast<DataShape>(i))] = stats.shapes[i];
  }
  json object = {{"schema_version", 1},
                 {"files", stats.files},
                 {"bytes", stats.bytes},
                 {"rows", stats.rows},
                 {"broken", stats.broken},
                 {"first_broken", stats.first_broken},
                 {"shapes", shapes},
                 {"documents", to_json(stats.documents)},
                 {"questions", to_json(stats.questions)},
                 {"answers", to_json(stats.answers)},
                 {"questions_of_document", to_json(stats.questions_of_document)},
                 {"depth", stats.depth},
                 {"absent", stats.absent},
                 {"all_bytes", stats.all_bytes},
                 {"target_bytes", stats.target_bytes},
                 {"sources", to_json(stats.sources)},
                 {"licences", to_json(stats.licences)}};
  if (stats.all_tokens > 0) {
    object["all_tokens"] = stats.all_tokens;
    object["target_tokens"] = stats.target_tokens;
  }
  return object;
}

}  // namespace tome::data
