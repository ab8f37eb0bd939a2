#include "cli/settings.h"

#include <toml++/toml.h>

#include <cstdlib>

#include "base/error.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

std::string place(const fs::path& file, const toml::source_position& at, std::string_view key) {
  return cat(file.string(), ":", at.line, ": ", key);
}

std::string text_of(const toml::node& value, const std::string& where) {
  if (const auto text = value.value_exact<std::string>()) return *text;
  if (const auto flag = value.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto number = value.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const auto number = value.value_exact<double>()) return cat(*number);
  throw_user_error(where, ": expected a text, a number, true or false");
}

// False: neither the command nor one of its own commands has such a flag.
bool set_default(CLI::App& command, std::string_view key, const toml::node& value, const std::string& where) {
  bool known = false;
  for (CLI::App* verb : command.get_subcommands({})) known = set_default(*verb, key, value, where) || known;
  CLI::Option* option = command.get_option_no_throw(cat("--", key));
  if (option == nullptr || key == "help" || key == "version") return known;
  const std::string text = text_of(value, where);
  try {
    option->default_val(text);
  } catch (const CLI::Error&) {
    throw_user_error(where, ": got \"", text, "\", which --", key, " does not take (see tome ", command.get_name(),
                     " --help)");
  }
  return true;
}

}  // namespace

fs::path settings_path() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return fs::path(config) / "tome" / "config.toml";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return fs::path(home) / ".config" / "tome" / "config.toml";
}

void apply_settings(CLI::App& app, const fs::path& file) {
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return;
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& problem) {
    throw_user_error(place(file, problem.source().begin, problem.description()),
                     "; correct the line or move the file away");
  }
  for (const auto& [key, value] : table) {
    if (value.is_table()) continue;
    const std::string where = place(file, value.source().begin, key.str());
    bool known = false;
    for (CLI::App* command : app.get_subcommands({})) known = set_default(*command, key.str(), value, where) || known;
    if (!known) throw_user_error(where, ": no command has a flag --", key.str());
  }
  for (const auto& [name_key, section] : table) {
    const std::string_view name = name_key.str();  // clang 14 cannot capture a structured binding
    if (!section.is_table()) continue;
    const auto named = app.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
    if (named.empty()) throw_user_error(place(file, section.source().begin, name), ": tome has no such command");
    for (const auto& [key, value] : *section.as_table()) {
      const std::string where = place(file, value.source().begin, cat("[", name, "] ", key.str()));
      if (!set_default(*named.front(), key.str(), value, where)) {
        throw_user_error(where, ": tome ", name, " has no flag --", key.str());
      }
    }
  }
}

}  // namespace tome::cli
