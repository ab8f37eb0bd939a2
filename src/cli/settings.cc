#include "cli/settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "cli/output.h"

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
  if (const auto number = value.value_exact<double>()) return shortest(*number);
  throw_user_error(where, ": expected a text, a number, true or false");
}

toml::table parse(const fs::path& file) {
  try {
    return toml::parse_file(file.string());
  } catch (const toml::parse_error& problem) {
    throw_user_error(place(file, problem.source().begin, problem.description()),
                     "; correct the line or move the file away");
  }
}

// Help and the file itself are no settings.
CLI::Option* find_flag(const CLI::App& command, std::string_view key) {
  if (key == "help" || key == "version" || key == "settings") return nullptr;
  return const_cast<CLI::App&>(command).get_option_no_throw(cat("--", key));
}

std::string names_of_flags(const CLI::App& command) {
  std::string names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (find_flag(command, name) != nullptr) names += cat(names.empty() ? "" : ", ", name);
    }
  }
  return names;
}

// What CLI11 says of a value, without the flag's name before it.
std::string reason_of(const CLI::Error& error, const CLI::Option& option) {
  const auto* wrong = dynamic_cast<const CLI::ValidationError*>(&error);
  const std::string type = option.get_type_name();
  if (wrong == nullptr) return cat("expected ", type.empty() ? "true or false" : type);
  const std::string text = wrong->what();
  const std::string flag = cat(option.get_name(), ": ");
  return text.starts_with(flag) ? text.substr(flag.size()) : text;
}

// What all commands share is no default for a flag that another command means differently (configurable: false). False:
// neither the command nor one of its own commands has such a flag.
bool set_default(CLI::App& command, std::string_view key, const toml::node& value, const std::string& where,
                 bool shared) {
  bool known = false;
  for (CLI::App* verb : command.get_subcommands({})) known = set_default(*verb, key, value, where, shared) || known;
  CLI::Option* option = find_flag(command, key);
  if (option == nullptr || (shared && !option->get_configurable())) return known;
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
  const toml::table table = parse(file);
  for (const auto& [key, value] : table) {
    if (value.is_table()) continue;
    const std::string where = place(file, value.source().begin, key.str());
    bool known = false;
    for (CLI::App* command : app.get_subcommands({}))
      known = set_default(*command, key.str(), value, where, true) || known;
    if (!known) throw_user_error(where, ": no command has a flag --", key.str());
  }
  for (const auto& [name_key, section] : table) {
    const std::string_view name = name_key.str();  // clang 14 cannot capture a structured binding
    if (!section.is_table()) continue;
    const auto named = app.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
    if (named.empty()) throw_user_error(place(file, section.source().begin, name), ": tome has no such command");
    for (const auto& [key, value] : *section.as_table()) {
      const std::string where = place(file, value.source().begin, cat("[", name, "] ", key.str()));
      if (!set_default(*named.front(), key.str(), value, where, false)) {
        throw_user_error(where, ": tome ", name, " has no flag --", key.str());
      }
    }
  }
}

void CommandSettings::load(CLI::App& command, const fs::path& file) {
  command_ = &command;
  values_.clear();
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    throw_user_error("--settings ", file.string(), ": there is no such file; give a TOML file of flags of tome ",
                     command.get_name());
  }
  for (const auto& [key, node] : parse(file)) {
    Value value;
    value.where = place(file, node.source().begin, key.str());
    value.option = find_flag(command, key.str());
    if (value.option == nullptr) {
      throw_user_error(value.where, ": tome ", command.get_name(), " has no such flag, expected one of ",
                       names_of_flags(command));
    }
    const toml::array* list = node.as_array();
    if (list != nullptr && value.option->get_items_expected_max() <= 1) {
      throw_user_error(value.where, ": got a list, expected one value: ", value.option->get_type_name());
    }
    if (list == nullptr) value.texts.push_back(text_of(node, value.where));
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      value.texts.push_back(text_of(*list->get(i), value.where));
    }
    value.option->envname("")->required(false);
    values_.push_back(std::move(value));
  }
}

void CommandSettings::apply(std::span<const std::array<const char*, 2>> instead) const {
  const auto given = [](const CLI::Option* option) { return option->count() > 0; };
  const auto replaced = [&](const CLI::Option* option) {
    return std::any_of(instead.begin(), instead.end(), [&](const auto& pair) {
      const CLI::Option* first = command_->get_option(pair[0]);
      const CLI::Option* second = command_->get_option(pair[1]);
      return (option == first && given(second)) || (option == second && given(first));
    });
  };
  std::vector<const Value*> wanted;  // all chosen before any is set: a file that gives both of a pair is to be refused
  for (const Value& value : values_) {
    if (!given(value.option) && !replaced(value.option)) wanted.push_back(&value);
  }
  for (const Value* value : wanted) {
    if (value->texts.empty()) continue;
    for (const std::string& text : value->texts) value->option->add_result(text);
    try {
      value->option->run_callback();
    } catch (const CLI::Error& error) {
      std::string got;
      for (const std::string& text : value->texts) got += cat(got.empty() ? "" : ", ", text);
      throw_user_error(value->where, ": got \"", got, "\": ", reason_of(error, *value->option));
    }
  }
}

}  // namespace tome::cli
