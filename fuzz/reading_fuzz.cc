// Any bytes as two kept readings, the second of which may continue the first: keys and values can be borrowed, or it is
// a UserError.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "read/reading_store.h"

namespace {

namespace fs = std::filesystem;

/// One layer that slides and one that does not, one head of 16: a block of K and V has 16 KiB.
tome::ModelConfig tiny_config() {
  tome::ModelConfig config;
  config.layers = 2;
  config.heads = config.kv_heads = 1;
  config.head_width = config.width = 16;
  config.sliding_window = 300;
  config.sliding = {true, false};
  return config;
}

/// A folder of its own, gone when the program ends.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "reading_fuzz.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

template <typename Use>
void try_use(const Use& use) {
  try {
    use();
  } catch (const tome::UserError&) {
  }
}

void borrow_all(tome::Threads& threads, const tome::ReadingChain& chain, const tome::ModelConfig& config) {
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (const std::int64_t limit : {chain.tokens(), (chain.tokens() + 1) / 2}) {
      tome::KvSequence<tome::bf16> kv(tome::attention_shape(config));
      chain.borrow(threads, layer, limit, kv);
      TOME_CHECK(kv.size() <= limit);
      for (const tome::ops::KvBlock& block : kv.blocks()) {
        volatile std::uint32_t sink = *block.k;
        sink = *block.v;
        (void)sink;
      }
    }
    chain.release(layer);
  }
}

}  // namespace

// The input: four bytes that say how long the first reading is, the first reading ("root"), the second ("leaf").
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tome::ModelConfig config = tiny_config();
  static const Folder folder;
  static tome::Threads threads(1);
  std::uint32_t root_bytes = 0;
  if (size < sizeof root_bytes) return 0;
  std::memcpy(&root_bytes, data, sizeof root_bytes);
  const std::string_view both(reinterpret_cast<const char*>(data) + sizeof root_bytes, size - sizeof root_bytes);
  const std::size_t cut = std::min<std::size_t>(root_bytes, both.size());
  std::ofstream(folder.path / "root.safetensors", std::ios::binary) << both.substr(0, cut);
  std::ofstream(folder.path / "leaf.safetensors", std::ios::binary) << both.substr(cut);
  const tome::ReadingStore store(folder.path);
  for (const tome::ReadingInfo& info : store.list()) {
    try_use([&] {
      const tome::ReadingChain chain = store.open(info.id, config);
      TOME_CHECK(chain.leaf().offsets().size() == chain.leaf().tokens().size() + 1);
      store.find_text(info.settings, info.text_hash, config);
      store.find_prefix(info.settings, chain.leaf().tokens(), config);
      store.touch(info.id);
      borrow_all(threads, chain, config);
    });
  }
  store.evict(cut, "leaf");
  store.remove("root");
  return 0;
}
