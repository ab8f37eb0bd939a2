#include "eval/tasks/haystack.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/error.h"

namespace tome::eval {
namespace {

std::string small_letters(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

// Takes sentences of the haystack as they are needed, and puts needles between them.
class Filler {
 public:
  Filler(const std::vector<std::string>& sentences, const HaystackOrder& order, const CountTokens& count_tokens)
      : sentences_(sentences), order_(order), count_tokens_(count_tokens), next_(order.start % sentences.size()) {
    for (const std::string& word : order.forbidden) forbidden_.push_back(small_letters(word));
    std::stable_sort(needles_.begin(), needles_.end(), [](const auto& a, const auto& b) { return a.depth < b.depth; });
    longest_ = std::max(order.tokens / 64, 2 * usual_tokens());
  }

  std::optional<std::string> fill() {
    const std::int64_t most = order_.tokens, usual = std::max<std::int64_t>(usual_tokens(), 1);
    const auto tokens = [&](std::int64_t count) { return count_tokens_(text(static_cast<std::size_t>(count))); };
    const std::int64_t found = largest_that_fits(0, most, most / usual, most, most / 200, tokens);
    if (found < 0) return std::nullopt;
    auto count = static_cast<std::size_t>(found);
    while (add_one(count)) ++count;
    return text(count);
  }

 private:
  std::int64_t usual_tokens() const {
    std::vector<std::int64_t> some;
    for (std::size_t i = 0; i < std::min<std::size_t>(sentences_.size(), 65); ++i) {
      some.push_back(count_tokens_(sentences_[(order_.start + i) % sentences_.size()]));
    }
    std::nth_element(some.begin(), some.begin() + std::ssize(some) / 2, some.end());
    return some[some.size() / 2];
  }

  // Makes sure that `count` sentences are taken.
  void take(std::size_t count) {
    std::size_t refused = 0;
    while (taken_.size() < count) {
      const std::string& sentence = sentences_[next_];
      next_ = (next_ + 1) % sentences_.size();
      const std::int64_t tokens = count_tokens_(sentence);
      if (tokens > longest_ || is_forbidden(sentence)) {
        if (++refused > sentences_.size()) throw_user_error("haystack: no sentence can be used; give a longer text");
        continue;
      }
      refused = 0;
      taken_.push_back(&sentence);
      tokens_.push_back(tokens);
    }
  }

  bool is_forbidden(std::string_view sentence) const {
    const std::string small = small_letters(sentence);
    return std::any_of(forbidden_.begin(), forbidden_.end(),
                       [&](const std::string& word) { return small.find(word) != std::string::npos; });
  }

  // The boundary nearest to a depth, by the tokens of the pieces: index of the sentence after it.
  std::size_t boundary(double depth, const std::vector<std::int64_t>& before) const {
    const double wanted = depth * static_cast<double>(before.back());
    const auto distance = [&](std::size_t i) { return std::abs(static_cast<double>(before[i]) - wanted); };
    const auto above = std::lower_bound(before.begin(), before.end(), wanted, [](std::int64_t tokens, double value) {
      return static_cast<double>(tokens) < value;
    });
    const auto place = std::min(static_cast<std::size_t>(above - before.begin()), before.size() - 1);
    return place > 0 && distance(place - 1) < distance(place) ? place - 1 : place;
  }

  std::string text(std::size_t count) {
    take(count);
    std::vector<std::int64_t> before = {0};
    for (std::size_t i = 0; i < count; ++i) before.push_back(before.back() + tokens_[i]);
    std::string text = order_.intro;
    auto needle = needles_.begin();
    for (std::size_t i = 0; i <= count; ++i) {
      for (; needle != needles_.end() && boundary(needle->depth, before) <= i; ++needle) {
        text += needle->text;
        text += order_.separator;
      }
      if (i < count) text += *taken_[i];
    }
    text.resize(text.find_last_not_of(" \n") + 1);
    return text + "\n\n";
  }

  // Puts the longest sentence of those to come that still fits behind the first `count`.
  bool add_one(std::size_t count) {
    constexpr std::size_t kAhead = 200;
    constexpr int kTries = 8;  // a sentence may have a token or two more in the text than by itself
    std::int64_t room = order_.tokens - count_tokens_(text(count));
    take(count + kAhead);
    for (int attempt = 0; attempt < kTries; ++attempt) {
      std::size_t best = count + kAhead;
      for (std::size_t i = count; i < count + kAhead; ++i) {
        if (tokens_[i] <= room && (best == count + kAhead || tokens_[i] > tokens_[best])) best = i;
      }
      if (best == count + kAhead) return false;
      std::swap(taken_[count], taken_[best]);
      std::swap(tokens_[count], tokens_[best]);
      if (count_tokens_(text(count + 1)) <= order_.tokens) return true;
      room = tokens_[count] - 1;
    }
    return false;
  }

  const std::vector<std::string>& sentences_;
  const HaystackOrder& order_;
  const CountTokens& count_tokens_;
  std::vector<Needle> needles_ = order_.needles;  // by depth
  std::vector<std::string> forbidden_;            // in small letters
  std::int64_t longest_ = 0;                      // tokens of a sentence that may be taken
  std::size_t next_;                              // of the haystack
  std::vector<const std::string*> taken_;
  std::vector<std::int64_t> tokens_;  // of each taken one, by itself
};

}  // namespace

std::optional<std::string> fill_haystack(const std::vector<std::string>& sentences, const HaystackOrder& order,
                                         const CountTokens& count_tokens) {
  TOME_CHECK(!sentences.empty());
  return Filler(sentences, order, count_tokens).fill();
}

}  // namespace tome::eval
