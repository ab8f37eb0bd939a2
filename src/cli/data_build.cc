// tome data build: a training set out of books, tasks and published question sets.
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/common.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "data/build.h"
#include "data/question_sets.h"

namespace tome::cli {
namespace {

struct Flags {
  std::string out, model = "gemma", mix, tokens = "30000-100000", depth = "0-1", books;
  std::vector<std::string> data;
  std::int64_t rows = 0;
  data::BuildRequest request;
  bool force = false, json = false, quiet = false;
};

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

void finish(Flags& flags, const Tokenizer& tokenizer) {
  data::BuildRequest& request = flags.request;
  const auto [least, most] = range_of(flags.tokens);
  request.least_tokens = parse_count("--tokens", least);
  request.most_tokens = parse_count("--tokens", most);
  if (request.least_tokens > request.most_tokens)
    throw_user_error("--tokens ", flags.tokens, ": ends before it begins");
  const auto [low, high] = range_of(flags.depth);
  request.least_depth = parse_depth(low);
  request.most_depth = parse_depth(high);
  if (request.least_depth > request.most_depth) throw_user_error("--depth ", flags.depth, ": ends before it begins");
  request.books = flags.books;
  for (const std::string& named : flags.data) {
    const std::size_t equals = named.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw_user_error("--data: got \"", named, "\", expected NAME=PATH, such as quality=QuALITY.train.jsonl");
    }
    request.data.insert_or_assign(named.substr(0, equals), named.substr(equals + 1));
  }
  request.count_tokens = [&tokenizer](std::string_view text) {
    return static_cast<std::int64_t>(tokenizer.encode(text).ids.size());
  };
}

void print(const data::BuildResult& result, const Flags& flags) {
  if (!flags.quiet) {
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

void run(Flags& flags) {
  refuse_overwriting(flags.out, flags.force);
  const OpenTokenizer open = open_tokenizer(find_model(flags.model));
  finish(flags, *open.tokenizer);
  const std::vector<data::MixPart> mix = data::parse_mix(flags.mix);
  for (const data::MixPart& part : mix) {
    const bool ends = data::is_question_set(part.source);
    if (flags.rows == 0 && !ends) throw_user_error("--rows: is needed, ", part.source, " makes rows without end");
  }
  ProgressLine line(flags.quiet);
  const data::BuildResult result = data::build_rows(mix, flags.request, flags.rows, flags.out, [&](std::int64_t done) {
    line.show_fitting({flags.rows > 0 ? cat("row ", done, " of ", flags.rows) : cat("row ", done)});
  });
  line.clear();
  print(result, flags);
}

}  // namespace

void add_data_build(CLI::App& data) {
  auto flags = std::make_shared<Flags>();
  data::BuildRequest& request = flags->request;
  CLI::App* command = data.add_subcommand("build", "training rows out of books, tasks and published question sets");
  command->footer(
      "examples:\n  tome data build --books novels --mix order=1,keys=2,chain=1 --rows 200 --tokens 4k-16k -o "
      "train.jsonl\n"
      "  tome data build --data quality=QuALITY.train.jsonl --mix quality --tokens 4k-8k -o quality.jsonl\n\n"
      "The sources are in docs/training-data.md. The same flags give the same bytes.");
  command->add_option("-o,--out", flags->out, "the JSONL file to write")->required();
  command->add_flag("--force", flags->force, "replace the file if it exists");
  command->add_option("--mix", flags->mix, "sources with their weights, e.g. lines=2,order=1")->required();
  command->add_option("--rows", flags->rows, "how many; default: all that question sets have")
      ->check(CLI::Range(1, 100000000));
  command->add_option("--books", flags->books, "a folder of texts for order, count, keys and chain");
  command->add_option("--licence", request.licence, "of the books, or of a set that does not name its own");
  command->add_option("--data", flags->data, "NAME=PATH: files of a question set or a task");
  command->add_option("--tokens", flags->tokens, "of a document")->capture_default_str();
  command->add_option("--questions", request.questions, "of a row, at most")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  command->add_option("--depth", flags->depth, "where made answers stand, evenly: 0 begin, 1 end")
      ->capture_default_str();
  command->add_option("--seed", request.seed)->capture_default_str();
  command
      ->add_option("-m,--model", flags->model, "whose tokens count: a name, a .gguf file, a folder, or a tiktoken file")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->add_flag("-q,--quiet", flags->quiet, "only errors on stderr");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
