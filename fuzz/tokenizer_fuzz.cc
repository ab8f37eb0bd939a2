// A tokenizer.json gives a tokenizer that keeps its promises on any text, or it is a UserError. The input's first line
// is the text (as JSON would have it, a tokenizer.json needs no line ends), the rest the tokenizer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer_json.h"

namespace {

void use(const tome::Tokenizer& tokenizer, std::string_view text) {
  const tome::Encoded encoded = tokenizer.encode(text);
  TOME_CHECK(encoded.offsets.size() == encoded.ids.size() + 1);
  TOME_CHECK(encoded.offsets.back() == text.size());
  for (std::size_t i = 0; i < encoded.ids.size(); ++i) {
    TOME_CHECK(encoded.offsets[i] <= encoded.offsets[i + 1]);
    TOME_CHECK(encoded.ids[i] >= 0 && static_cast<std::size_t>(encoded.ids[i]) < tokenizer.vocabulary());
  }
  (void)tokenizer.decode(encoded.ids);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  const std::string_view text = input.substr(0, line);
  const std::string_view json = line == std::string_view::npos ? std::string_view() : input.substr(line + 1);
  try {
    const auto tokenizer = tome::make_json_tokenizer(json, json, "tokenizer.json");
    use(*tokenizer, text);
    use(*tokenizer, input);
  } catch (const tome::UserError&) {
  }
  return 0;
}
