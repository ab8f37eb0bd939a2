#include "data/licences.h"

#include <algorithm>
#include <array>
#include <string>

namespace tome::data {
namespace {

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_' || c == '.' || c == ',') continue;
    letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return letters;
}

}  // namespace

bool is_known_licence(std::string_view name) {
  // Of whole families the beginning, as letters_of gives it; a version may follow.
  constexpr std::array<std::string_view, 24> kFamilies = {
      "ccby", "cc0", "ccpddc", "ccpdm", "publicdomain", "mit",  "mit0", "apache", "bsd",  "gpl",   "lgpl", "agpl",
      "gfdl", "mpl", "epl",    "eupl",  "odcby",        "odbl", "pddl", "isc",    "zlib", "ogluk", "cdla", "unlicense"};
  const std::string letters = letters_of(name);
  return std::any_of(kFamilies.begin(), kFamilies.end(), [&](std::string_view family) {
    if (!letters.starts_with(family)) return false;
    const std::string_view rest = std::string_view(letters).substr(family.size());
    const bool version = rest.empty() || (rest[0] >= '0' && rest[0] <= '9');
    const bool variant = family == "ccby" || family == "bsd" || family == "cdla" || family.ends_with("gpl") ||
                         family == "publicdomain" || family == "apache";
    return version || variant;
  });
}

}  // namespace tome::data
