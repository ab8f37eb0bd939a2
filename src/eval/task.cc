#include "eval/task.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.h"

namespace tome::eval {

namespace fs = std::filesystem;

const Task& find_task(std::string_view name) {
  const std::string_view whole = name.substr(0, name.find('/'));
  const auto& all = tasks();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Task& task) { return task.name == whole; });
  if (found != all.end()) return *found;
  std::string names;
  for (const Task& task : all) names += cat(names.empty() ? "" : ", ", task.name);
  throw_user_error("no task \"", name, "\"; there are ", names);
}

namespace {

// What is sought of `task`'s settings, or of data when it is empty.
std::string names_sought(const NamesSought& sought, std::string_view task) {
  std::string names;
  for (const std::string& name : sought) {
    const std::size_t dot = name.find('.');
    const bool fits = task.empty() ? dot == std::string::npos : name.starts_with(task) && dot == task.size();
    if (fits) names += cat(names.empty() ? "" : ", ", name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

void refuse_unsought(const TaskRequest& request) {
  for (const auto& [name, path] : request.data) {
    if (request.sought->contains(name)) continue;
    throw_user_error("--data ", name, "=", path.string(), ": this run has no use for it; it looks for ",
                     names_sought(*request.sought, ""));
  }
  for (const auto& [name, value] : request.settings) {
    if (request.sought->contains(name)) continue;
    throw_user_error("--set ", name, "=", value, ": this run has no use for it; it looks for ",
                     names_sought(*request.sought, name.substr(0, name.find('.'))));
  }
}

std::optional<fs::path> find_data(const TaskRequest& request, std::string_view name, const fs::path& fallback) {
  request.sought->emplace(name);
  const auto given = request.data.find(name);
  if (given != request.data.end()) return given->second;
  if (request.for_training) return std::nullopt;
  const char* folder = std::getenv("TOME_DATA");
  if (folder == nullptr || *folder == '\0' || fallback.empty()) return std::nullopt;
  fs::path path = fs::path(folder) / fallback;
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  return path;
}

fs::path need_data(const TaskRequest& request, std::string_view task, std::string_view name,
                   std::string_view where_to_get, const fs::path& fallback) {
  const std::optional<fs::path> path = find_data(request, name, fallback);
  if (!path) throw_user_error(task, ": needs --data ", name, "=PATH; ", where_to_get);
  std::error_code error;
  if (!fs::exists(*path, error)) {
    throw_user_error(task, ": --data ", name, "=", path->string(), ": there is no such file or folder; ", where_to_get);
  }
  return *path;
}

std::int64_t setting(const TaskRequest& request, std::string_view name, std::int64_t otherwise, std::int64_t least) {
  request.sought->emplace(name);
  const auto given = request.settings.find(name);
  if (given == request.settings.end()) return otherwise;
  const std::string& text = given->second;
  std::int64_t value = 0;
  const auto end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end || value < least) {
    throw_user_error("--set ", name, "=", text, ": expected a whole number of at least ", least);
  }
  return value;
}

std::string setting(const TaskRequest& request, std::string_view name, std::string_view otherwise) {
  request.sought->emplace(name);
  const auto given = request.settings.find(name);
  return given == request.settings.end() ? std::string(otherwise) : given->second;
}

void append(EvalSet& set, EvalSet more) {
  const std::size_t shift = set.documents.size();
  for (EvalSample& sample : more.samples) {
    sample.document += shift;
    set.samples.push_back(std::move(sample));
  }
  for (EvalDocument& document : more.documents) set.documents.push_back(std::move(document));
  for (std::string& note : more.notes) set.notes.push_back(std::move(note));
}

}  // namespace tome::eval
