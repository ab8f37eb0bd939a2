// How far one optimizer step got, on disk: for steps so long that a process that is ended must not begin them again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace tome {

/// Whether a step of `flops` is to take longer than `seconds`, at the usual share of the peak: it then keeps what it
/// has done on disk, and of its layers nothing in memory. False when the peak is not known (0).
bool outlasts(double flops, double peak_flops, double seconds);

/// The step's folder holds kSpillName (train/spill_file.h), `forward` (layers done of the pass in hand) and
/// `backward` (the gradients after the last layer done, and the gradient of that layer's input). All of them are of one
/// step of one run, told by its identity; those of another are not looked at.
class StepProgress {
 public:
  /// `identity`: of everything that the step's numbers depend on. `gradient`: all trained numbers', borrowed; filled
  /// from the file when there is one.
  StepProgress(std::filesystem::path folder, std::string identity, std::span<float> gradient);

  const std::filesystem::path& folder() const { return folder_; }
  /// Passes of this step that are done, and their loss.
  std::size_t passes_done() const { return passes_done_; }
  double loss_done() const { return loss_done_; }

  /// Of the pass after those: layers that forward has done and whose successor's input lies in the spill file.
  std::size_t layers_forward() const { return layers_forward_; }
  void forward_done(std::size_t layers);

  /// Layers still to go backward, when that has begun; and the pass's own loss.
  struct Backward {
    std::size_t layers_left = 0;
    double loss = 0;
  };
  const std::optional<Backward>& backward() const { return backward_; }
  /// Reads d, the gradient of the input of layer `layers_left`.
  void read_d(std::span<std::byte> d) const;
  void backward_done(const Backward& place, std::span<const std::byte> d);

  /// The step is done: nothing of it is needed.
  void remove() const;

 private:
  std::string pass_identity() const;
  void load();

  std::filesystem::path folder_;
  std::string identity_;
  std::span<float> gradient_;
  std::size_t passes_done_ = 0;
  double loss_done_ = 0;
  std::size_t layers_forward_ = 0;
  std::optional<Backward> backward_;
};

}  // namespace tome
