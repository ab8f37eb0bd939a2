#include "cli/ask_input.h"

#include <xxhash.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "cli/progress.h"

namespace tome::cli {
namespace {

std::int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// Takes `excess` tokens out of the document's tokens [begin, end).
Cut cut_tokens(ReadingInput& input, std::string_view text, std::size_t begin, std::size_t end, std::size_t excess,
               const InputOptions& options) {
  std::size_t from = end - excess;
  if (options.cut == "middle") from = begin + (end - begin - excess) / 2;
  if (options.cut == "random-middle") {
    std::mt19937_64 random(options.cut_seed);
    from = begin + random() % (end - begin - excess + 1);
  }
  const std::size_t first = input.offsets[from], last = input.offsets[from + excess];
  const auto erase = [&](auto& list) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(from),
               list.begin() + static_cast<std::ptrdiff_t>(from + excess));
  };
  erase(input.tokens);
  erase(input.offsets);
  return {static_cast<std::int64_t>(excess), count_characters(text.substr(first, last - first))};
}

std::vector<TokenId> encode_before(const Tokenizer& tokenizer, const Layout& layout, const InputOptions& options) {
  std::vector<TokenId> ids;
  if (tokenizer.add_bos()) ids.push_back(tokenizer.bos());
  const auto append = [&](const std::vector<TokenId>& more) { ids.insert(ids.end(), more.begin(), more.end()); };
  append(encode_frame(tokenizer, layout, layout.before_document));
  if (!options.first_question.empty()) append(tokenizer.encode(options.first_question + "\n\n").ids);
  return ids;
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
  ReadingInput input;
  input.name = document.name;
  input.tokens = encode_before(tokenizer, layout, options);
  input.offsets.assign(input.tokens.size(), 0);
  const std::size_t begin = input.tokens.size();
  const Encoded text = tokenizer.encode(document.text);
  input.tokens.insert(input.tokens.end(), text.ids.begin(), text.ids.end());
  input.offsets.insert(input.offsets.end(), text.offsets.begin(), text.offsets.end() - 1);
  const std::size_t end = input.tokens.size();
  const auto after = encode_frame(tokenizer, layout, layout.after_document);
  input.tokens.insert(input.tokens.end(), after.begin(), after.end());
  input.offsets.insert(input.offsets.end(), after.size() + 1, static_cast<std::uint32_t>(document.text.size()));

  const auto needed = static_cast<std::int64_t>(input.tokens.size()) + options.reserve;
  const std::int64_t excess = needed - window;
  if (excess <= 0) return input;
  if (options.reserve >= window) {
    throw_user_error("--reserve ", options.reserve, ": ", model, " holds only ", window, " tokens; reserve less");
  }
  if (options.cut.empty()) {
    throw_user_error(
        document.name, ": ", grouped(static_cast<std::int64_t>(text.ids.size())), " tokens, but ", model, " holds ",
        grouped(window), " less ", options.reserve, " kept for question and answer; ways out: --context ", needed,
        " (stretches RoPE; --rope-scaling says how), --cut middle|end|random-middle, another model (tome models), a "
        "smaller --reserve");
  }
  if (excess >= static_cast<std::int64_t>(end - begin)) {
    throw_user_error("--reserve ", options.reserve, ": the window of ", window,
                     " tokens leaves no room for the text; reserve less");
  }
  *cut = cut_tokens(input, document.text, begin, end, static_cast<std::size_t>(excess), options);
  return input;
}

}  // namespace tome::cli
