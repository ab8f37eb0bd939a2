// Lists of English words and made-up names. Each list is fixed: what generators make of it is the same everywhere.
#pragma once

#include <string>
#include <vector>

namespace tome::eval {

const std::vector<std::string>& nouns();       // about 900, small letters, no two alike
const std::vector<std::string>& adjectives();  // about 450, likewise
const std::vector<std::string>& verbs();       // about 500, likewise
/// The three lists above as one, sorted, no two alike.
const std::vector<std::string>& plain_words();

// With a capital, rare or made up, so that they hardly stand in a user's text.
const std::vector<std::string>& given_names();
const std::vector<std::string>& family_names();
const std::vector<std::string>& towns();

}  // namespace tome::eval
