#include "cli/bench_run.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "cli/bench_shape.h"
#include "text/document.h"

namespace tome::cli {

BenchSubject open_subject(const BenchFlags& flags, std::int64_t tokens) {
  BenchSubject subject;
  subject.model = flags.shape.empty() ? std::make_unique<Model>(find_model(flags.model.model))
                                      : random_model(known_shape(flags.shape).config, flags.layers, flags.folder);
  stretch_context(subject.model->config(), tokens, flags.model.rope_scaling);
  subject.plan = plan_model(*subject.model);
  return subject;
}

std::vector<TokenId> bench_ids(const BenchFlags& flags, const Model& model, std::size_t count) {
  if (flags.text.empty()) {
    std::mt19937 random(1);
    std::vector<TokenId> ids(count);
    for (TokenId& id : ids) id = static_cast<TokenId>(random() % model.config().vocabulary);
    return ids;
  }
  if (model.gguf() == nullptr || !flags.shape.empty())
    throw_user_error("--text needs a .gguf --model with its tokenizer");
  std::vector<TokenId> ids = make_tokenizer(*model.gguf())->encode(read_documents({flags.text}).text).ids;
  if (ids.size() < count)
    throw_user_error(flags.text, ": ", ids.size(), " tokens, but ", count, " were asked for; ask for fewer");
  ids.resize(count);
  return ids;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void report_bench(const BenchFlags& flags, const char* what, std::int64_t size, const BenchFigures& f, double peak) {
  const std::string name = flags.shape.empty() ? flags.model.model : flags.shape;
  if (flags.json) {
    nlohmann::json object{{"schema_version", 1},
                          {"model", name},
                          {"bench", what},
                          {"tokens", size},
                          {"threads", flags.model.thread_count()},
                          {"repeat", flags.repeat},
                          {"tokens_per_second", f.tokens / f.seconds},
                          {"seconds", f.seconds},
                          {"peak_rss_bytes", f.rss},
                          {"peak_private_bytes", f.anonymous},
                          {"fraction_of_peak", f.used / peak}};
    if (f.planned_private > 0) object["planned_private_bytes"] = f.planned_private;
    if (f.spill > 0) object["spill_bytes"] = f.spill;
    std::cout << object << std::endl;
    return;
  }
  std::printf("%s %s %lld: %.1f tokens/s, %.2f s, %.0f %% of the peak, private %.0f MiB, resident %.0f MiB",
              name.c_str(), what, static_cast<long long>(size), f.tokens / f.seconds, f.seconds, 100 * f.used / peak,
              static_cast<double>(f.anonymous) / (1 << 20), static_cast<double>(f.rss) / (1 << 20));
  if (f.planned_private > 0) std::printf(", planned %.0f MiB", static_cast<double>(f.planned_private) / (1 << 20));
  if (f.spill > 0) std::printf(", spilled %.0f MiB", static_cast<double>(f.spill) / (1 << 20));
  std::printf("\n");
}

void BenchFlags::add_to(CLI::App& command) {
  model.add_to(command);
  command.add_option("--shape", shape, "random Q4_0 weights of this shape instead of a model (see tome plan)");
  command.add_option("--layers", layers, "layers of --shape")->check(CLI::Range(1, 200))->capture_default_str();
  command.add_option("--folder", folder, "where the weights of --shape lie meanwhile")->capture_default_str();
  command.add_option("--repeat", repeat, "runs; the median counts")->check(CLI::Range(1, 1000))->capture_default_str();
  command.add_flag("--json", json, "one JSON object on stdout");
}

}  // namespace tome::cli
