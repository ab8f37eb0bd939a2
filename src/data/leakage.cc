#include "data/leakage.h"

#include <xxhash.h>

#include <algorithm>

#include "base/error.h"
#include "data/evaluation_row.h"
#include "data/grams.h"

namespace tome::data {
namespace {

constexpr std::size_t kMostGrams = std::size_t{8} << 20;
constexpr std::size_t kLeastWords = 4;  // a shorter question with its answer says nothing

// A text shorter than a run is one run of all its words, which equals only the whole of another text.
std::vector<std::uint64_t> question_grams(std::string_view text) {
  if (gram_hashes(text, 1).size() < kLeastWords) return {};
  return gram_set(text, kLeakWords);
}

std::vector<std::uint64_t> document_grams(std::string_view text) {
  if (gram_hashes(text, 1).size() < kLeakWords) return {};
  return gram_set(text, kLeakWords);
}

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

}  // namespace

std::vector<std::string> asked_texts(const DataRow& row) {
  std::vector<std::string> texts;
  for (const QuestionAnswer& pair : row.questions) texts.push_back(cat(pair.question, '\n', pair.answer));
  if (row.kind != DataRow::Kind::kQuestions && !row.document.empty()) texts.push_back(row.document);
  return texts;
}

EvaluationIndex::EvaluationIndex(std::vector<std::filesystem::path> files, Threads& threads)
    : files_(std::move(files)) {
  struct Grams {
    std::vector<std::uint64_t> questions, document;
  };
  std::vector<Grams> grams(kRowSlots);
  const auto look = [&](RowRead& read, int) {
    Grams& own = grams[read.slot];
    own = {};
    for (const QuestionAnswer& pair : read.row.questions) {
      const std::vector<std::uint64_t> some = question_grams(cat(pair.question, '\n', pair.answer));
      own.questions.insert(own.questions.end(), some.begin(), some.end());
    }
    own.document = document_grams(read.row.document);
    read.row.document = {};
  };
  read_rows(
      files_, threads, look, [&](RowRead& read) { add(read, grams[read.slot].questions, grams[read.slot].document); },
      parse_evaluation_row);
  if (rows_ == 0) {
    throw_user_error("--against: no line of ", files_.front().string(),
                     " has a shape of evaluation sets or training rows");
  }
}

void EvaluationIndex::add(const RowRead& read, const std::vector<std::uint64_t>& questions,
                          const std::vector<std::uint64_t>& document) {
  if (!read.broken.empty()) {
    ++broken_;
    return;
  }
  ++rows_;
  for (const std::uint64_t gram : questions) questions_.try_emplace(gram, read.place);
  if (!read.row.marks.document_id.empty()) ids_.try_emplace(hash_of(read.row.marks.document_id), read.place);
  if (document.empty()) return;
  const std::uint64_t all = XXH3_64bits(document.data(), document.size() * sizeof(std::uint64_t));
  const auto index = static_cast<std::uint32_t>(documents_.size());
  if (!known_.try_emplace(all, index).second) return;
  documents_.push_back({read.place, 0});
  for (const std::uint64_t gram : document) {
    if ((gram & mask_) != 0) continue;
    ++documents_.back().grams;
    grams_.try_emplace(gram, index);
  }
  while (grams_.size() > kMostGrams) thin_out();
}

void EvaluationIndex::thin_out() {
  mask_ = mask_ * 2 + 1;
  for (Document& document : documents_) document.grams = 0;
  std::erase_if(grams_, [&](const auto& entry) { return (entry.first & mask_) != 0; });
  for (const auto& [gram, document] : grams_) ++documents_[document].grams;
}

const RowPlace* EvaluationIndex::find_question(std::string_view text) const {
  for (const std::uint64_t gram : question_grams(text)) {
    const auto found = questions_.find(gram);
    if (found != questions_.end()) return &found->second;
  }
  return nullptr;
}

bool EvaluationIndex::find_document(std::string_view text, DocumentOverlap& overlap) const {
  std::unordered_map<std::uint32_t, std::uint64_t> shared;
  std::uint64_t own = 0;
  for (const std::uint64_t gram : document_grams(text)) {
    if ((gram & mask_) != 0) continue;
    ++own;
    const auto found = grams_.find(gram);
    if (found != grams_.end()) ++shared[found->second];
  }
  if (shared.empty()) return false;
  overlap = {};
  double most = 0;
  for (const auto& [index, count] : shared) {
    const double training = static_cast<double>(count) / static_cast<double>(own);
    const double evaluation = static_cast<double>(count) / static_cast<double>(documents_[index].grams);
    const double larger = std::max(training, evaluation);
    const bool same = larger == most && documents_[index].place.line.offset < overlap.place.line.offset;
    if (larger < most || (larger == most && !same)) continue;
    most = larger;
    overlap = {training, evaluation, documents_[index].place};
  }
  return true;
}

const RowPlace* EvaluationIndex::find_id(const std::string& id) const {
  const auto found = id.empty() ? ids_.end() : ids_.find(hash_of(id));
  return found == ids_.end() ? nullptr : &found->second;
}

}  // namespace tome::data
