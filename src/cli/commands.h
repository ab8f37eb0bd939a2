// Every command of the program: a function that adds it to the command line. One file each, flags -> one call.
#pragma once

namespace CLI {
class App;
}

namespace tome::cli {

void add_ask(CLI::App& app);
void add_perplexity(CLI::App& app);

}  // namespace tome::cli
