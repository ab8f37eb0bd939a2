// What tome train will take: chosen and shown before the first step.
#pragma once

#include <cstdint>

#include "cli/train_flags.h"
#include "model/plan.h"
#include "train/training_plan.h"

namespace tome::cli {

/// The schedule for the longest pass over `data`, by --memory, --keep and --activations; also set in
/// flags.trainer.pass. `begun`: the adapter to go on with, or null. Throws UserError when it fits neither --memory nor
/// the machine, with the nearest settings that would.
TrainingPlanOptions plan_training(TrainFlags& flags, const PlanModel& model, const Adapter* begun, const RunData& run,
                                  int threads);

/// The same for what `options` has of tokens, targets, adapter and bytes of the training set.
TrainingPlanOptions plan_training(TrainFlags& flags, const PlanModel& model, TrainingPlanOptions options, int threads);

/// The plan as a table on stdout, what a step that outlasts --resume-seconds keeps on disk included; passes: of the
/// whole run, 0 leaves its time out.
void print_training_plan(TrainingPlanOptions options, const PlanModel& model, const TrainerOptions& trainer,
                         double bf16_flops, double passes);

}  // namespace tome::cli
