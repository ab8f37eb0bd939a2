#include "data/row_reader.h"

#include "base/error.h"
#include "text/document_folder.h"

namespace tome::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLongestLine = std::uint64_t{64} << 20;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

bool names_lines(const fs::path& path) { return path.extension() == ".jsonl" || path.extension() == ".ndjson"; }

void parse(RowRead& read, std::string_view line, const std::string& name, ParseRow parse_line) {
  const auto reason = [&](const UserError& error) {
    const std::string_view message = error.what();
    return std::string(message.substr(message.starts_with(name + ": ") ? name.size() + 2 : 0));
  };
  try {
    if (read.place.line.bytes > kLongestLine) {
      throw_user_error(name, ": has ", read.place.line.bytes, " bytes, expected at most ", kLongestLine);
    }
    read.row = parse_line(line, name);
  } catch (const EmptyAnswer& error) {
    read.broken = reason(error);
    read.empty_answer = true;
  } catch (const UserError& error) {
    read.broken = reason(error);
  }
}

// Gathers lines until there is work for all threads.
class Batch {
 public:
  Batch(const std::vector<fs::path>& files, Threads& threads, const std::function<void(RowRead&, int)>& look,
        const std::function<void(RowRead&)>& in_order, ParseRow parse_line)
      : files_(files), threads_(threads), look_(look), in_order_(in_order), parse_line_(parse_line) {}

  void add(const RowPlace& place, std::string_view line) {
    lines_.emplace_back(line);
    reads_.push_back({place, {}, {}, false, reads_.size()});
    bytes_ += line.size();
    if (bytes_ >= kBatchBytes || lines_.size() >= kRowSlots) finish();
  }
  void finish() {
    constexpr std::size_t kPart = 64;  // short lines are dealt out together
    const std::size_t part = lines_.size() > 8 * kPart ? kPart : 1;
    threads_.for_each((lines_.size() + part - 1) / part, [&](std::size_t index, int thread) {
      for (std::size_t i = index * part; i < std::min(lines_.size(), (index + 1) * part); ++i) {
        parse(reads_[i], lines_[i], name_of(files_, reads_[i].place), parse_line_);
        std::string().swap(lines_[i]);
        look_(reads_[i], thread);
        if (!in_order_) reads_[i].row = {};
      }
    });
    if (in_order_) {
      for (RowRead& read : reads_) in_order_(read);
    }
    lines_.clear();
    reads_.clear();
    bytes_ = 0;
  }

 private:
  const std::vector<fs::path>& files_;
  Threads& threads_;
  const std::function<void(RowRead&, int)>& look_;
  const std::function<void(RowRead&)>& in_order_;
  ParseRow parse_line_;
  std::vector<std::string> lines_;
  std::vector<RowRead> reads_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::vector<fs::path> row_files(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    std::vector<DocumentFile> found;
    list_files(path, found);
    std::size_t taken = 0;
    for (const DocumentFile& file : found) {
      if (file.from_folder && !names_lines(file.path)) continue;
      if (first_byte(file.path) == '[') {
        throw_user_error(file.path.string(), ": is one JSON array, expected an object a line; convert it, for example ",
                         "with jq -c '.[]' ", file.path.filename().string(), " > data.jsonl");
      }
      files.push_back(file.path);
      ++taken;
    }
    if (taken == 0) throw_user_error(path.string(), ": holds no .jsonl or .ndjson file; name files of training rows");
  }
  return files;
}

void read_rows(const std::vector<fs::path>& files, Threads& threads, const std::function<void(RowRead&, int)>& look,
               const std::function<void(RowRead&)>& in_order, ParseRow parse_line) {
  Batch batch(files, threads, look, in_order, parse_line);
  for (std::uint32_t file = 0; file < files.size(); ++file) {
    each_line(files[file], kLongestLine, [&](const LinePlace& place, std::string_view line) {
      batch.add({file, place}, line);
    });
  }
  batch.finish();
}

DataRow read_row(const std::vector<fs::path>& files, const RowPlace& place) {
  return parse_row(read_line(files[place.file], place.line), name_of(files, place));
}

std::string name_of(const std::vector<fs::path>& files, const RowPlace& place) {
  return cat(files[place.file].string(), ':', place.line.number);
}

}  // namespace tome::data
