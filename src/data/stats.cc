#include "data/stats.h"

#include <string.h>
#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "data/row_reader.h"

namespace tome::data {
namespace {

constexpr std::size_t kMostValues = 1000;
constexpr std::size_t kLongestValue = 200;  // bytes
constexpr std::size_t kShownBroken = 5;

struct TextSize {
  std::uint64_t bytes = 0, characters = 0, words = 0, tokens = 0;
};

TextSize size_of(std::string_view text, const Tokenizer* tokenizer) {
  TextSize size{text.size(), 0, 0, 0};
  unsigned before = 1;  // white space
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const unsigned space = byte == ' ' || (byte >= '\t' && byte <= '\r') ? 1 : 0;
    size.characters += (byte & 0xC0u) != 0x80u ? 1 : 0;
    size.words += before & (space ^ 1u);
    before = space;
  }
  if (tokenizer != nullptr) size.tokens = tokenizer->encode(text).ids.size();
  return size;
}

void add(TextLengths& lengths, const TextSize& size, bool tokens) {
  lengths.bytes.add(size.bytes);
  lengths.characters.add(size.characters);
  lengths.words.add(size.words);
  if (tokens) lengths.tokens.add(size.tokens);
}

void add(TextLengths& to, const TextLengths& from) {
  to.bytes.add(from.bytes);
  to.characters.add(from.characters);
  to.words.add(from.words);
  to.tokens.add(from.tokens);
}

void count_value(FieldValues& values, const std::string& value) {
  if (value.empty()) {
    ++values.none;
    return;
  }
  const std::string name = value.substr(0, kLongestValue);
  const auto found = values.counts.find(name);
  if (found != values.counts.end()) {
    ++found->second;
  } else if (values.counts.size() < kMostValues) {
    values.counts.emplace(name, 1);
  } else {
    ++values.others;
  }
}

// What one thread has seen.
class Counter {
 public:
  explicit Counter(const Tokenizer* tokenizer) : tokenizer_(tokenizer) {}

  void look(const DataRow& row) {
    ++stats_.shapes[static_cast<std::size_t>(row.shape)];
    const bool text = row.kind == DataRow::Kind::kText;
    if (!row.document.empty()) measure(row.document, stats_.documents, text);
    for (const QuestionAnswer& pair : row.questions) {
      measure(pair.question, stats_.questions, false);
      measure(pair.answer, stats_.answers, true);
      if (row.kind == DataRow::Kind::kQuestions) place(row.document, pair.answer);
    }
    if (row.kind == DataRow::Kind::kQuestions) {
      documents_.emplace_back(XXH3_64bits(row.document.data(), row.document.size()), row.questions.size());
    }
  }

  void move_to(Stats& all, std::vector<std::pair<std::uint64_t, std::uint64_t>>& documents) {
    for (std::size_t i = 0; i < all.shapes.size(); ++i) all.shapes[i] += stats_.shapes[i];
    for (std::size_t i = 0; i < all.depth.size(); ++i) all.depth[i] += stats_.depth[i];
    add(all.documents, stats_.documents);
    add(all.questions, stats_.questions);
    add(all.answers, stats_.answers);
    all.absent += stats_.absent;
    all.all_bytes += stats_.all_bytes;
    all.target_bytes += stats_.target_bytes;
    all.all_tokens += stats_.all_tokens;
    all.target_tokens += stats_.target_tokens;
    documents.insert(documents.end(), documents_.begin(), documents_.end());
    documents_ = {};
  }

 private:
  void measure(std::string_view text, TextLengths& lengths, bool target) {
    const TextSize size = size_of(text, tokenizer_);
    add(lengths, size, tokenizer_ != nullptr);
    stats_.all_bytes += static_cast<std::int64_t>(size.bytes);
    stats_.all_tokens += static_cast<std::int64_t>(size.tokens);
    stats_.target_bytes += target ? static_cast<std::int64_t>(size.bytes) : 0;
    stats_.target_tokens += target ? static_cast<std::int64_t>(size.tokens) : 0;
  }
  void place(std::string_view document, std::string_view answer) {
    const void* found = ::memmem(document.data(), document.size(), answer.data(), answer.size());
    if (found == nullptr) {
      ++stats_.absent;
      return;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - document.data());
    ++stats_.depth[at * stats_.depth.size() / document.size()];
  }

  const Tokenizer* tokenizer_;
  Stats stats_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> documents_;  // hash, questions: one a row
};

Lengths questions_of_each(std::vector<std::pair<std::uint64_t, std::uint64_t>>& documents) {
  std::sort(documents.begin(), documents.end());
  Lengths lengths;
  for (std::size_t i = 0; i < documents.size();) {
    std::uint64_t questions = 0;
    const std::uint64_t hash = documents[i].first;
    for (; i < documents.size() && documents[i].first == hash; ++i) questions += documents[i].second;
    lengths.add(questions);
  }
  return lengths;
}

}  // namespace

Stats count_rows(const std::vector<std::filesystem::path>& files, Threads& threads, const Tokenizer* tokenizer,
                 const std::function<void(std::uint64_t)>& progress) {
  Stats stats;
  stats.files = static_cast<std::int64_t>(files.size());
  std::vector<Counter> counters(static_cast<std::size_t>(threads.count()), Counter(tokenizer));
  const auto look = [&](RowRead& read, int thread) {
    if (!read.broken.empty()) return;
    counters[static_cast<std::size_t>(thread)].look(read.row);
    read.row.document = {};
    read.row.questions = {};
  };
  read_rows(files, threads, look, [&](RowRead& read) {
    stats.bytes += static_cast<std::int64_t>(read.place.line.bytes) + 1;
    if (progress) progress(static_cast<std::uint64_t>(stats.bytes));
    if (read.broken.empty()) {
      ++stats.rows;
      count_value(stats.sources, read.row.marks.source);
      count_value(stats.licences, read.row.marks.licence);
    } else if (++stats.broken <= static_cast<std::int64_t>(kShownBroken)) {
      stats.first_broken.push_back(cat(name_of(files, read.place), ": ", read.broken));
    }
  });
  std::vector<std::pair<std::uint64_t, std::uint64_t>> documents;
  for (Counter& counter : counters) counter.move_to(stats, documents);
  stats.questions_of_document = questions_of_each(documents);
  return stats;
}

}  // namespace tome::data
