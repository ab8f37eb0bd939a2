#include "eval/tasks/csv.h"

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace tome::eval {

Csv::Csv(const std::filesystem::path& path, const std::vector<std::string>& columns) : file_(path) {
  std::size_t at = 0, line = 1;
  const std::vector<std::string> names = read(at, line);
  width_ = names.size();
  for (const std::string& column : columns) {
    const auto found = std::find(names.begin(), names.end(), column);
    if (found == names.end()) throw_user_error(where(1), ": has no column ", column, "; expected the published file");
    columns_.push_back(static_cast<std::size_t>(found - names.begin()));
  }
}

void Csv::for_each(const std::function<void(const Row&)>& on_row) const {
  std::size_t at = 0, line = 1;
  read(at, line);
  while (at < text().size()) {
    Row row{{}, where(line)};
    const std::vector<std::string> fields = read(at, line);
    if (fields.size() == 1 && fields[0].empty()) continue;  // an empty line
    if (fields.size() != width_) {
      throw_user_error(row.where, ": has ", fields.size(), " fields; expected ", width_, ", as in the first line");
    }
    for (const std::size_t column : columns_) row.values.push_back(fields[column]);
    on_row(row);
  }
}

std::string_view Csv::text() const {
  return {reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()};
}

std::string Csv::where(std::size_t line) const { return cat(file_.path().string(), ":", line); }

std::vector<std::string> Csv::read(std::size_t& at, std::size_t& line) const {
  const std::string_view all = text();
  const std::size_t first_line = line;
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (; at < all.size(); ++at) {
    const char byte = all[at];
    if (byte == '"') {
      const bool doubled = quoted && all.substr(at + 1).starts_with('"');
      if (doubled) fields.back() += all[++at];
      if (!doubled) quoted = !quoted;
      continue;
    }
    if (byte == '\n') ++line;
    if (!quoted && byte == '\n') break;
    if (!quoted && byte == ',') {
      fields.emplace_back();
    } else if (quoted || byte != '\r') {
      fields.back() += byte;
    }
  }
  if (quoted) throw_user_error(where(first_line), ": a quotation mark is not closed; download the file again");
  if (at < all.size()) ++at;
  for (const std::string& field : fields) {
    if (find_invalid_utf8(field) != field.size()) throw_user_error(where(first_line), ": is not UTF-8");
  }
  return fields;
}

}  // namespace tome::eval
