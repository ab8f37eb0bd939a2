// Needle in a haystack (Kamradt 2023): a short fact at a depth of a long text, and a question for it.
#pragma once

#include <string>
#include <vector>

#include "eval/choices.h"
#include "eval/tasks/random_texts.h"

namespace tome::eval {

/// A fact that can be hidden and asked for.
struct Fact {
  std::string text;      // one sentence
  std::string question;  // for `value` alone
  std::string key;       // what the question names; empty for a paraphrased one
  std::string value;     // five digits
};

/// Facts of one text, none like another.
class Facts {
 public:
  explicit Facts(Choices& choices, KeyShare share = KeyShare::kMeasuring) : choices_(choices), share_(share) {}

  /// A fact about a person by name, or for training about a thing with a key; the question has the fact's own words.
  Fact literal();
  /// The question shares no content word with the fact. Throws UserError when all (paraphrased_facts()) are told.
  Fact paraphrased();
  static std::size_t paraphrased_facts(KeyShare share = KeyShare::kMeasuring);

 private:
  Choices& choices_;
  KeyShare share_;
  Unseen keys_, values_, patterns_;
  std::size_t told_ = 0;
};

}  // namespace tome::eval
