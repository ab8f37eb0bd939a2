#include "cli/train_settings.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/output.h"
#include "formats/new_file.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

// A string of JSON is one of TOML.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Setting text(const char* name, const std::string& value) { return {name, quoted(value), value}; }
Setting number(const char* name, double value) {
  const std::string digits = shortest(value);
  return {name, digits, digits};
}
Setting integer(const char* name, std::int64_t value) { return {name, cat(value), cat(value)}; }
Setting yes_or_no(const char* name, bool value) { return {name, value ? "true" : "false", value ? "yes" : "no"}; }
Setting list(const char* name, const std::vector<std::string>& values) {
  Setting setting{name, "[", ""};
  for (const std::string& value : values) {
    setting.toml += cat(setting.text.empty() ? "" : ", ", quoted(value));
    setting.text += cat(setting.text.empty() ? "" : ", ", value);
  }
  setting.toml += "]";
  return setting;
}

// Whole numbers of TOML end at 2^63.
Setting seed(std::uint64_t value) {
  const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return fits ? integer("seed", static_cast<std::int64_t>(value)) : text("seed", cat(value));
}

std::string from_anywhere(const std::string& path) { return fs::absolute(path).lexically_normal().string(); }

std::vector<std::string> from_anywhere(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  all.reserve(paths.size());
  for (const std::string& path : paths) all.push_back(from_anywhere(path));
  return all;
}

}  // namespace

std::vector<Setting> effective_settings(const TrainFlags& flags, const Layout& layout, int threads) {
  const TrainerOptions& t = flags.trainer;
  const AdapterSettings& a = flags.adapter;
  std::vector<Setting> settings = {
      text("model", file_exists(flags.model) ? from_anywhere(flags.model) : flags.model),
      list("data", from_anywhere(flags.data)),
      text("out", from_anywhere(flags.out)),
      text("layout", layout.name),
      text("train-on", flags.train_on),
      yes_or_no("no-pack", flags.no_pack),
      yes_or_no("skip-bad", flags.skip_bad),
      seed(t.seed),
      integer("context", t.window),
      text("rope-scaling", flags.rope_scaling),
      text("pose", flags.pose),
      flags.steps > 0 ? integer("steps", flags.steps) : number("epochs", flags.epochs),
      integer("accumulate", t.passes_per_step),
      text("adapter", flags.begin.empty() ? "" : from_anywhere(flags.begin)),
      integer("rank", static_cast<std::int64_t>(a.rank)),
      number("alpha", a.alpha),
      number("dropout", a.dropout),
      yes_or_no("rank-stabilised", a.rank_stabilised),
      list("matrices", matrix_names(a)),
      list("train-also", flags.train_also),
      number("learning-rate", t.learning_rate),
      text("schedule", flags.schedule),
      integer("warm-up", t.schedule.warm_up_steps),
      number("weight-decay", t.adamw.weight_decay),
      number("clip", t.largest_norm),
      text("moments", flags.moments),
      list("validation", from_anywhere(flags.validation)),
      integer("hold-out", static_cast<std::int64_t>(t.held_out_rows)),
      integer("validate-every", t.validate_every),
      integer("samples", flags.samples),
      text("keep", flags.keep),
      text("activations", flags.activations),
      text("memory", flags.memory),
      number("resume-seconds", t.resume_seconds),
      text("dtype", flags.dtype),
      integer("threads", threads),
      yes_or_no("quiet", flags.quiet),
  };
  if (!flags.begin.empty()) {  // the adapter says it, which PEFT may have made with values that no flag takes
    std::erase_if(settings, [](const Setting& setting) {
      return setting.name == "rank" || setting.name == "alpha" || setting.name == "rank-stabilised" ||
             setting.name == "matrices" || setting.name == "train-also";
    });
  }
  return settings;
}

void write_settings(const fs::path& path, const std::vector<Setting>& settings) {
  std::string lines = "# Repeats this run: tome train --settings FILE --out ANOTHER_FOLDER\n";
  for (const Setting& setting : settings) lines += cat(setting.name, " = ", setting.toml, "\n");
  NewFile file(path);
  file.write(lines);
  file.finish();
}

std::map<std::string, std::string> deciding_settings(const TrainFlags& flags, const OpenModel& open,
                                                     const RunData& data, const Layout& layout, int threads) {
  const TrainerOptions& t = flags.trainer;
  const AdapterSettings& a = flags.adapter;
  std::map<std::string, std::string> settings{
      {"model", cat(open.model->fingerprint())},
      {"tokenizer", cat(open.tokenizer->fingerprint())},
      {"data", cat(data.training.fingerprint())},
      {"validation", data.validation != nullptr ? cat(data.validation->fingerprint()) : "none"},
      {"layout", layout.name},
      {"context", cat(t.window)},
      {"rope_scaling", to_string(open.model->config().rope_scaling)},
      {"dtype", flags.dtype},
      {"threads", cat(threads)},
      {"rank", cat(a.rank)},
      {"alpha", shortest(a.alpha)},
      {"rank_stabilised", cat(a.rank_stabilised)},
      {"dropout", shortest(a.dropout)},
      {"matrices", list("", matrix_names(a)).text},
      {"norms", cat(a.norms)},
      {"embeddings", cat(a.embeddings)},
      {"steps", cat(t.schedule.steps)},
      {"schedule", flags.schedule},
      {"warm_up", cat(t.schedule.warm_up_steps)},
      {"learning_rate", shortest(t.learning_rate)},
      {"weight_decay", shortest(t.adamw.weight_decay)},
      {"beta1", shortest(t.adamw.beta1)},
      {"beta2", shortest(t.adamw.beta2)},
      {"epsilon", shortest(t.adamw.epsilon)},
      {"clip", shortest(t.largest_norm)},
      {"moments", flags.moments},
      {"accumulate", cat(t.passes_per_step)},
      {"pack", cat(t.pack)},
      {"pose", cat(t.pose.target_window)},
      {"train_on", flags.train_on},
      {"hold_out", cat(t.held_out_rows)},
      {"validate_every", cat(t.validate_every)},
      {"keep", std::string(to_string(t.pass.keep))},
      {"chunk_rows", cat(t.pass.chunk_rows)},
      {"head_group_bytes", cat(t.pass.head_group_bytes)},
      {"seed", cat(t.seed)}};
  if (open.adapter) settings["adapter"] = cat(open.adapter->fingerprint());
  return settings;
}

}  // namespace tome::cli
