#include "cli/eval_flags.h"

#include <charconv>
#include <utility>

#include "base/error.h"

namespace tome::cli {
namespace {

// "NAME=VALUE"
std::pair<std::string, std::string> split_pair(const char* flag, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
    throw_user_error(flag, " ", text, ": expected NAME=VALUE");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_depth(const std::string& text) {
  double depth = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), depth);
  if (error != std::errc() || end != text.data() + text.size() || !(depth >= 0 && depth <= 1)) {
    throw_user_error("--depths: got \"", text, "\", expected numbers from 0 (begin) to 1 (end), as 0,0.5,1");
  }
  return depth;
}

// --api, --url, --api-model and --key-variable, or those of the judge: --judge-api ...
void add_name(CLI::App& command, ServiceName& name, const std::string& judge, const char* group) {
  const std::string dashes = "--" + judge;
  command.add_option(dashes + "api", name.api, "openai (chat), openai-completions (base models) or anthropic")
      ->check(CLI::IsMember({"openai", "openai-completions", "anthropic"}))
      ->group(group);
  command.add_option(dashes + "url", name.url, "of the service, as http://localhost:8080; default: the service's own")
      ->group(group);
  command.add_option(judge.empty() ? "--api-model" : "--judge-model", name.model, "the model's name there")
      ->group(group);
  command.add_option(dashes + "key-variable", name.key_variable, "environment variable that holds the key")
      ->group(group);
}

}  // namespace

void JudgeFlags::add_to(CLI::App& command) {
  constexpr const char* kGroup = "A judge of answers (docs/answerers.md)";
  command
      .add_flag("--judge", on, "ask a model which answers mean the same as the accepted ones, beside the exact score")
      ->group(kGroup);
  add_name(command, who, "judge-", kGroup);
  command.add_option("--judge-tasks", tasks, "tasks to judge besides those that want it (topics)")
      ->delimiter(',')
      ->group(kGroup);
}

void ServiceFlags::add_to(CLI::App& command) {
  constexpr const char* kGroup = "A model service (docs/answerers.md)";
  add_name(command, who, "", kGroup);
  command.add_option("--timeout", timeout, "seconds for one request")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--retries", retries)->check(CLI::NonNegativeNumber)->capture_default_str()->group(kGroup);
  command.add_option("--requests-per-minute", requests_per_minute, "0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("-j,--jobs,--concurrency", concurrency, "requests at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--prices", prices, "file of prices, for estimates and costs")->group(kGroup);
  command.add_option("--cost-limit", cost_limit, "dollars at which to stop")->check(CLI::PositiveNumber)->group(kGroup);
  command.add_flag("--yes", yes, "go on whatever it will cost")->group(kGroup);
}

void EvalFlags::add_to(CLI::App& command) {
  model.add_to(command);
  model.add_adapter_to(command);
  command.add_option("--tasks", tasks, "what to ask, by name; --list shows them")->delimiter(',');
  command.add_flag("--list", list, "the tasks, their data and where to get it");
  command.add_option("-o,--out", out, "folder of the run; the same command goes on where it stopped");
  command.add_option("--lengths", lengths, "tokens of text, question and answer together, as 4k,32k,100000")
      ->delimiter(',');
  command.add_option("--depths", depths, "where answers stand, 0 begin to 1 end, as 0,0.5,1")->delimiter(',');
  command.add_option("--samples", samples, "questions for each task and length")->check(CLI::PositiveNumber);
  command.add_option("--shots", shots, "worked examples before each question")->check(CLI::NonNegativeNumber);
  command.add_option("--seed", seed, "of everything that is drawn")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--data", data, "NAME=PATH of your copy of a task's data; may be given again")
      ->allow_extra_args(false);
  command.add_option("--set", settings, "TASK.SETTING=VALUE, as lines.count=4000; may be given again")
      ->allow_extra_args(false);
  command.add_option("--samples-from", samples_from, "the samples of another run's folder");
  command.add_option("--layout", layout,
                     "how text and question are put (docs/layouts.md); default: what suits the model");
  command.add_option("--too-long", too_long, "samples longer than the window")
      ->check(CLI::IsMember({"error", "skip", "cut"}))
      ->capture_default_str();
  command.add_option("--tokenizer", tokenizer, "of the model whose tokens count as length, without --model");
  command.add_option("--answers", answers, "score this JSONL file of answers instead of asking a model");
  service.add_to(command);
  judge.add_to(command);
  command.add_option("--retrieve", retrieve, "ask with retrieved passages too")
      ->check(CLI::IsMember({"bm25", "embeddings"}));
  command.add_option("--passages", passages, "for --retrieve: how many")->capture_default_str();
  command.add_option("--passage-tokens", passage_tokens, "for --retrieve: how long")->capture_default_str();
  command.add_option("--embeddings-url", embeddings_url, "for --retrieve embeddings: the service");
  command.add_option("--embeddings-model", embeddings_model, "for --retrieve embeddings: the model's name there");
  command.add_option("--embeddings-key-variable", embeddings_key_variable,
                     "for --retrieve embeddings: environment variable that holds the key");
  command.add_flag("--no-document", no_document, "ask without any text too: what the model knew already");
}

eval::TaskRequest EvalFlags::request() const {
  eval::TaskRequest request;
  for (const std::string& length : lengths) request.lengths.push_back(parse_count("--lengths", length));
  for (const std::string& depth : depths) request.depths.push_back(parse_depth(depth));
  request.samples = samples;
  request.seed = seed;
  request.shots = shots;
  for (const std::string& text : data) {
    auto [name, path] = split_pair("--data", text);
    if (!request.data.emplace(name, path).second) throw_user_error("--data ", text, ": ", name, " was given before");
  }
  for (const std::string& text : settings) {
    auto [name, value] = split_pair("--set", text);
    eval::find_task(name.substr(0, name.find('.')));
    if (!request.settings.emplace(name, value).second) throw_user_error("--set ", text, ": it was given before");
  }
  return request;
}

}  // namespace tome::cli
