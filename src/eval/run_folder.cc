#include "eval/run_folder.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <span>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/sample_json.h"
#include "formats/json.h"
#include "formats/new_file.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kDeepest = 16;
constexpr int kSchemaVersion = 1;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_user_error(path.string(), ": cannot be read; the run's folder is damaged, begin another one");
  return {std::istreambuf_iterator<char>(file), {}};
}

json parse(const std::string& text, const std::string& where) {
  return parse_json(std::as_bytes(std::span(text)), where, kDeepest);
}

fs::path document_path(const fs::path& folder, std::size_t number) {
  return folder / "documents" / cat(number, ".txt");
}

// "lengths: [4096] there, [8192] now"; the keys at which two objects differ.
std::string differences(const json& before, const json& now) {
  std::string out;
  json keys = before;
  keys.update(now);
  for (const auto& [key, unused] : keys.items()) {
    const json there = before.value(key, json()), here = now.value(key, json());
    if (there != here) out += cat(out.empty() ? "" : "; ", key, ": ", there.dump(), " there, ", here.dump(), " now");
  }
  return out;
}

}  // namespace

std::string fingerprint(const EvalSet& set, const EvalSample& sample) {
  json parts = {set.documents.at(sample.document).text, sample.question, sample.answer_prefix, sample.answers};
  for (const Shot& shot : sample.shots) parts.push_back({shot.question, shot.answer});
  const std::string text = parts.dump(-1, ' ', false, json::error_handler_t::replace);
  return hex_digits(XXH3_64bits(text.data(), text.size()));
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!fs::is_directory(path_, error)) throw_user_error(path_.string(), ": cannot be made; give another --out");
  if (fs::exists(path_ / "run.json", error)) {
    run_ = parse(read_file(path_ / "run.json"), (path_ / "run.json").string());
    if (!run_.is_object() || run_.value("schema_version", json()) != kSchemaVersion || !run_.contains("request")) {
      throw_user_error((path_ / "run.json").string(), ": is not of a run of this version; give another --out");
    }
  } else if (!fs::is_empty(path_, error)) {
    throw_user_error(path_.string(), ": holds files but no run; give a new folder as --out");
  }
}

RunFolder RunFolder::open(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path / "run.json", error)) {
    throw_user_error(path.string(), ": is not the folder of a run; tome eval --out makes one");
  }
  return RunFolder(path);
}

std::optional<EvalSet> RunFolder::load(const json& request) const {
  if (run_.empty()) return std::nullopt;
  if (run_.at("request") != request) {
    throw_user_error(path_.string(), ": holds a run of other samples (", differences(run_.at("request"), request),
                     "); give the same flags to go on, or another --out");
  }
  return load();
}

EvalSet RunFolder::load() const {
  const fs::path path = path_ / "samples.jsonl";
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_user_error(path.string(), ": cannot be read; the run's folder is damaged, begin another one");
  EvalSet set;
  std::set<std::string> ids;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string where = cat(path.string(), ":", ++number);
    try {
      set.samples.push_back(sample_from_json(parse(line, where)));
    } catch (const json::exception&) {
      throw_user_error(where, ": is not a sample; the run's folder is damaged, begin another one");
    }
    if (!ids.insert(set.samples.back().id).second) {
      throw_user_error(where, ": has the id ", set.samples.back().id, " of a sample before; begin another run");
    }
    const std::size_t document = set.samples.back().document;
    if (document > set.documents.size() || set.samples.back().answers.empty()) {
      throw_user_error(where, ": names document ", document, " out of order, or has no answers; begin another run");
    }
    if (document == set.documents.size()) set.documents.push_back({read_file(document_path(path_, document)), 0});
  }
  return set;
}

void RunFolder::save(const EvalSet& set, const json& request) {
  std::error_code error;
  fs::create_directories(path_ / "documents", error);
  for (std::size_t i = 0; i < set.documents.size(); ++i) write_file(document_path(path_, i), set.documents[i].text);
  std::string lines, prints;
  for (const EvalSample& sample : set.samples) {
    lines += json_line(to_json(sample)) + "\n";
    prints += sample.id + fingerprint(set, sample);
  }
  write_file(path_ / "samples.jsonl", lines);
  run_ = {{"schema_version", kSchemaVersion},
          {"request", request},
          {"data_revision", hex_digits(XXH3_64bits(prints.data(), prints.size()))},
          {"notes", set.notes}};
  write_run();  // last: a folder with it is whole
}

void RunFolder::set_answerer(const json& description) {
  set_who("answerer", "answers", description,
          cat("give another --out, with --samples-from ", path_.string(), " for the same samples"));
}

void RunFolder::set_judge(const json& description) {
  set_who("judge", "judged", description,
          cat("give the same judge, or remove ", (path_ / "judged").string(), " to judge again"));
}

void RunFolder::set_who(const char* role, const char* part, const json& description, std::string_view what_to_do) {
  TOME_CHECK(!run_.empty());
  const json before = run_.value(role, json());
  if (before == description) return;
  if (!before.is_null() && !names_in(part).empty()) {
    throw_user_error(path_.string(), ": holds what another ", role, " said (", differences(before, description), "); ",
                     what_to_do);
  }
  run_[role] = description;
  write_run();
}

void RunFolder::write_run() const { write_file(path_ / "run.json", run_.dump(2) + "\n"); }

fs::path RunFolder::answers_path(std::string_view view) const { return path_ / "answers" / cat(view, ".jsonl"); }

std::vector<json> RunFolder::lines(std::string_view name) const {
  std::vector<json> lines;
  const fs::path path = path_ / name;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (file.eof()) break;  // no line end: cut off
    lines.push_back(parse(line, cat(path.string(), ":", lines.size() + 1)));
  }
  return lines;
}

Answers RunFolder::answers(std::string_view view) const {
  Answers answers;
  const std::string name = cat("answers/", view, ".jsonl");
  for (const json& line : lines(name)) {
    try {
      answers[line.at("id").get<std::string>()] = answer_from_json(line);
    } catch (const json::exception&) {
      throw_user_error((path_ / name).string(),
                       ": a line is not an answer; the run's folder is damaged, begin another one");
    }
  }
  return answers;
}

std::unique_ptr<JsonLines> RunFolder::append_answers(std::string_view view, const Answers& kept) const {
  std::vector<std::string> lines;
  for (const auto& [id, answer] : kept) lines.push_back(json_line(to_json(id, answer)));
  return std::make_unique<JsonLines>(answers_path(view), lines);
}

std::vector<std::string> RunFolder::views() const { return names_in("answers"); }

std::vector<std::string> RunFolder::names_in(const char* part) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_ / part, error)) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tome::eval
