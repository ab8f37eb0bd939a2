#include "data/book_facts.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "eval/tasks/random_texts.h"

namespace tome::data {
namespace {

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'z');
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n' && c != ' ') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

// What stands between full stops, from a capital on; quotation marks and dashes make it doubtful where a sentence ends.
std::vector<std::string> sentences_of(std::string_view paragraph) {
  constexpr std::size_t kLeast = 40, kMost = 200;
  const std::string text = on_one_line(paragraph);
  std::vector<std::string> sentences;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.size(), text.find(". ", begin) + 1);
    const std::string_view sentence = std::string_view(text).substr(begin, (end == 0 ? text.size() : end) - begin);
    const bool plain = sentence.find_first_of("\"_*\x80\xE2") == std::string_view::npos;
    if (plain && sentence.size() >= kLeast && sentence.size() <= kMost && is_capital(sentence[0]) &&
        sentence.ends_with('.')) {
      sentences.emplace_back(sentence);
    }
    begin += sentence.size() + 1;
  }
  return sentences;
}

bool stands_once(const std::string& text, const std::string& sentence) {
  const std::size_t at = text.find(sentence);
  return at != std::string::npos && text.find(sentence, at + 1) == std::string::npos;
}

}  // namespace

std::vector<std::string> fact_names(std::size_t count, eval::Choices& choices) {
  eval::Unseen keys;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(keys.next([&] { return eval::random_key(choices, eval::KeyShare::kTraining); }));
  }
  return names;
}

std::string with_facts(const std::vector<std::string>& paragraphs, std::vector<Fact>& facts) {
  std::size_t bytes = 0;
  for (const std::string& paragraph : paragraphs) bytes += paragraph.size() + 2;
  std::vector<std::size_t> order(facts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return facts[a].depth < facts[b].depth; });
  std::vector<std::string> all;
  std::vector<std::size_t> begins(facts.size());
  std::size_t at = 0, own = 0;  // bytes before this paragraph, with the facts and without
  std::size_t next = 0;
  const auto put = [&](const std::string& paragraph) {
    all.push_back(paragraph);
    at += paragraph.size() + 2;
  };
  for (std::size_t i = 0; i <= paragraphs.size(); ++i) {
    const std::size_t half = i < paragraphs.size() ? paragraphs[i].size() / 2 : 0;
    const auto here = [&](std::size_t fact) {
      return facts[fact].depth * static_cast<double>(bytes) <= static_cast<double>(own + half);
    };
    for (; next < order.size() && (i == paragraphs.size() || here(order[next])); ++next) {
      begins[order[next]] = at;
      put(facts[order[next]].sentence);
    }
    if (i == paragraphs.size()) break;
    put(paragraphs[i]);
    own += paragraphs[i].size() + 2;
  }
  std::string text = joined(all);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    facts[i].depth = static_cast<double>(begins[i]) / static_cast<double>(text.size());
  }
  return text;
}

std::vector<std::string> sentences_of_parts(const std::vector<std::string>& paragraphs, std::size_t count,
                                            eval::Choices& choices) {
  const std::string text = on_one_line(joined(paragraphs));
  std::vector<std::string> chosen;
  for (std::size_t part = 0; part < count; ++part) {
    const std::size_t begin = part * paragraphs.size() / count, end = (part + 1) * paragraphs.size() / count;
    std::vector<std::size_t> order;
    for (std::size_t i = begin; i < end; ++i) order.push_back(i);
    choices.shuffle(order);
    for (const std::size_t paragraph : order) {
      const std::vector<std::string> some = sentences_of(paragraphs[paragraph]);
      if (some.empty()) continue;
      const std::string& sentence = choices.one_of(some);
      if (!stands_once(text, sentence)) continue;
      chosen.push_back(sentence);
      break;
    }
  }
  return chosen;
}

std::vector<std::pair<std::string, std::int64_t>> counted_names(std::string_view text) {
  constexpr std::int64_t kLeast = 3, kMost = 30;
  std::map<std::string, std::int64_t, std::less<>> counts;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end - at >= 4) ++counts[std::string(text.substr(at, end - at))];
    at = end + 1;
  }
  std::vector<std::pair<std::string, std::int64_t>> names;
  for (const auto& [word, count] : counts) {
    if (!is_capital(word[0]) || count < kLeast || count > kMost) continue;
    if (std::any_of(word.begin() + 1, word.end(), [](char c) { return c < 'a' || c > 'z'; })) continue;
    std::string lower = word;
    lower[0] = static_cast<char>(lower[0] + 32);
    if (!counts.contains(lower)) names.emplace_back(word, count);
  }
  return names;
}

}  // namespace tome::data
