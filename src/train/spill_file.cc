#include "train/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::size_t kPage = 4096;
constexpr const char* kWhat = "layer activations";

ScratchFile open_file(const std::filesystem::path& folder, const std::filesystem::path& path, std::uint64_t bytes) {
  if (bytes == 0) return {};
  return path.empty() ? ScratchFile(folder, bytes, kWhat) : ScratchFile::named(path, bytes, kWhat);
}

}  // namespace

ActivationStore::ActivationStore(std::size_t slots, std::size_t slot_bytes, std::uint64_t ram_budget,
                                 const std::filesystem::path& folder, bool keep_on_disk)
    : slots_(slots),
      slot_bytes_(slot_bytes),
      stride_((slot_bytes + kPage - 1) / kPage * kPage),
      memory_slots_(keep_on_disk ? 0 : slots_in_memory(slots, slot_bytes, ram_budget)),
      path_(keep_on_disk ? folder / kSpillName : std::filesystem::path()),
      memory_(memory_slots_ * slot_bytes),
      file_(open_file(folder, path_, (slots - memory_slots_) * std::uint64_t{stride_})) {}

std::size_t ActivationStore::slots_in_memory(std::size_t slots, std::size_t slot_bytes, std::uint64_t ram_budget) {
  return slot_bytes == 0 ? slots : static_cast<std::size_t>(std::min<std::uint64_t>(slots, ram_budget / slot_bytes));
}

bool ActivationStore::in_memory(std::size_t slot, std::size_t offset, std::size_t bytes) const {
  TOME_CHECK(slot < slots_ && offset <= slot_bytes_ && bytes <= slot_bytes_ - offset, "slot ", slot, " of ", slots_,
             ", bytes ", offset, " + ", bytes, " of ", slot_bytes_);
  return slot < memory_slots_;
}

void ActivationStore::write(std::size_t slot, std::size_t offset, std::span<const std::byte> bytes) {
  if (in_memory(slot, offset, bytes.size())) {
    std::memcpy(memory_.data() + slot * slot_bytes_ + offset, bytes.data(), bytes.size());
    return;
  }
  // Into the page cache, from where the kernel writes on its own. Asking it to start at once (sync_file_range) was
  // measured at two to three times the cost: this thread would then do the submitting.
  file_.write(place(slot) + offset, bytes);
}

void ActivationStore::read(std::size_t slot, std::size_t offset, std::span<std::byte> bytes) const {
  if (in_memory(slot, offset, bytes.size())) {
    std::memcpy(bytes.data(), memory_.data() + slot * slot_bytes_ + offset, bytes.size());
    return;
  }
  // A page whose transfer failed may be gone from memory and stale on disk; only waiting for it tells.
  if (::sync_file_range(file_.descriptor(), static_cast<off_t>(place(slot) + offset), static_cast<off_t>(bytes.size()),
                        SYNC_FILE_RANGE_WAIT_BEFORE) != 0 &&
      (errno == EIO || errno == ENOSPC)) {
    file_.fail("write", errno);
  }
  file_.read(place(slot) + offset, bytes);
}

std::span<std::byte> ActivationStore::memory(std::size_t slot) const {
  if (!in_memory(slot, 0, slot_bytes_)) return {};
  return memory_.span().subspan(slot * slot_bytes_, slot_bytes_);
}

void ActivationStore::will_read(std::size_t slot) const {
  if (in_memory(slot, 0, 0)) return;
  ::posix_fadvise(file_.descriptor(), static_cast<off_t>(place(slot)), static_cast<off_t>(stride_),
                  POSIX_FADV_WILLNEED);
}

void ActivationStore::done_with(std::size_t slot) const {
  if (in_memory(slot, 0, 0)) return;
  ::posix_fadvise(file_.descriptor(), static_cast<off_t>(place(slot)), static_cast<off_t>(stride_),
                  POSIX_FADV_DONTNEED);
}

void ActivationStore::remove_file() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace tome
