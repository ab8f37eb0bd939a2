// Every command of the program: a function that adds it to the command line. One file each, flags -> one call.
#pragma once

namespace CLI {
class App;
}

namespace tome::cli {

void add_ask(CLI::App& app);
void add_bench(CLI::App& app);
void add_convert(CLI::App& app);
void add_eval(CLI::App& app);
/// Below eval.
void add_eval_compare(CLI::App& eval);
void add_data(CLI::App& app);
void add_info(CLI::App& app);
void add_merge(CLI::App& app);
void add_models(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_plan(CLI::App& app);
void add_pull(CLI::App& app);
void add_readings(CLI::App& app);
void add_text(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_train(CLI::App& app);

}  // namespace tome::cli
