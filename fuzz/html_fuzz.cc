// Any bytes as a file of HTML: never a crash; the text is clean and the sections tile it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "text/encoding.h"
#include "text/html.h"

namespace {

void check(const tome::Document& document) {
  TOME_CHECK(tome::valid_utf8(document.text) == document.text);
  std::size_t at = 0;
  for (const tome::Section& section : document.sections) {
    TOME_CHECK(section.begin == at && section.begin <= section.end);
    at = section.end;
  }
  TOME_CHECK(at == document.text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool xml = data[0] % 2 == 1;
  try {
    check(tome::read_html({"input", xml ? "input.xhtml" : "input.html", bytes}));
  } catch (const tome::UserError&) {
  }
  return 0;
}
