// A safetensors file opens, and then its data can be read and its header made again; or it is a UserError.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"
#include "memory_file.h"

namespace {

void use(const tome::SafetensorsFile& file) {
  std::vector<tome::SafetensorsEntry> entries = file.entries();
  const std::string header = tome::make_safetensors_header(entries, file.metadata());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const tome::SafetensorsEntry& entry = file.entries()[i];
    TOME_CHECK(file.find(entry.name) == &entry && file.data(entry).size() == entry.bytes);
    if (entry.bytes == 0) continue;
    volatile std::byte sink = file.data(entry).front();
    sink = file.data(entry).back();
    (void)sink;
  }
  TOME_CHECK(entries.empty() || entries[0].offset == header.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tome::MemoryFile bytes({reinterpret_cast<const char*>(data), size});
  try {
    use(tome::SafetensorsFile(bytes.path()));
  } catch (const tome::UserError&) {
  }
  return 0;
}
