#include "base/scratch_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tome {

ScratchMemory::ScratchMemory(std::size_t bytes, const std::filesystem::path& folder, std::string what) : size_(bytes) {
  if (folder.empty() || bytes == 0) {
    memory_ = AlignedBuffer<std::byte>(bytes);
    data_ = memory_.data();
    if (bytes > 0) std::memset(data_, 0, bytes);
    return;
  }
  file_ = ScratchFile(folder, bytes, std::move(what));
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.descriptor(), 0);
  if (mapped == MAP_FAILED) file_.fail("map", errno);
  data_ = static_cast<std::byte*>(mapped);
}

ScratchMemory::~ScratchMemory() {
  if (memory_.data() == nullptr && data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace tome
