// tome: read, ask, train and measure language models on very long input.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "base/error.h"
#include "cli/commands.h"
#include "read/session.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed stdout shows as a failed write, which ends the program quietly
  CLI::App app{"tome reads, asks about, trains on and measures very long text with language models, on this machine."};
  app.name("tome");
  app.set_version_flag("--version", "tome 0.1.0");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all");
  tome::cli::add_ask(app);
  tome::cli::add_perplexity(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::Error& e) {
    std::cerr << "tome: " << e.what() << " (see tome --help)\n";
    return 2;
  } catch (const tome::Interrupted& e) {
    std::cerr << "tome: " << e.what() << '\n';
    return 130;
  } catch (const tome::UserError& e) {
    std::cerr << "tome: " << e.what() << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "tome: internal error: " << e.what() << '\n';
    return 1;
  }
  return 0;
}
