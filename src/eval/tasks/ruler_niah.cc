// RULER's needle tasks (scripts/data/synthetic/niah.py): keys with numbers or UUIDs hidden in noise, in a text, or
// among lines of the same form.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/random_texts.h"
#include "eval/tasks/ruler.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kAnswerTokens = 128;

enum class Hay { kNoise, kText, kNeedles };
enum class Kind { kWords, kNumbers, kUuids };

struct NiahSettings {
  std::string_view part;
  Hay hay;
  Kind key, value;
  std::size_t keys = 1, values = 1, queries = 1;  // values of each key; keys that are asked for
};

constexpr std::array<NiahSettings, 8> kSettings = {{
    {"niah-single-1", Hay::kNoise, Kind::kWords, Kind::kNumbers},
    {"niah-single-2", Hay::kText, Kind::kWords, Kind::kNumbers},
    {"niah-single-3", Hay::kText, Kind::kWords, Kind::kUuids},
    {"niah-multikey-1", Hay::kText, Kind::kWords, Kind::kNumbers, 4},
    {"niah-multikey-2", Hay::kNeedles, Kind::kWords, Kind::kNumbers},
    {"niah-multikey-3", Hay::kNeedles, Kind::kUuids, Kind::kUuids},
    {"niah-multivalue", Hay::kText, Kind::kWords, Kind::kNumbers, 1, 4},
    {"niah-multiquery", Hay::kText, Kind::kWords, Kind::kNumbers, 4, 1, 4},
}};

std::string random_of(Choices& choices, Kind kind, KeyShare share) {
  if (kind == Kind::kWords) return random_key(choices, share);
  return kind == Kind::kNumbers ? random_number(choices, 7) : random_uuid(choices);
}

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& items) {
  std::string text = items.front();
  for (std::size_t i = 1; i < items.size(); ++i) text += (i + 1 == items.size() ? " and " : ", ") + items[i];
  return text;
}

class NiahSample {
 public:
  NiahSample(const NiahSettings& settings, Choices& choices, KeyShare share)
      : settings_(settings), choices_(choices), share_(share) {
    const bool one = settings.values * settings.queries == 1;
    noun_ = settings.value == Kind::kNumbers ? "number" : "code";
    if (!one) noun_ += "s";
    std::vector<std::string> keys;
    for (std::size_t key = 0; key < settings.keys; ++key) {
      keys.push_back(new_key());
      values_.emplace_back();
      for (std::size_t i = 0; i < settings.values; ++i) values_.back().push_back(new_value());
    }
    std::vector<std::string> asked;
    for (const std::size_t key : choices.several(keys.size(), settings.queries)) {
      asked.push_back(keys[key]);
      asked_.push_back(key);
      sample.answers.insert(sample.answers.end(), values_[key].begin(), values_[key].end());
    }
    keys_ = std::move(keys);
    sample.answer_tokens = kAnswerTokens;
    if (share_ == KeyShare::kTraining) {
      sample.question = cat("What was noted down about ", listed(asked), one ? "?" : ", each time?");
      sample.answer_prefix = cat("About ", listed(asked), " the note says");
      return;
    }
    sample.question =
        one ? cat("Which secret ", noun_, " does the text give for ", listed(asked), "?")
            : cat("Which secret ", noun_, " does the text give for ", listed(asked), "? Name all of them.");
    sample.answer_prefix = cat("The secret ", noun_, " that the text gives for ", listed(asked), one ? " is" : " are");
  }

  // The asked needle at `depth` when it is the only answer; the others at random depths, 40 even steps as RULER's.
  HaystackOrder order(double depth) {
    constexpr std::uint64_t kDepths = 40;
    HaystackOrder order;
    const bool one = noun_ == "number" || noun_ == "code";
    order.intro =
        one ? cat("A secret ", noun_, " is hidden in the text below. Remember it: it will be asked for.\n\n")
            : cat("Secret ", noun_, " are hidden in the text below. Remember them: they will be asked for.\n\n");
    if (share_ == KeyShare::kTraining) order.intro.clear();
    order.separator = settings_.hay == Hay::kText ? ' ' : '\n';
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      const bool placed = depth >= 0 && asked_.front() == key;
      for (const std::string& value : values_[key]) {
        const double random = static_cast<double>(choices_.below(kDepths)) / static_cast<double>(kDepths - 1);
        order.needles.push_back({placed ? depth : random, line(keys_[key], value)});
        order.forbidden.push_back(value);
      }
      order.forbidden.push_back(keys_[key]);
    }
    return order;
  }

  // Lines of the needles' form with keys and values of their own.
  std::vector<std::string> other_lines(std::size_t count) {
    std::vector<std::string> lines;
    while (lines.size() < count) {
      const std::string key = new_key();
      lines.push_back(line(key, new_value()) + "\n");
    }
    return lines;
  }

  EvalSample sample;

 private:
  std::string new_key() {
    return seen_keys_.next([&] { return random_of(choices_, settings_.key, share_); });
  }
  std::string new_value() {
    return seen_values_.next([&] { return random_of(choices_, settings_.value, share_); });
  }
  std::string line(const std::string& key, const std::string& value) const {
    if (share_ == KeyShare::kTraining) return cat("Note on ", key, ": ", value, ".");
    return cat("A secret ", settings_.value == Kind::kNumbers ? "number" : "code", " for ", key, " is ", value, ".");
  }

  const NiahSettings& settings_;
  Choices& choices_;
  KeyShare share_;
  Unseen seen_keys_, seen_values_;
  std::string noun_;
  std::vector<std::string> keys_;
  std::vector<std::vector<std::string>> values_;  // of each key
  std::vector<std::size_t> asked_;
};

}  // namespace

std::optional<EvalSet> make_ruler_niah(std::string_view part, const TaskRequest& request,
                                       const std::vector<std::string>& text, std::int64_t length,
                                       std::int64_t samples) {
  const auto settings =
      std::find_if(kSettings.begin(), kSettings.end(), [&](const NiahSettings& one) { return one.part == part; });
  TOME_CHECK(settings != kSettings.end());
  const bool one_place = settings->values * settings->queries == 1;
  const auto depths = depths_by_document(request, samples, 1);
  EvalSet set;
  for (std::size_t i = 0; i < depths.size(); ++i) {
    Choices choices(request.seed, cat("ruler-", part, "-", length, "-", i));
    NiahSample one(*settings, choices, share_of(request));
    if (one_place) one.sample.depth = depths[i][0];
    HaystackOrder order = one.order(one.sample.depth);
    order.tokens = length - question_tokens(request, one.sample);
    std::vector<std::string> lines;
    if (settings->hay == Hay::kNeedles) lines = one.other_lines(static_cast<std::size_t>(length) / 8 + 300);
    const auto& hay = settings->hay == Hay::kNeedles ? lines : settings->hay == Hay::kNoise ? ruler_noise() : text;
    if (settings->hay == Hay::kText) order.start = static_cast<std::size_t>(choices.below(text.size()));
    std::optional<std::string> document = fill_haystack(hay, order, request.count_tokens);
    if (!document) return std::nullopt;
    add_ruler_sample(set, std::move(*document), std::move(one.sample));
  }
  return set;
}

}  // namespace tome::eval
