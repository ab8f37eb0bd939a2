// The commands of `tome data`, one file each.
#pragma once

namespace CLI {
class App;
}

namespace tome::cli {

void add_data_build(CLI::App& data);
void add_data_check(CLI::App& data);
void add_data_stats(CLI::App& data);

}  // namespace tome::cli
