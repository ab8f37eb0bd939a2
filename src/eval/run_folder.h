// The folder of a run: what was asked and what was answered, kept so that the same command goes on where it stopped.
//   run.json            what decides the samples ("request") and the answers ("answerer")
//   samples.jsonl       one sample a line; documents/N.txt: the texts that they ask about
//   answers/VIEW.jsonl  the answers as they came, one a line, for each view: a way to show the document
//   judged/VIEW.jsonl   what a judge said of them (eval/judge.h)
//   results.json, report.md, report.html, transcript.md    made from these
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/answerer.h"
#include "eval/sample.h"
#include "formats/json_lines.h"

namespace tome::eval {

/// Hash of document, question, shots and accepted answers (16 hexadecimal digits): samples of two runs are the same
/// when id and fingerprint are.
std::string fingerprint(const EvalSet& set, const EvalSample& sample);

/// Answers by sample id.
using Answers = std::map<std::string, EvalAnswer, std::less<>>;

class RunFolder {
 public:
  /// Makes the folder, or opens it. Throws UserError when it holds something else than a run.
  explicit RunFolder(std::filesystem::path path);
  /// Opens one that is there. Throws UserError when there is none.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// run.json; empty object in a new folder.
  const nlohmann::json& run() const { return run_; }

  /// The samples of an earlier start with the same request; nothing in a new folder. Throws UserError naming what
  /// differs when the folder was begun with another request.
  std::optional<EvalSet> load(const nlohmann::json& request) const;
  /// Of whatever request. Throws UserError for broken samples.
  EvalSet load() const;
  void save(const EvalSet& set, const nlohmann::json& request);

  /// Notes who answers. Throws UserError naming what differs when the folder has answers of another one.
  void set_answerer(const nlohmann::json& description);
  /// The same of who judges.
  void set_judge(const nlohmann::json& description);

  /// The answers of one view. An incomplete last line, of a process that was killed, is left out.
  Answers answers(std::string_view view) const;
  /// The file of a view's answers, to append to; `kept` is what it holds at first.
  std::unique_ptr<JsonLines> append_answers(std::string_view view, const Answers& kept) const;
  /// The lines of another file of the folder, without an incomplete last one; none when there is no such file. Throws
  /// UserError for a line that is no JSON.
  std::vector<nlohmann::json> lines(std::string_view name) const;
  /// All views with answers, by name.
  std::vector<std::string> views() const;

 private:
  void set_who(const char* role, const char* part, const nlohmann::json& description, std::string_view what_to_do);
  std::vector<std::string> names_in(const char* part) const;
  void write_run() const;
  std::filesystem::path answers_path(std::string_view view) const;

  std::filesystem::path path_;
  nlohmann::json run_ = nlohmann::json::object();
};

}  // namespace tome::eval
