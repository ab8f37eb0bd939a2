#include "data/near_duplicates.h"

#include <xxhash.h>

#include <limits>

#include "base/error.h"
#include "data/grams.h"

namespace tome::data {
namespace {

constexpr std::size_t kShingleWords = 5;

std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

std::string asked(const QuestionAnswer& pair) { return cat(pair.question, '\n', pair.answer); }

// The document of questions; all of a conversation or of a text.
std::string text_of(const DataRow& row) {
  std::string text = row.document;
  if (row.kind == DataRow::Kind::kChat) {
    for (const QuestionAnswer& pair : row.questions) text += cat('\n', asked(pair));
  }
  return text;
}

std::vector<std::uint64_t> shingles(const DataRow& row, int question) {
  return gram_set(question < 0 ? text_of(row) : asked(row.questions.at(static_cast<std::size_t>(question))),
                  kShingleWords);
}

}  // namespace

RowHashes NearDuplicates::hashes(const DataRow& row) const {
  const Banding bands = banding();
  RowHashes hashes;
  const std::string text = text_of(row);
  hashes.document = hash_of(text, static_cast<std::uint64_t>(row.kind));
  hashes.row = hashes.document;
  if (!documents_.contains(hashes.document)) {
    const std::vector<std::uint64_t> grams = gram_hashes(text, kShingleWords);
    if (!grams.empty()) hashes.text_bands = band_hashes(grams, bands, 0);
  }
  if (row.kind != DataRow::Kind::kQuestions) return hashes;
  for (const QuestionAnswer& pair : row.questions) {
    hashes.row = hash_of(pair.answer, hash_of(pair.question, hashes.row));
    const std::vector<std::uint64_t> grams = gram_hashes(asked(pair), kShingleWords);
    hashes.questions.emplace_back();
    if (!grams.empty()) hashes.questions.back() = band_hashes(grams, bands, hashes.document);
  }
  return hashes;
}

const RowPlace* NearDuplicates::add(const RowPlace& place, const RowHashes& hashes) {
  TOME_CHECK(places_.size() < std::numeric_limits<std::uint32_t>::max());
  const auto index = static_cast<std::uint32_t>(places_.size());
  const auto [found, first] = rows_.try_emplace(hashes.row, index);
  if (!first) return &places_[found->second];
  places_.push_back(place);
  if (documents_.insert(hashes.document).second && !hashes.text_bands.empty()) {
    texts_.add(static_cast<std::uint32_t>(text_items_.size()), hashes.text_bands);
    text_items_.push_back({index, -1});
  }
  for (std::size_t i = 0; i < hashes.questions.size(); ++i) {
    if (hashes.questions[i].empty()) continue;
    questions_.add(static_cast<std::uint32_t>(question_items_.size()), hashes.questions[i]);
    question_items_.push_back({index, static_cast<std::int32_t>(i)});
  }
  return nullptr;
}

std::vector<NearDuplicates::Pair> NearDuplicates::find(const std::vector<std::filesystem::path>& files,
                                                       Threads& threads) {
  std::vector<Pair> pairs;
  find_in(texts_, text_items_, files, threads, pairs);
  find_in(questions_, question_items_, files, threads, pairs);
  return pairs;
}

void NearDuplicates::find_in(BandTable& table, const std::vector<Item>& items,
                             const std::vector<std::filesystem::path>& files, Threads& threads,
                             std::vector<Pair>& pairs) const {
  const auto candidates = table.candidates();
  std::vector<std::size_t> begins;  // of the candidates of one later item
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i == 0 || candidates[i].first != candidates[i - 1].first) begins.push_back(i);
  }
  std::vector<Pair> found(begins.size());
  threads.for_each(begins.size(), [&](std::size_t group, int) {
    const Item& later = items[candidates[begins[group]].first];
    const auto read = [&](const Item& item) { return shingles(read_row(files, places_[item.place]), item.question); };
    const std::vector<std::uint64_t> own = read(later);
    const std::size_t end = group + 1 < begins.size() ? begins[group + 1] : candidates.size();
    for (std::size_t i = begins[group]; i < end && found[group].similarity == 0; ++i) {
      const Item& earlier = items[candidates[i].second];
      const double similarity = jaccard(own, read(earlier));
      if (similarity < similarity_) continue;
      found[group] = {places_[later.place], places_[earlier.place], later.question, earlier.question, similarity};
    }
  });
  for (const Pair& pair : found) {
    if (pair.similarity > 0) pairs.push_back(pair);
  }
}

}  // namespace tome::data
