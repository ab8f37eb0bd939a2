#include "train/state_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"
#include "formats/new_file.h"

namespace tome {
namespace {

constexpr const char* kChecksum = "checksum";

class Hash {
 public:
  Hash() { XXH3_64bits_reset(state_.get()); }
  // The length goes first, so that no byte can move from one array to the next.
  void add(std::span<const std::byte> bytes) {
    const std::uint64_t size = bytes.size();
    XXH3_64bits_update(state_.get(), &size, sizeof size);
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
  }
  void add(const std::string& text) { add(std::as_bytes(std::span(text))); }
  std::string hex() const { return hex_digits(XXH3_64bits_digest(state_.get())); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_{XXH3_createState()};
};

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  // Some file systems cannot sync a folder; they say EINVAL.
  if (!synced && reason != EINVAL) throw_user_error("cannot write to ", folder.string(), ": ", std::strerror(reason));
}

std::string checksum(const StateWords& words, const StateParts& parts) {
  Hash hash;
  for (const auto& [name, text] : words) {
    if (name == kChecksum) continue;
    hash.add(name);
    hash.add(text);
  }
  for (const auto& [name, bytes] : parts) {
    hash.add(name);
    hash.add(bytes);
  }
  return hash.hex();
}

}  // namespace

void write_state_file(const std::filesystem::path& path, const StateWords& words, const StateParts& parts) {
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, bytes] : parts) entries.push_back({name, "U8", {bytes.size()}, 0, bytes.size()});
  StateWords all_words = words;
  all_words[kChecksum] = checksum(words, parts);
  NewFile file(path);
  file.write(make_safetensors_header(entries, all_words));
  for (const auto& [name, bytes] : parts) file.write(bytes);
  file.finish();
  sync_folder(path.parent_path());
}

StateFile::StateFile(const std::filesystem::path& path) : file_(path) {
  StateParts parts;
  for (const SafetensorsEntry& entry : file_.entries()) parts[entry.name] = file_.data(entry);
  if (word(kChecksum) != checksum(file_.metadata(), parts)) {
    throw_user_error(path.string(), ": damaged, its bytes do not give its checksum");
  }
  file_.file().release(file_.file().bytes());
}

const std::string& StateFile::word(const std::string& name) const {
  const auto found = file_.metadata().find(name);
  if (found == file_.metadata().end()) throw_user_error(path().string(), ": damaged, has no ", name);
  return found->second;
}

std::span<const std::byte> StateFile::part(const std::string& name) const {
  const SafetensorsEntry* entry = file_.find(name);
  if (entry == nullptr) throw_user_error(path().string(), ": damaged, has no ", name);
  return file_.data(*entry);
}

}  // namespace tome
