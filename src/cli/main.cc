// tome: read, ask, train and measure language models on very long input.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "read/session.h"

namespace {

// Exit codes: 0 done, 1 our mistake, 2 the user's, 3 a check failed, 130 and 143 stopped by Ctrl-C and SIGTERM.
int report(int code, const std::string& message, bool json) {
  if (json) {
    const nlohmann::json object = {{"schema_version", 1}, {"error", {{"message", message}, {"exit_code", code}}}};
    std::cout << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
  std::cerr << "tome: " << tome::cli::one_line(message) << '\n';
  return code;
}

void add_commands(CLI::App& app) {
  tome::cli::add_ask(app);
  tome::cli::add_train(app);
  tome::cli::add_eval(app);
  tome::cli::add_perplexity(app);
  tome::cli::add_plan(app);
  tome::cli::add_bench(app);
  tome::cli::add_data(app);
  tome::cli::add_merge(app);
  tome::cli::add_convert(app);
  tome::cli::add_text(app);
  tome::cli::add_tokenize(app);
  tome::cli::add_info(app);
  tome::cli::add_models(app);
  tome::cli::add_readings(app);
  tome::cli::add_pull(app);
}

// After --help and --version, which are printed outside any command.
int finish_help(bool json) {
  try {
    tome::cli::finish_stdout();
    return 0;
  } catch (const tome::UserError& e) {
    return report(2, e.what(), json);
  }
}

int run(CLI::App& app, int argc, char** argv, bool json) {
  try {
    tome::cli::apply_settings(app, tome::cli::settings_path());
    app.parse(argc, argv);
    tome::cli::finish_stdout();
    return tome::cli::stop_signal() == 0 ? 0 : 128 + tome::cli::stop_signal();
  } catch (const CLI::Success& e) {
    app.exit(e);
    return finish_help(json);
  } catch (const CLI::RuntimeError& e) {
    return e.get_exit_code();  // a check failed, and its command has said how
  } catch (const CLI::Error& e) {
    return report(2, std::string(e.what()) + " (see tome --help)", json);
  } catch (const tome::Interrupted& e) {
    return report(128 + std::max(tome::cli::stop_signal(), SIGINT), e.what(), json);
  } catch (const tome::UserError& e) {
    return report(2, e.what(), json);
  } catch (const std::exception& e) {
    return report(1, std::string("internal error: ") + e.what(), json);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // head(1) and its like end the program quietly
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error like a full disk
  CLI::App app{"tome reads, asks about, trains on and measures very long text with language models, on this machine."};
  app.name("tome");
  app.set_version_flag("--version", "tome 0.1.0");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "the help of every command");
  app.footer(
      "examples:\n  tome ask book.epub \"Who killed Kim?\"\n  tome text book.pdf | less\n  tome ask --help\n\n"
      "Defaults of flags: $XDG_CONFIG_HOME/tome/config.toml (model = \"smollm2\" for all commands, [ask] for one);\n"
      "TOME_MODEL, TOME_THREADS, TOME_STORE go before it, flags before both.");
  add_commands(app);
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const bool json =
      std::any_of(arguments.begin(), arguments.end(), [](const char* a) { return std::string_view(a) == "--json"; });
  return run(app, argc, argv, json);
}
