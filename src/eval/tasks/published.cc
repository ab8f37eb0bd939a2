#include "eval/tasks/published.h"

#include <xxhash.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "eval/choices.h"
#include "eval/scorers/words.h"

namespace tome::eval {

std::vector<std::string> chosen_parts(const TaskRequest& request, std::string_view task,
                                      const std::vector<std::string>& names) {
  const std::string key = cat(task, ".parts");
  const std::string wanted = setting(request, key, "");
  if (wanted.empty()) return names;
  std::vector<std::string> parts;
  for (const std::string_view piece : split_at(wanted, ',')) {
    const std::string part(strip(piece));
    if (std::find(names.begin(), names.end(), part) == names.end()) {
      std::string all;
      for (const std::string& name : names) all += cat(all.empty() ? "" : ", ", name);
      throw_user_error("--set ", key, ": no part \"", part, "\"; there are ", all);
    }
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  return parts;
}

std::vector<std::size_t> chosen_rows(const TaskRequest& request, std::string_view part, std::size_t rows,
                                     EvalSet& set) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Choices(request.seed, part).shuffle(order);
  const std::int64_t wanted = request.samples > 0 ? request.samples : kPublishedSamples;
  order.resize(std::min(rows, static_cast<std::size_t>(wanted)));
  std::sort(order.begin(), order.end());
  set.notes.push_back(cat(part, ": ", order.size(), " of ", rows, " rows"));
  return order;
}

std::size_t DocumentPool::index(EvalSet& set, std::string text) {
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    if (set.documents[entry->second].text == text) return entry->second;
  }
  by_hash_.emplace(hash, set.documents.size());
  set.documents.push_back({std::move(text)});
  return set.documents.size() - 1;
}

void group_by_document(EvalSet& set) {
  std::stable_sort(set.samples.begin(), set.samples.end(),
                   [](const EvalSample& one, const EvalSample& other) { return one.document < other.document; });
}

std::filesystem::path published_file(const std::filesystem::path& folder, const std::string& name,
                                     const std::vector<std::string>& below) {
  std::error_code error;
  if (std::filesystem::exists(folder / name, error)) return folder / name;
  for (const std::string& between : below) {
    if (std::filesystem::exists(folder / between / name, error)) return folder / between / name;
  }
  return {};
}

}  // namespace tome::eval
