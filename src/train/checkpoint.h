// The checkpoint of a run: everything that the next step depends on, so that a run that was ended at any moment goes on
// as if it had not been.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "train/state_file.h"

namespace tome {

/// The next example: place `index` in the order that `order_seed` gives to pass `epoch` over the data.
struct DataPosition {
  std::int64_t epoch = 0;
  std::int64_t index = 0;
  std::uint64_t order_seed = 0;
  bool operator==(const DataPosition&) const = default;
};

struct RunState {
  std::int64_t step = 0;  // optimizer steps done
  DataPosition data;
  std::string random_state;  // as the generator prints itself
  std::optional<double> best_validation_loss;
  std::int64_t best_step = 0;  // of that loss
  bool operator==(const RunState&) const = default;
};

/// The folder `checkpoint/` of a run's output: the last two checkpoints, each in a file of its own, and a lock that
/// this object holds against other runs into the same folder.
class CheckpointFolder {
 public:
  /// `settings`: all that the run's numbers depend on, by name ("rank", "learning_rate", "model" and "data" by their
  /// hashes). Throws UserError when another run holds the folder, naming its process, or when it cannot be written to.
  CheckpointFolder(std::filesystem::path folder, const std::map<std::string, std::string>& settings);
  ~CheckpointFolder();
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  /// Adds a checkpoint, then removes all but the last two. Throws UserError naming the reason and the checkpoint that
  /// is left when there is no room: the ones before are then as they were.
  void save(const RunState& state, std::span<const float> values, std::span<const std::byte> moments);

  struct Loaded {
    RunState state;
    StateFile file;
    std::string notice;  // empty, or why this is not the last one

    std::span<const std::byte> moments() const { return file.part("moments"); }
    /// The sizes are equal.
    void copy_values(std::span<float> values) const;
  };
  /// The last checkpoint that is whole; none in an empty folder. Throws UserError when there are only damaged ones, or
  /// when it is of another run: its settings, number of values or bytes of moments differ; the message names the first
  /// differences.
  std::optional<Loaded> load(std::size_t values, std::size_t moment_bytes) const;

  /// Removes all checkpoints: the run starts anew.
  void clear();

 private:
  std::vector<std::int64_t> saved_steps() const;  // the last first
  std::filesystem::path path_of(std::int64_t step) const;
  void lock();
  void remove_leftovers() const;
  void expect_same_run(const StateFile& file, std::size_t values, std::size_t moment_bytes) const;

  std::filesystem::path folder_;
  std::string settings_;  // as JSON
  int lock_ = -1;
};

}  // namespace tome
