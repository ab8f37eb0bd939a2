#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/resources.h"
#include "train/flops.h"
#include "train/pack.h"
#include "train/report.h"

namespace tome {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct StoppedWithin {};  // a step

// The last part of a path, also of one that ends with a slash.
std::string name_of(const std::filesystem::path& path) {
  return path.has_filename() ? path.filename().string() : path.parent_path().filename().string();
}

}  // namespace

Trainer::Trainer(Model& model, Threads& threads, const RunData& data, Adapter& adapter, const TrainerOptions& options,
                 const std::map<std::string, std::string>& settings)
    : model_(model),
      threads_(threads),
      data_(data.training),
      validation_data_(data.validation != nullptr ? *data.validation : data.training),
      adapter_(adapter),
      options_(options),
      adamw_(optimized_tensors(adapter.tensors()), options.adamw, threads),
      checkpoints_(options.out / "checkpoint", settings),
      gradient_(adapter) {
  DataSplit split = hold_out(data_, options.held_out_rows, options.seed);
  training_ = std::move(split.training);
  validation_ = std::move(split.held_out);
  if (data.validation != nullptr) {
    TOME_CHECK(validation_.empty());
    validation_.resize(data.validation->size());
    std::iota(validation_.begin(), validation_.end(), 0u);
  }
  samples_ = choose_samples(validation_data_, validation_, options.samples);
  if (samples_.empty()) samples_ = choose_samples(data_, training_, options.samples);
  state_.data.order_seed = options.seed;
  if (const auto loaded = checkpoints_.load(gradient_.values().size(), adamw_.state().size())) {
    state_ = loaded->state;
    notice_ = loaded->notice;
    loaded->copy_values(adapter_.values());
    adamw_.restore(loaded->moments(), state_.step);
    resumed_at_ = state_.step;
  }
  use_trained_weights(adapter_, model_);
  log_ = std::make_unique<RunLog>(options.out, state_.step);
  start_epoch();
}

void Trainer::start_epoch() {
  plan_ = plan_passes(data_, shuffled(training_, options_.seed, static_cast<std::uint64_t>(state_.data.epoch)),
                      options_.window, options_.pack);
}

// The passes of one step; an epoch that ends inside it is followed by the next.
std::vector<TrainingExample> Trainer::next_examples(std::int64_t step) {
  std::vector<TrainingExample> examples;
  for (std::int64_t i = 0; i < options_.passes_per_step; ++i) {
    if (state_.data.index >= static_cast<std::int64_t>(plan_.size())) {
      ++state_.data.epoch;
      state_.data.index = 0;
      start_epoch();
    }
    examples.push_back(load_examples(data_, plan_.pass(static_cast<std::size_t>(state_.data.index++)), options_.pose,
                                     static_cast<std::uint64_t>(step)));
  }
  return examples;
}

PassResult Trainer::run_pass(const TrainingExample& example, const PassOptions& options) {
  const auto run = options_.float32 ? training_pass<float> : training_pass<bf16>;
  return run(model_, threads_, example, adapter_.layers(), gradient_.pass(), options, progress_.get());
}

// For a step that would take too long to be begun again; else null.
std::unique_ptr<StepProgress> Trainer::progress_of(std::int64_t step, double flops) {
  if (!outlasts(flops, options_.peak_flops, options_.resume_seconds)) return nullptr;
  return std::make_unique<StepProgress>(options_.out / "step", cat(step, ' ', adapter_.fingerprint()),
                                        gradient_.values());
}

StepRecord Trainer::step(std::int64_t step, const std::atomic<bool>& stop) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<TrainingExample> examples = next_examples(step);
  StepRecord record;
  record.step = step + 1;
  double flops = 0;
  for (const TrainingExample& example : examples) {
    record.tokens += static_cast<std::int64_t>(example.ids.size());
    record.target_tokens +=
        std::count_if(example.targets.begin(), example.targets.end(), [](auto t) { return t != kNoTarget; });
    flops += pass_flops(model_.config(), count_pass(model_.config(), example), options_.pass.keep);
  }
  gradient_.clear();
  PassOptions pass = options_.pass;
  pass.scale = 1 / static_cast<double>(record.target_tokens);
  progress_ = progress_of(step, flops);
  double loss = progress_ ? progress_->loss_done() : 0;
  for (std::size_t i = progress_ ? progress_->passes_done() : 0; i < examples.size(); ++i) {
    pass.dropout.seed = RandomStream(options_.seed, static_cast<std::uint64_t>(step)).block(i)[0];
    if (progress_) {
      pass.after_layer = [&](std::size_t done, std::size_t layers) {
        if (options_.layer_done) options_.layer_done(step + 1, i * layers + done, examples.size() * layers);
        if (stop.load()) throw StoppedWithin();
      };
    }
    const PassResult result = run_pass(examples[i], pass);
    loss += result.loss;
    record.spill_bytes = std::max(record.spill_bytes, result.spill_bytes);
    sample_private_peak();
  }
  record.loss = loss * pass.scale;
  const double norm = global_norm(gradient_.values(), threads_);
  if (!std::isfinite(norm) || !std::isfinite(record.loss)) {
    throw_user_error("step ", step + 1,
                     ": the gradient is no longer finite; take a smaller --learning-rate, or --clip");
  }
  record.learning_rate = options_.learning_rate * options_.schedule.factor(step);
  adamw_.step(adapter_.values(), gradient_.values(), record.learning_rate, clip_factor(norm, options_.largest_norm));
  use_trained_weights(adapter_, model_);
  const double seconds = seconds_since(start);
  record.tokens_per_second = static_cast<double>(record.tokens) / seconds;
  record.fraction_of_peak = options_.peak_flops > 0 ? flops / seconds / options_.peak_flops : 0;
  record.peak_rss_bytes = peak_rss();
  record.peak_private_bytes = peak_private();
  return record;
}

// The loss of the validation examples; the adapter is kept when it is the best so far.
void Trainer::validate(std::int64_t step) {
  if (validation_.empty()) return;
  double loss = 0;
  std::int64_t targets = 0;
  const PassPlan passes = plan_passes(validation_data_, validation_, options_.window, false);
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const TrainingExample example = load_examples(validation_data_, passes.pass(i), PoseOptions{}, 0);
    const auto run = options_.float32 ? example_loss<float> : example_loss<bf16>;
    const PassResult result = run(model_, threads_, example, adapter_.layers(), options_.pass.chunk_rows);
    loss += result.loss;
    targets += static_cast<std::int64_t>(result.targets);
    sample_private_peak();
  }
  loss /= static_cast<double>(targets);
  if (!std::isfinite(loss)) {  // before anything that was good is overwritten
    throw_user_error(
        "step ", step, ": the loss of the held-out rows is no longer finite; ",
        state_.best_validation_loss ? cat(options_.out.string(), " holds the best adapter before it; ") : "",
        "take a smaller --learning-rate, or --clip");
  }
  log_->add(ValidationRecord{step, loss, targets});
  if (state_.best_validation_loss && *state_.best_validation_loss <= loss) return;
  state_.best_validation_loss = loss;
  state_.best_step = step;
  save_adapter(options_.out, adapter_, model_.config(), options_.use);
}

void Trainer::answer_samples(std::int64_t step) {
  for (const Sample& sample : samples_) {
    log_->add(SampleRecord{step, sample.question, sample.expected, options_.answer(sample)});
  }
}

void Trainer::save(std::int64_t step) {
  state_.step = step;
  save_adapter(options_.out / "last", adapter_, model_.config(), options_.use);
  if (validation_.empty()) save_adapter(options_.out, adapter_, model_.config(), options_.use);
  checkpoints_.save(state_, adapter_.values(), adamw_.state());
  report();
}

void Trainer::report() const {
  Report page;
  page.title = name_of(options_.out);
  page.settings = options_.shown_settings;
  page.planned_steps = options_.schedule.steps;
  page.steps = log_->steps();
  page.validations = log_->validations();
  page.samples = log_->samples();
  write_report(options_.out / "report.html", page);
}

bool Trainer::run(const std::function<void(const StepRecord&)>& progress, const std::atomic<bool>& stop) {
  auto saved = std::chrono::steady_clock::now();
  for (std::int64_t i = state_.step; i < options_.schedule.steps; ++i) {
    StepRecord record;
    try {
      record = step(i, stop);
    } catch (const StoppedWithin&) {
      return false;  // all that is done is on disk
    }
    log_->add(record);
    const bool end = i + 1 == options_.schedule.steps;
    if (end || (i + 1) % options_.validate_every == 0) {
      validate(i + 1);
      answer_samples(i + 1);
    }
    if (progress) progress(record);
    if (end || stop.load() || progress_ || seconds_since(saved) >= options_.save_seconds) {
      save(i + 1);
      if (progress_) progress_->remove();
      saved = std::chrono::steady_clock::now();
    }
    if (stop.load() && !end) return false;
  }
  return true;
}

}  // namespace tome
