// tome data stats FILE...: what a training set is made of.
#include "data/stats.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "data/row_reader.h"
#include "data/stats_html.h"
#include "data/stats_text.h"

namespace tome::cli {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::string model, html;
  int threads = 0;
  bool json = false, force = false, quiet = false;
};

std::string title_of(const Flags& flags) {
  const std::string first = std::filesystem::path(flags.files.front()).filename().string();
  return flags.files.size() == 1 ? first : cat(first, " and ", flags.files.size() - 1, " more");
}

void run(const Flags& flags) {
  if (!flags.html.empty()) refuse_overwriting(flags.html, flags.force);
  const std::vector<std::filesystem::path> files = data::row_files({flags.files.begin(), flags.files.end()});
  OpenTokenizer open;
  if (!flags.model.empty()) open = open_tokenizer(find_model(flags.model));
  std::uint64_t total = 0;
  for (const std::filesystem::path& file : files) total += std::filesystem::file_size(file);
  Threads threads(flags.threads > 0 ? flags.threads : usable_cores());
  ProgressLine line(flags.quiet);
  const data::Stats stats = data::count_rows(files, threads, open.tokenizer.get(),
                                             [&](std::uint64_t done) { line.show_bytes("counting", done, total, 0); });
  line.clear();
  if (!flags.html.empty()) data::write_stats_html(flags.html, stats, title_of(flags));
  if (!flags.quiet) {
    for (const std::string& broken : stats.first_broken) std::cerr << "note: " << one_line(broken) << '\n';
  }
  using nlohmann::json;
  std::cout << (flags.json ? data::stats_json(stats).dump(-1, ' ', false, json::error_handler_t::replace) + '\n'
                           : data::stats_text(stats));
}

}  // namespace

void add_data_stats(CLI::App& data) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = data.add_subcommand("stats", "shapes, lengths, positions of answers, sources and licences");
  command->footer("examples:\n  tome data stats qa.jsonl\n  tome data stats data/ -m gemma --html data.html");
  command->add_option("FILE", flags->files, "JSONL files, or folders of them")->required();
  command->add_option("-m,--model", flags->model,
                      "count tokens too: a name, a .gguf file, a folder, or a tiktoken file");
  command->add_option("--html", flags->html, "write the figures with histograms to this file too");
  command->add_flag("--force", flags->force, "replace that file if it exists");
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->add_option("-t,--threads", flags->threads, "default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command->add_flag("-q,--quiet", flags->quiet, "only errors on stderr");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
