#include "train/checkpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "formats/json.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr const char* kVersion = "1";
constexpr const char* kSuffix = ".safetensors";
constexpr std::size_t kKept = 2;

// Settings may hold file names that are no UTF-8.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string to_text(const RunState& state) {
  json value = {{"step", state.step},
                {"epoch", state.data.epoch},
                {"index", state.data.index},
                {"order_seed", state.data.order_seed},
                {"random_state", state.random_state},
                {"best_step", state.best_step}};
  if (state.best_validation_loss) value["best_validation_loss"] = *state.best_validation_loss;
  return dump(value);
}

RunState to_state(const StateFile& file) {
  const std::string where = file.path().string();
  const json value = parse_json(std::as_bytes(std::span(file.word("state"))), where, 4);
  try {
    RunState state;
    value.at("step").get_to(state.step);
    value.at("epoch").get_to(state.data.epoch);
    value.at("index").get_to(state.data.index);
    value.at("order_seed").get_to(state.data.order_seed);
    value.at("random_state").get_to(state.random_state);
    value.at("best_step").get_to(state.best_step);
    if (value.contains("best_validation_loss")) {
      state.best_validation_loss = value.at("best_validation_loss").get<double>();
    }
    return state;
  } catch (const json::exception&) {
    throw_user_error(where, ": damaged, its state is incomplete");
  }
}

std::span<const std::byte> values_of(const StateFile& file) { return file.part("values"); }

// "rank: 16 there, 8 here"; at most three.
std::string differences(const json& there, const json& here) {
  std::string text;
  int found = 0;
  const auto add = [&](const std::string& key) {
    const auto shown = [&](const json& side) {
      if (!side.contains(key)) return std::string("nothing");
      return side.at(key).is_string() ? side.at(key).get<std::string>() : dump(side.at(key));
    };
    if (++found <= 3) text += cat(found > 1 ? "; " : "", key, ": ", shown(there), " there, ", shown(here), " here");
  };
  for (const auto& item : here.items()) {
    if (!there.contains(item.key()) || there.at(item.key()) != item.value()) add(item.key());
  }
  for (const auto& item : there.items()) {
    if (!here.contains(item.key())) add(item.key());
  }
  return found > 3 ? cat(text, "; and ", found - 3, " more") : text;
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::filesystem::path folder, const std::map<std::string, std::string>& settings)
    : folder_(std::move(folder)), settings_(dump(settings)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  lock();
  remove_leftovers();
}

CheckpointFolder::~CheckpointFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void CheckpointFolder::lock() {
  const auto path = folder_ / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) throw_user_error("cannot write to ", folder_.string(), ": ", std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
    const std::string process = cat(::getpid(), "\n");
    [[maybe_unused]] const bool named =  // for the message of another run, no more
        ::ftruncate(lock_, 0) == 0 && ::pwrite(lock_, process.data(), process.size(), 0) > 0;
    return;
  }
  const int reason = errno;
  char process[20] = {};
  const bool has_number = ::pread(lock_, process, sizeof process - 1, 0) > 0;
  ::close(std::exchange(lock_, -1));
  if (reason != EWOULDBLOCK) throw_user_error("cannot lock ", path.string(), ": ", std::strerror(reason));
  throw_user_error(folder_.string(), ": another run is training into this folder",
                   has_number ? cat(" (process ", std::atoll(process), ")") : "",
                   "; wait for its end or choose another --out");
}

// What a run that was killed while it saved has left.
void CheckpointFolder::remove_leftovers() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().find(cat(kSuffix, ".part")) == std::string::npos) continue;
    std::filesystem::remove(entry.path(), error);
  }
}

std::filesystem::path CheckpointFolder::path_of(std::int64_t step) const {
  return folder_ / cat("step-", step, kSuffix);
}

std::vector<std::int64_t> CheckpointFolder::saved_steps() const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t step = -1;
    if (name.starts_with("step-")) std::from_chars(name.data() + 5, name.data() + name.size(), step);
    if (step >= 0 && name == path_of(step).filename()) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

void CheckpointFolder::save(const RunState& state, std::span<const float> values, std::span<const std::byte> moments) {
  const std::vector<std::int64_t> before = saved_steps();
  try {
    write_state_file(path_of(state.step), {{"version", kVersion}, {"settings", settings_}, {"state", to_text(state)}},
                     {{"values", std::as_bytes(values)}, {"moments", moments}});
  } catch (const UserError& error) {
    throw_user_error("the checkpoint of step ", state.step, " is not saved: ", error.what(),
                     before.empty() ? std::string() : cat("; the one of step ", before[0], " is intact"));
  }
  std::vector<std::int64_t> steps = saved_steps();
  for (std::size_t i = kKept; i < steps.size(); ++i) {
    std::error_code error;
    std::filesystem::remove(path_of(steps[i]), error);
  }
}

void CheckpointFolder::expect_same_run(const StateFile& file, std::size_t values, std::size_t moment_bytes) const {
  const std::string where = file.path().string();
  const auto parse = [&](const std::string& text) { return parse_json(std::as_bytes(std::span(text)), where, 4); };
  std::string difference;
  if (file.word("settings") != settings_) {
    difference = differences(parse(file.word("settings")), parse(settings_));
  } else if (values_of(file).size() != values * sizeof(float)) {
    difference = cat("trained numbers: ", values_of(file).size() / sizeof(float), " there, ", values, " here");
  } else if (file.part("moments").size() != moment_bytes) {
    difference = cat("bytes of moments: ", file.part("moments").size(), " there, ", moment_bytes, " here");
  } else {
    return;
  }
  throw_user_error(where, " belongs to another run (", difference, "); give the settings of that run, choose another ",
                   "--out, or remove ", folder_.string(), " to start anew");
}

std::optional<CheckpointFolder::Loaded> CheckpointFolder::load(std::size_t values, std::size_t moment_bytes) const {
  std::string trouble;
  for (const std::int64_t step : saved_steps()) {
    std::optional<StateFile> file;
    RunState state;
    try {
      file.emplace(path_of(step));
      if (file->word("version") != kVersion) {
        throw_user_error(path_of(step).string(), ": of version ", file->word("version"), ", this tome has ", kVersion);
      }
      state = to_state(*file);
    } catch (const UserError& error) {
      trouble += cat(trouble.empty() ? "" : "; ", error.what());
      continue;
    }
    expect_same_run(*file, values, moment_bytes);
    if (!trouble.empty()) trouble += cat("; going on from step ", step);
    return Loaded{state, std::move(*file), trouble};
  }
  if (trouble.empty()) return std::nullopt;
  throw_user_error("no checkpoint is whole (", trouble, "); remove ", folder_.string(), " to start anew");
}

void CheckpointFolder::Loaded::copy_values(std::span<float> values) const {
  const auto bytes = values_of(file);
  TOME_CHECK(bytes.size() == values.size_bytes());
  std::memcpy(values.data(), bytes.data(), bytes.size());
}

void CheckpointFolder::clear() {
  for (const std::int64_t step : saved_steps()) std::filesystem::remove(path_of(step));
}

}  // namespace tome
