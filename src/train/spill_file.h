// Layer activations that the backward pass reads again: the first slots in memory up to a budget, the others in a file
// that the system writes while the next layer computes and reads ahead of the layer that wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/aligned.h"
#include "base/scratch_file.h"

namespace tome {

/// The file's name in the folder of a step that can go on.
inline constexpr const char* kSpillName = "activations.spill";

class ActivationStore {
 public:
  /// `slots` of `slot_bytes` each; as many as fit into `ram_budget` bytes stay in memory. With `keep_on_disk` all lie
  /// in folder/kSpillName, which outlives the process; otherwise the file has no name and ends with it. Its
  /// blocks are taken now: throws UserError naming folder, bytes needed and bytes free when they do not fit.
  ActivationStore(std::size_t slots, std::size_t slot_bytes, std::uint64_t ram_budget,
                  const std::filesystem::path& folder, bool keep_on_disk);

  /// Several threads may write and read at once, unless they mean the same bytes. Throw UserError naming the folder and
  /// the system's reason.
  void write(std::size_t slot, std::size_t offset, std::span<const std::byte> bytes);
  void read(std::size_t slot, std::size_t offset, std::span<std::byte> bytes) const;

  /// The bytes of a slot that lies in memory; empty for one of the file.
  std::span<std::byte> memory(std::size_t slot) const;
  /// The slot is read soon: its bytes start on their way to memory while this returns.
  void will_read(std::size_t slot) const;
  /// The slot is not read again before it is written: its pages can go.
  void done_with(std::size_t slot) const;

  /// keep_on_disk found the slots of an earlier run.
  bool was_there() const { return file_.was_there(); }
  /// keep_on_disk: removes the file's name, as the run has no more use for it.
  void remove_file();

  static std::size_t slots_in_memory(std::size_t slots, std::size_t slot_bytes, std::uint64_t ram_budget);
  std::uint64_t memory_bytes() const { return memory_.bytes(); }
  std::uint64_t spill_bytes() const { return file_.size(); }

 private:
  bool in_memory(std::size_t slot, std::size_t offset, std::size_t bytes) const;
  std::uint64_t place(std::size_t slot) const { return (slot - memory_slots_) * stride_; }

  std::size_t slots_, slot_bytes_, stride_;  // in the file a slot begins with a page
  std::size_t memory_slots_;
  std::filesystem::path path_;  // empty: no name
  AlignedBuffer<std::byte> memory_;
  ScratchFile file_;
};

}  // namespace tome
