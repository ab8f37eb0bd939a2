// A whole training run: passes, optimizer steps, checkpoints, validation, and the adapter at its end.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "model/adapter.h"
#include "model/adapter_folder.h"
#include "model/model.h"
#include "train/adamw.h"
#include "train/adapter_gradient.h"
#include "train/checkpoint.h"
#include "train/epoch.h"
#include "train/log.h"
#include "train/pass.h"
#include "train/pose.h"
#include "train/sample.h"
#include "train/schedule.h"
#include "train/training_set.h"

namespace tome {

struct TrainerOptions {
  std::filesystem::path out;         // the run's folder
  std::int64_t passes_per_step = 1;  // gradients of this many passes are added up
  std::int64_t window = 0;           // tokens of a pass at most
  bool pack = true;                  // short examples share a pass
  PoseOptions pose;
  double learning_rate = 2e-4;
  Schedule schedule;        // its `steps` is the length of the run
  double largest_norm = 1;  // gradients are clipped to it; 0: never
  AdamwSettings adamw;
  AdapterUse use;  // goes with the adapter
  std::size_t held_out_rows = 0;
  std::int64_t validate_every = 50;  // steps
  std::size_t samples = 0;           // questions answered at each validation
  AnswerSample answer;               // needed for them
  double save_seconds = 60;          // a checkpoint when the last is older, and at the end
  std::uint64_t seed = 1;
  PassOptions pass;
  bool float32 = false;   // activations in f32 (for references), else bf16
  double peak_flops = 0;  // of the machine, for the log; 0: not measured
  /// Called within steps that take long: layers done forward and backward, of all passes of the step.
  std::function<void(std::int64_t step, std::size_t done, std::size_t all)> layer_done = nullptr;
  double resume_seconds = 60;  // a step that is to take longer keeps what it has done on disk, layer by layer
  std::vector<std::pair<std::string, std::string>> shown_settings;  // by name, for report.html
};

struct RunData {
  const TrainingSet& training;
  const TrainingSet* validation = nullptr;  // null: TrainerOptions::held_out_rows of the training data
};

/// Trains `adapter` for `model` and leaves in `out`: the adapter of the best validation loss (without validation: the
/// last), last/, checkpoint/, log.jsonl, validation.jsonl, samples.jsonl, report.html. The same options on the same
/// folder go on where a run was ended, and give the same adapter as one that was not.
class Trainer {
 public:
  /// Borrows all. `settings`: everything that decides the numbers, by name, for telling another run from this one.
  Trainer(Model& model, Threads& threads, const RunData& data, Adapter& adapter, const TrainerOptions& options,
          const std::map<std::string, std::string>& settings);

  /// Steps done by an earlier run into the same folder; 0: a new run.
  std::int64_t resumed_at() const { return resumed_at_; }
  bool already_complete() const { return resumed_at_ == options_.schedule.steps; }
  /// Why not the last checkpoint was taken; or empty.
  const std::string& notice() const { return notice_; }

  /// Runs to the end, or until `stop` after the step in hand (a checkpoint is then saved), or after the layer in hand
  /// of a step that takes long. Returns true at the end.
  bool run(const std::function<void(const StepRecord&)>& progress, const std::atomic<bool>& stop);

  const RunLog& log() const { return *log_; }

 private:
  void start_epoch();
  std::vector<TrainingExample> next_examples(std::int64_t step);
  StepRecord step(std::int64_t step, const std::atomic<bool>& stop);
  void validate(std::int64_t step);
  void answer_samples(std::int64_t step);
  void save(std::int64_t step);
  void report() const;
  PassResult run_pass(const TrainingExample& example, const PassOptions& options);
  std::unique_ptr<StepProgress> progress_of(std::int64_t step, double flops);

  Model& model_;
  Threads& threads_;
  const TrainingSet& data_;
  const TrainingSet& validation_data_;  // the same, when rows of it are held out
  Adapter& adapter_;
  TrainerOptions options_;
  std::vector<std::uint32_t> training_, validation_;  // examples of the two
  std::vector<Sample> samples_;
  PassPlan plan_;  // of the epoch in hand
  AdamW adamw_;
  CheckpointFolder checkpoints_;
  RunState state_;
  std::unique_ptr<RunLog> log_;
  AdapterGradient gradient_;
  std::unique_ptr<StepProgress> progress_;  // of a long step in hand
  std::int64_t resumed_at_ = 0;
  std::string notice_;
};

}  // namespace tome
