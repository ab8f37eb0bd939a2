#include "read/reading_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace tome {

namespace fs = std::filesystem;

void ReadingChain::keep_before(std::int64_t tokens) {
  while (!segments_.empty() && segments_.back()->info().first_block * ops::kKvBlock >= tokens) segments_.pop_back();
}

void ReadingChain::borrow(Threads& threads, std::size_t layer, std::int64_t limit, KvSequence<bf16>& kv) const {
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const std::int64_t end_block =
        s + 1 < segments_.size() ? segments_[s + 1]->info().first_block : (limit + ops::kKvBlock - 1) / ops::kKvBlock;
    segments_[s]->borrow(threads, layer, end_block, limit, kv);
  }
}

std::vector<ReadingInfo> ReadingStore::list() const {
  std::vector<std::pair<fs::file_time_type, ReadingInfo>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".safetensors") continue;
    try {
      found.emplace_back(entry.last_write_time(), read_info(entry.path()));
    } catch (const std::exception&) {  // removed meanwhile, or no reading: not ours to list
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<ReadingInfo> infos;
  infos.reserve(found.size());
  for (auto& [time, info] : found) infos.push_back(std::move(info));
  return infos;
}

ReadingChain ReadingStore::open(const std::string& id, const ModelConfig& config) const {
  std::vector<std::shared_ptr<Reading>> segments;
  std::set<std::string> seen;
  for (std::string next = id; !next.empty(); next = segments.back()->info().parent) {
    if (!seen.insert(next).second)
      throw_user_error(path_of(next).string(), ": a reading that continues itself; remove it");
    segments.push_back(std::make_shared<Reading>(path_of(next), config));
  }
  std::reverse(segments.begin(), segments.end());
  for (std::size_t s = 1; s < segments.size(); ++s) {
    const ReadingInfo& own = segments[s]->info();
    const auto shared = static_cast<std::size_t>(own.first_block * ops::kKvBlock);
    const auto tokens = segments[s]->tokens();
    const auto parent = segments[s - 1]->tokens();
    if (own.settings != segments[0]->info().settings || own.first_block < segments[s - 1]->info().first_block ||
        shared > parent.size() ||
        !std::equal(parent.begin(), parent.begin() + static_cast<std::ptrdiff_t>(shared), tokens.begin())) {
      throw_user_error(segments[s]->path().string(), ": does not fit the reading it continues; remove it");
    }
  }
  return ReadingChain(std::move(segments));
}

bool ReadingStore::holds(const std::string& id, const ModelConfig& config) const {
  try {
    open(id, config);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

std::optional<ReadingChain> ReadingStore::find_text(std::uint64_t settings, std::uint64_t text_hash,
                                                    const ModelConfig& config) const {
  for (const ReadingInfo& info : list()) {
    if (info.settings != settings || info.text_hash != text_hash) continue;
    try {
      return open(info.id, config);
    } catch (const UserError&) {  // its parent is gone: of no use
    }
  }
  return std::nullopt;
}

std::pair<ReadingChain, std::int64_t> ReadingStore::find_prefix(std::uint64_t settings,
                                                                std::span<const std::int32_t> tokens,
                                                                const ModelConfig& config) const {
  std::pair<ReadingChain, std::int64_t> best;
  for (const ReadingInfo& info : list()) {
    if (info.settings != settings) continue;
    try {
      ReadingChain chain = open(info.id, config);
      const auto own = chain.leaf().tokens();
      const auto [a, b] = std::mismatch(own.begin(), own.end(), tokens.begin(), tokens.end());
      const std::int64_t common = a - own.begin();
      if (common > best.second) best = {std::move(chain), common};
    } catch (const UserError&) {
    }
  }
  return best;
}

bool ReadingStore::remove(const std::string& id) const {
  if (id.empty() || id.find('/') != std::string::npos) return false;
  const std::vector<ReadingInfo> infos = list();
  std::vector<std::string> ids{id};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (const ReadingInfo& info : infos) {
      if (info.parent == ids[i] && std::find(ids.begin(), ids.end(), info.id) == ids.end()) ids.push_back(info.id);
    }
  }
  std::error_code error;
  bool removed = false;
  std::reverse(ids.begin(), ids.end());  // none is ever left without what it continues
  for (const std::string& gone : ids) {
    for (const char* extension : {".safetensors", ".partial", ".residual"}) {
      removed = fs::remove(folder_ / (gone + extension), error) || removed;
    }
  }
  return removed;
}

void ReadingStore::evict(std::uintmax_t bytes, const std::string& keep) const {
  std::vector<ReadingInfo> infos = list();
  std::set<std::string> needed;
  for (std::string id = keep; !id.empty() && needed.insert(id).second;) {
    const auto found = std::find_if(infos.begin(), infos.end(), [&](const ReadingInfo& info) { return info.id == id; });
    id = found == infos.end() ? std::string() : found->parent;
  }
  std::uintmax_t total = 0;
  for (const ReadingInfo& info : infos) total += info.bytes;
  for (auto info = infos.rbegin(); info != infos.rend() && total > bytes; ++info) {
    if (needed.contains(info->id)) continue;
    if (!remove(info->id)) continue;
    total = 0;  // the readings that continued it are gone too
    for (const ReadingInfo& left : list()) total += left.bytes;
  }
}

void ReadingStore::touch(const std::string& id) const {
  std::set<std::string> seen;
  try {
    for (std::string next = id; !next.empty() && seen.insert(next).second; next = read_info(path_of(next)).parent) {
      ::utimensat(AT_FDCWD, path_of(next).c_str(), nullptr, 0);
    }
  } catch (const UserError&) {  // gone meanwhile
  }
}

}  // namespace tome
