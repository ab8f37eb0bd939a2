#include "cli/ask_input.h"

#include <xxhash.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/progress.h"
#include "text/prompt.h"

namespace tome::cli {
namespace {

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// Where a cut of `excess` of the document's ids begins.
std::size_t cut_from(const DocumentPrompt& prompt, std::size_t excess, const InputOptions& options) {
  const std::size_t kept = prompt.end - prompt.begin - excess;
  if (options.cut == "middle") return prompt.begin + kept / 2;
  if (options.cut == "random-middle") return prompt.begin + std::mt19937_64(options.cut_seed)() % (kept + 1);
  return prompt.end - excess;
}

}  // namespace

std::uint64_t hash_input(const Document& document, const Layout& layout, const InputOptions& options,
                         std::int64_t window) {
  const std::string rest =
      cat('\0', layout.name, '\0', layout.before_document, '\0', layout.after_document, '\0', options.cut, '\0',
          options.cut_seed, '\0', options.reserve, '\0', window, '\0', options.first_question);
  return XXH3_64bits_withSeed(rest.data(), rest.size(), XXH3_64bits(document.text.data(), document.text.size()));
}

ReadingInput make_input(const Document& document, const Tokenizer& tokenizer, const Layout& layout,
                        const InputOptions& options, std::int64_t window, const std::string& model, Cut* cut) {
  DocumentPrompt prompt = encode_document(tokenizer, layout, document.text, options.first_question);
  const std::size_t text_tokens = prompt.end - prompt.begin;
  const auto needed = static_cast<std::int64_t>(prompt.ids.size()) + options.reserve;
  const std::int64_t excess = needed - window;
  if (excess > 0 && options.reserve >= window) {
    throw_user_error("--reserve ", options.reserve, ": ", model, " holds only ", window, " tokens; reserve less");
  }
  if (excess > 0 && options.cut.empty()) {
    throw_user_error(
        document.name, ": ", grouped(static_cast<std::int64_t>(text_tokens)), " tokens, but ", model, " holds ",
        grouped(window), " less ", options.reserve, " kept for question and answer; ways out: --context ", needed,
        " (stretches RoPE; --rope-scaling says how), --cut middle|end|random-middle, another model (tome models), a "
        "smaller --reserve");
  }
  if (excess > 0 && excess >= static_cast<std::int64_t>(text_tokens)) {
    throw_user_error("--reserve ", options.reserve, ": the window of ", window,
                     " tokens leaves no room for the text; reserve less");
  }
  if (excess > 0) {
    const auto count = static_cast<std::size_t>(excess);
    const std::size_t from = cut_from(prompt, count, options);
    const std::size_t first = prompt.offsets[from], last = prompt.offsets[from + count];
    *cut = {excess, count_characters(std::string_view(document.text).substr(first, last - first))};
    cut_document(prompt, from, count);
  }
  ReadingInput input;
  input.name = document.name;
  input.tokens = std::move(prompt.ids);
  input.offsets = std::move(prompt.offsets);
  return input;
}

}  // namespace tome::cli
