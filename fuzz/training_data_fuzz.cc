// Any bytes as a file of training data: a UserError, or examples that fit the window and see only what they should. The
// first byte is the window.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "memory_file.h"
#include "text/letter_tokenizer.h"
#include "train/epoch.h"
#include "train/pack.h"

namespace {

using tome::ops::KeyRange;

void check(const tome::TrainingExample& pass, std::int64_t window, std::int64_t target_window) {
  const auto rows = static_cast<std::int64_t>(pass.ids.size());
  TOME_CHECK(rows > 0 && rows <= window);
  bool any = false;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const KeyRange& range = pass.visible[at];
    TOME_CHECK(range.begin >= 0 && range.begin < range.end && range.end == i + 1);
    TOME_CHECK(!range.has_gap() || (range.begin < range.gap_begin && range.gap_end < range.end));
    TOME_CHECK(pass.positions[at] >= 0 && pass.positions[at] < target_window);
    if (pass.targets[at] == tome::kNoTarget) continue;
    TOME_CHECK(i + 1 < rows && pass.targets[at] == pass.ids[at + 1]);
    any = true;
  }
  TOME_CHECK(any);
}

void use(const tome::TrainingSet& set, std::int64_t window) {
  std::vector<std::uint32_t> all(set.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  const tome::PassPlan plan = tome::plan_passes(set, tome::shuffled(all, 1, 0), window, /*pack=*/true);
  const tome::PoseOptions pose{4 * window, 3, 5};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    check(tome::load_examples(set, plan.pass(i), pose, i), window, pose.target_window);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const tome::LetterTokenizer kTokenizer;
  static const tome::Layout kLayouts[] = {tome::find_layout("qa"), tome::find_layout("llama2")};
  // "{" makes the file one of lines; {} itself is none.
  const tome::MemoryFile file("{}\n" + std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  tome::DataOptions options;
  options.encode.window = 2 + 2 * data[0];
  options.encode.train_on = data[0] % 2 == 0 ? tome::TrainOn::kAnswers : tome::TrainOn::kAll;
  options.skip_bad = true;
  options.longest_line = 4000;
  for (const tome::Layout& layout : kLayouts) {
    try {
      use(tome::TrainingSet({file.path()}, kTokenizer, layout, options), options.encode.window);
    } catch (const tome::UserError&) {
    }
  }
  return 0;
}
