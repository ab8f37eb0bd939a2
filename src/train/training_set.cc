#include "train/training_set.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "text/document.h"
#include "text/document_folder.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownBad = 5;

std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

// In a folder of documents only the names that say so are lines.
bool is_lines(const DocumentFile& file) {
  const fs::path extension = file.path.extension();
  if (extension == ".jsonl" || extension == ".ndjson") return true;
  if (file.from_folder) return false;
  return extension == ".json" || first_byte(file.path) == '{';
}

std::string join(const std::vector<std::string>& parts, std::int64_t all) {
  std::string text;
  for (const std::string& part : parts) text += cat(text.empty() ? "" : "; ", part);
  const std::int64_t rest = all - static_cast<std::int64_t>(parts.size());
  return rest > 0 ? cat(text, "; and ", rest, " more") : text;
}

void check_options(const DataOptions& options) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (options.encode.window < 2 || options.encode.window > kMost) {
    throw_user_error("--context: got ", options.encode.window, ", expected 2 to ", kMost);
  }
}

}  // namespace

TrainingSet::TrainingSet(const std::vector<fs::path>& paths, const Tokenizer& tokenizer, const Layout& layout,
                         const DataOptions& options)
    : tokenizer_(tokenizer), layout_(layout), options_(options) {
  check_options(options);
  for (const fs::path& path : paths) add_sources(path);
  for (std::uint32_t source = 0; source < sources_.size(); ++source) {
    sources_[source].lines ? scan_lines(source) : scan_document(source);
  }
  if (report_.bad_rows > 0 && !options.skip_bad) {
    throw_user_error("training data: ", report_.bad_rows, report_.bad_rows == 1 ? " line" : " lines",
                     " cannot be used, mend them or give --skip-bad: ", join(report_.bad, report_.bad_rows));
  }
  if (examples_.empty()) {
    throw_user_error("training data: there is no example in ", paths.empty() ? "no file" : paths.front().string(),
                     report_.bad.empty() ? std::string() : cat("; left out: ", join(report_.bad, report_.bad_rows)));
  }
}

void TrainingSet::add_sources(const fs::path& path) {
  std::vector<DocumentFile> files;
  list_files(path, files);
  for (const DocumentFile& file : files) {
    if (file.path == "-") throw_user_error("-: training reads its data many times, so it cannot come from stdin");
    sources_.push_back({file.path, is_lines(file), file.from_folder});
  }
}

void TrainingSet::scan_lines(std::uint32_t source) {
  const fs::path& path = sources_[source].path;
  if (first_byte(path) == '[') {
    throw_user_error(path.string(), ": is one JSON array, expected an object a line; convert it, for example with ",
                     "jq -c '.[]' ", path.filename().string(), " > data.jsonl");
  }
  each_line(path, options_.longest_line, [&](const LinePlace& place, std::string_view line) {
    const Row row{source, place, hash_of(line)};
    try {
      if (place.bytes > options_.longest_line) {
        throw_user_error(name_of(row), ": has ", place.bytes, " bytes, expected at most ", options_.longest_line);
      }
      add(parse_row(line, name_of(row)), row);
    } catch (const UserError& error) {
      refuse(error.what());
    }
  });
}

void TrainingSet::scan_document(std::uint32_t source) {
  const fs::path& path = sources_[source].path;
  try {
    Document document = read_documents({path});
    for (const std::string& warning : document.warnings) report_.warnings.push_back(warning);
    if (document.empty_pages > 0) {
      report_.warnings.push_back(cat(path.string(), ": ", document.empty_pages, " pages hold no text"));
    }
    const Row row{source, {}, hash_of(document.text)};
    add({DataRow::Kind::kText, std::move(document.text), {}}, row);
  } catch (const UserError& error) {
    if (!sources_[source].from_folder) return refuse(error.what());
    report_.warnings.push_back(cat("skipped ", error.what()));
  }
}

void TrainingSet::add(const DataRow& row, const Row& place) {
  const EncodedRow encoded = encode_row(row, name_of(place), tokenizer_, layout_, options_.encode);
  TOME_CHECK(rows_.size() < std::numeric_limits<std::uint32_t>::max());
  for (std::size_t part = 0; part < encoded.examples.size(); ++part) {
    const EncodedExample& example = encoded.examples[part];
    const auto none = std::count(example.targets.begin(), example.targets.end(), kNoTarget);
    const Example entry{static_cast<std::uint32_t>(rows_.size()), static_cast<std::uint32_t>(part),
                        static_cast<std::uint32_t>(example.ids.size()),
                        static_cast<std::uint32_t>(static_cast<std::int64_t>(example.ids.size()) - none)};
    examples_.push_back(entry);
    report_.tokens += entry.tokens;
    report_.targets += entry.targets;
  }
  rows_.push_back(place);
  fingerprint_ = hash_of({reinterpret_cast<const char*>(&place.hash), sizeof place.hash}, fingerprint_);
  ++report_.rows;
  report_.examples += static_cast<std::int64_t>(encoded.examples.size());
  report_.split_rows += encoded.examples.size() > 1 ? 1 : 0;
  report_.cut_examples += encoded.cut_examples;
  report_.cut_tokens += encoded.cut_tokens;
  report_.dropped_exchanges += encoded.dropped_exchanges;
  report_.long_answers += encoded.long_answers;
}

void TrainingSet::refuse(const std::string& reason) {
  ++report_.bad_rows;
  if (report_.bad.size() < kShownBad) report_.bad.push_back(reason);
}

std::string TrainingSet::name_of(const Row& row) const {
  const Source& source = sources_[row.source];
  return source.lines ? cat(source.path.string(), ':', row.place.number) : source.path.string();
}

DataRow TrainingSet::row(std::size_t index) const {
  const Row& row = rows_[examples_.at(index).row];
  const Source& source = sources_[row.source];
  const std::string text = source.lines ? read_line(source.path, row.place) : read_documents({source.path}).text;
  if (hash_of(text) != row.hash) {
    throw_user_error(name_of(row), ": has changed since training began; training needs its data to stay as it is");
  }
  return source.lines ? parse_row(text, name_of(row)) : DataRow{DataRow::Kind::kText, text, {}};
}

EncodedExample TrainingSet::example(std::size_t index, TrainOn train_on) const {
  const Example& entry = examples_.at(index);
  EncodedRow encoded =
      encode_row(row(index), name_of(rows_[entry.row]), tokenizer_, layout_, {options_.encode.window, train_on});
  return std::move(encoded.examples.at(entry.part));
}

}  // namespace tome
