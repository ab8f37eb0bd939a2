// tome readings list|show|rm: the kept readings.
#include "read/reading_store.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "formats/printable.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Flags {
  std::string store;
  std::vector<std::string> ids;
  bool json_output = false, all = false, quiet = false;
};

fs::path path_of(const ReadingStore& store, const std::string& id) { return store.folder() / (id + ".safetensors"); }

std::time_t last_used(const ReadingStore& store, const std::string& id) {
  std::error_code error;
  const auto time = fs::last_write_time(path_of(store, id), error);
  if (error) return 0;
  return std::chrono::system_clock::to_time_t(std::chrono::file_clock::to_sys(time));
}

std::string written(std::time_t time, const char* format, bool local) {
  std::tm parts{};
  if (local) {
    ::localtime_r(&time, &parts);
  } else {
    ::gmtime_r(&time, &parts);
  }
  char text[40];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

json describe(const ReadingStore& store, const ReadingInfo& info) {
  return {{"id", info.id},
          {"document", info.document},
          {"model", info.model},
          {"tokens", info.tokens},
          {"bytes", info.bytes},
          {"last_used", written(last_used(store, info.id), "%Y-%m-%dT%H:%M:%SZ", false)},
          {"continues", info.parent},
          {"path", path_of(store, info.id).string()}};
}

// Ids of readings that were interrupted and wait to be gone on with.
std::set<std::string> unfinished(const ReadingStore& store) {
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(store.folder(), error)) {
    if (entry.path().extension() == ".partial") ids.insert(entry.path().stem().string());
  }
  return ids;
}

std::uintmax_t folder_bytes(const ReadingStore& store) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(store.folder(), error)) {
    const std::uintmax_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

void print_json(const json& object) { std::cout << object.dump(2, ' ', false, json::error_handler_t::replace) << '\n'; }

void list(const Flags& flags) {
  const ReadingStore store(store_folder(flags.store));
  const std::vector<ReadingInfo> infos = store.list();
  const std::set<std::string> halves = unfinished(store);
  if (flags.json_output) {
    json object = {{"schema_version", 1}, {"folder", store.folder().string()}, {"bytes", folder_bytes(store)}};
    object["readings"] = json::array();
    for (const ReadingInfo& info : infos) object["readings"].push_back(describe(store, info));
    object["unfinished"] = halves;
    print_json(object);
    return;
  }
  if (!infos.empty())
    std::printf("%-10s %12s %10s  %-16s  %-16s %s\n", "id", "tokens", "size", "last used", "model", "document");
  for (const ReadingInfo& info : infos) {
    std::printf("%-10s %12s %10s  %-16s  %-16s %s\n", info.id.substr(0, 10).c_str(), grouped(info.tokens).c_str(),
                human_bytes(info.bytes).c_str(), written(last_used(store, info.id), "%Y-%m-%d %H:%M", true).c_str(),
                one_line(info.model).c_str(), one_line(info.document).c_str());
  }
  std::printf("%zu kept, %s in %s\n", infos.size(), human_bytes(folder_bytes(store)).c_str(), store.folder().c_str());
  if (!halves.empty())
    std::printf("%zu interrupted; the same tome ask goes on with it, rm --all removes it\n", halves.size());
}

// The one id that begins with `prefix`.
std::string whole_id(const ReadingStore& store, const std::string& prefix) {
  std::set<std::string> all = unfinished(store);
  for (const ReadingInfo& info : store.list()) all.insert(info.id);
  if (all.contains(prefix)) return prefix;
  std::vector<std::string> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const std::string& id) { return !prefix.empty() && id.starts_with(prefix); });
  if (found.empty())
    throw_user_error("no reading ", in_quotes(prefix), " in ", store.folder().string(),
                     "; tome readings list shows them");
  if (found.size() > 1) throw_user_error(in_quotes(prefix), " begins ", found.size(), " readings; give more of the id");
  return found.front();
}

void show(const Flags& flags) {
  const ReadingStore store(store_folder(flags.store));
  json all = json::array();
  for (const std::string& prefix : flags.ids) {
    const fs::path path = path_of(store, whole_id(store, prefix));
    if (!file_exists(path.string()))
      throw_user_error(in_quotes(prefix), ": interrupted, not a whole reading yet; the same tome ask goes on with it");
    all.push_back(describe(store, read_info(path)));
  }
  if (flags.json_output) {
    print_json({{"schema_version", 1}, {"readings", all}});
    return;
  }
  for (const json& reading : all) {
    for (const char* key : {"id", "document", "model", "tokens", "bytes", "last_used", "continues", "path"}) {
      const json& value = reading[key];
      if (value.is_string() && value.get_ref<const std::string&>().empty()) continue;
      std::cout << key << std::string(11 - std::string_view(key).size(), ' ')
                << (value.is_string() ? one_line(value.get<std::string>()) : grouped(value.get<std::int64_t>()))
                << '\n';
    }
  }
}

void remove(const Flags& flags) {
  if (flags.all == !flags.ids.empty()) throw_user_error("tome readings rm: name ids or beginnings of ids, or --all");
  const ReadingStore store(store_folder(flags.store));
  std::set<std::string> ids;
  for (const std::string& prefix : flags.ids) ids.insert(whole_id(store, prefix));
  if (flags.all) {
    ids = unfinished(store);
    for (const ReadingInfo& info : store.list()) ids.insert(info.id);
  }
  const std::uintmax_t before = folder_bytes(store);
  const std::size_t count = store.list().size() + unfinished(store).size();
  for (const std::string& id : ids) store.remove(id);
  const std::uintmax_t after = folder_bytes(store);
  const std::size_t removed = count - std::min(count, store.list().size() + unfinished(store).size());
  const std::uintmax_t freed = before - std::min(before, after);
  if (flags.json_output) {
    print_json({{"schema_version", 1}, {"removed", removed}, {"freed_bytes", freed}});
  } else if (!flags.quiet) {
    std::cout << removed << (removed == 1 ? " reading" : " readings") << " removed, " << human_bytes(freed)
              << " freed\n";
  }
}

}  // namespace

void add_readings(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("readings", "the kept readings: list, show, rm");
  command->footer(
      "examples:\n  tome readings list\n  tome readings show 3f2a\n  tome readings rm 3f2a 91cc\n  tome readings rm "
      "--all");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, void (*run)(const Flags&)) {
    CLI::App* verb = command->add_subcommand(name, what);
    verb->add_option("--store", flags->store, "folder of kept readings")->envname("TOME_STORE");
    verb->add_flag("--json", flags->json_output, "one JSON object on stdout");
    verb->callback([flags, run] {
      run(*flags);
      finish_stdout();
    });
    return verb;
  };
  add("list", "all of them, last used first", list);
  add("show", "everything about some", show)->add_option("ID", flags->ids, "ids, or how they begin")->required();
  CLI::App* rm = add("rm", "remove some, and those that continue them", remove);
  rm->add_option("ID", flags->ids, "ids, or how they begin");
  rm->add_flag("--all", flags->all, "all, interrupted ones too");
  rm->add_flag("-q,--quiet", flags->quiet, "say nothing");
}

}  // namespace tome::cli
