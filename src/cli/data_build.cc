// tome data build: a training set out of books, tasks and published question sets.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/common.h"
#include "cli/data_build.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/validators.h"
#include "data/build.h"
#include "data/question_sets.h"

namespace tome::cli {
namespace {

constexpr const char* kTokens = "30000-100000";

double parse_depth(const std::string& text) {
  double value = -1;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc() && parsed.ptr == end && value >= 0 && value <= 1) return value;
  throw_user_error("--depth: got \"", text, "\", expected a number of 0 to 1, or two such as 0.2-0.8");
}

// "A-B", or "A" for both.
std::pair<std::string, std::string> range_of(const std::string& text) {
  const std::size_t dash = text.find('-');
  return dash == std::string::npos ? std::pair(text, text) : std::pair(text.substr(0, dash), text.substr(dash + 1));
}

// NAME=VALUE, into `values`.
template <typename Values>
void add_pair(const char* flag, const char* example, const std::string& text, Values& values) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw_user_error(flag, ": got \"", text, "\", expected ", example);
  }
  values.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
}

void finish(BuildFlags& flags, const Tokenizer& tokenizer) {
  data::BuildRequest& request = flags.request;
  std::tie(request.least_tokens, request.most_tokens) = token_range(flags.tokens.empty() ? kTokens : flags.tokens);
  const auto [low, high] = range_of(flags.depth);
  request.least_depth = parse_depth(low);
  request.most_depth = parse_depth(high);
  if (request.least_depth > request.most_depth) throw_user_error("--depth ", flags.depth, ": ends before it begins");
  request.books = flags.books;
  for (const std::string& named : flags.data) {
    add_pair("--data", "NAME=PATH, such as quality=QuALITY.train.jsonl", named, request.data);
  }
  for (const std::string& set : flags.settings) {
    eval::find_task(set.substr(0, set.find('.')));
    add_pair("--set", "TASK.SETTING=VALUE, such as needle.count=3", set, request.settings);
  }
  request.count_tokens = [&tokenizer](std::string_view text) {
    return static_cast<std::int64_t>(tokenizer.encode(text).ids.size());
  };
}

void print(const data::BuildResult& result, const BuildFlags& flags) {
  if (!flags.answerer.model.quiet) {
    for (const std::string& note : result.notes) std::cerr << "note: " << one_line(note) << '\n';
  }
  if (flags.json) {
    nlohmann::json sources = nlohmann::json::object();
    for (const auto& [name, rows] : result.sources) sources[name] = rows;
    std::cout << nlohmann::json({{"schema_version", 1},
                                 {"rows", result.rows},
                                 {"questions", result.questions},
                                 {"tokens", result.tokens},
                                 {"sources", sources},
                                 {"notes", result.notes}})
              << '\n';
    return;
  }
  std::cout << flags.out << ": " << grouped(result.rows) << " rows, " << grouped(result.questions) << " questions, "
            << grouped(result.tokens) << " tokens of documents\n";
  for (const auto& [name, rows] : result.sources) std::cout << "  " << name << ": " << grouped(rows) << '\n';
}

// Settings and data that nothing in the mix would look at. A task of the evaluation says itself which of its own it
// looks for.
void refuse_unused(const data::BuildRequest& request, const std::vector<data::MixPart>& mix, const std::string& text) {
  for (const auto& [name, value] : request.settings) {
    const std::string task = name.substr(0, name.find('.'));
    const bool used = std::any_of(mix.begin(), mix.end(), [&](const data::MixPart& part) {
      return part.source.substr(0, part.source.find('/')) == task;
    });
    if (!used) throw_user_error("--set ", name, "=", value, ": ", task, " is not in --mix ", text);
  }
  for (const auto& entry : request.data) {
    const std::string& name = entry.first;
    const auto reads = [&](const data::MixPart& part) {
      return part.source == name || (!data::is_question_set(part.source) && !data::is_question_set(name));
    };
    if (std::none_of(mix.begin(), mix.end(), reads)) {
      throw_user_error("--data ", name, "=", entry.second.string(), ": nothing in --mix ", text, " looks for it");
    }
  }
}

void run_mix(BuildFlags& flags) {
  const OpenTokenizer open = open_tokenizer(find_model(flags.answerer.model.model));
  finish(flags, *open.tokenizer);
  const std::vector<data::MixPart> mix = data::parse_mix(flags.mix);
  refuse_unused(flags.request, mix, flags.mix);
  for (const data::MixPart& part : mix) {
    const bool ends = data::is_question_set(part.source);
    if (flags.rows == 0 && !ends) throw_user_error("--rows: is needed, ", part.source, " makes rows without end");
  }
  ProgressLine line(flags.answerer.model.quiet);
  const data::BuildResult result = data::build_rows(mix, flags.request, flags.rows, flags.out, [&](std::int64_t done) {
    line.show_fitting({flags.rows > 0 ? cat("row ", done, " of ", flags.rows) : cat("row ", done)});
  });
  line.clear();
  print(result, flags);
}

void run(BuildFlags& flags) {
  if (flags.mix.empty() == flags.written_about.empty()) {
    throw_user_error("tome data build: needs --mix or --write-questions, one of them");
  }
  refuse_overwriting(flags.out, flags.answerer.model.force);
  flags.writing.questions = flags.request.questions;
  if (flags.mix.empty()) return write_questions(flags);
  run_mix(flags);
}

void add_writing(CLI::App& command, BuildFlags& flags) {
  constexpr const char* kGroup = "Questions that a model writes (docs/training-data.md)";
  command.add_option("--write-questions", flags.written_about, "documents, or folders of them, to ask the model about")
      ->group(kGroup);
  command.add_option("--right", flags.writing.right, "least score of an answer that counts as right: token F1")
      ->check(between(0.0, 1.0))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--answer-tokens", flags.writing.answer_tokens, "room for an answer")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--passages", flags.passages, "that must not give the answer: how many")
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--passage-tokens", flags.passage_tokens, "how long they are")
      ->capture_default_str()
      ->group(kGroup);
  command
      .add_option("--layout", flags.answerer.layout,
                  "how text and question are put (docs/layouts.md); default: what suits the model")
      ->group(kGroup);
}

}  // namespace

std::pair<std::int64_t, std::int64_t> token_range(const std::string& text) {
  const auto [first, last] = range_of(text);
  const std::pair range(parse_count("--tokens", first), parse_count("--tokens", last));
  if (range.first > range.second) throw_user_error("--tokens ", text, ": ends before it begins");
  return range;
}

void add_data_build(CLI::App& data) {
  auto flags = std::make_shared<BuildFlags>();
  data::BuildRequest& request = flags->request;
  CLI::App* command = data.add_subcommand("build", "training rows out of books, tasks and published question sets");
  command->footer(
      "examples:\n  tome data build --books novels --mix order=1,keys=2,chain=1 --rows 200 --tokens 4k-16k -o "
      "train.jsonl\n"
      "  tome data build --data quality=QuALITY.train.jsonl --mix quality --tokens 4k-8k -o quality.jsonl\n"
      "  tome data build --write-questions novels --questions 8 -o written.jsonl\n\n"
      "The sources are in docs/training-data.md. The same flags give the same bytes.");
  command->add_option("-o,--out", flags->out, "the JSONL file to write")->required();
  command->add_option("--mix", flags->mix, "sources with their weights, e.g. lines=2,order=1");
  command->add_option("--rows", flags->rows, "how many; default: all that question sets have")
      ->check(CLI::Range(1, 100000000));
  command->add_option("--books", flags->books, "a folder of texts for order, count, keys and chain");
  command->add_option("--licence", request.licence, "of the books, or of a set that does not name its own");
  command->add_option("--data", flags->data, "NAME=PATH: files of a question set or a task");
  command->add_option("--set", flags->settings, "TASK.SETTING=VALUE, as needle.count=3; may be given again")
      ->allow_extra_args(false);
  command->add_option("--tokens", flags->tokens,
                      cat("of a document; default: ", kTokens, ", of written questions all that the window holds"));
  command->add_option("--questions", request.questions, "of a row, at most")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  command->add_option("--depth", flags->depth, "where made answers stand, evenly: 0 begin, 1 end")
      ->capture_default_str();
  command->add_option("--seed", request.seed)->check(CLI::NonNegativeNumber)->capture_default_str();
  flags->answerer.model.add_to(*command);
  command->get_option("--model")->description(
      "whose tokens count, and who writes questions: a name, a .gguf file, a folder");
  command->get_option("--force")->description("replace the file if it exists; take --kv q4 although it costs quality");
  flags->answerer.model.add_adapter_to(*command);
  add_writing(*command, *flags);
  flags->answerer.service.add_to(*command);
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
