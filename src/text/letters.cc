#include "text/letters.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <cstdint>

#include "base/error.h"

namespace tome {
namespace {

icu::UnicodeString unicode_string(std::string_view text) {
  if (text.size() > kMaxCasedBytes) {
    throw_user_error("a text of ", text.size(), " bytes is too long to change its case; expected at most ",
                     kMaxCasedBytes);
  }
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result;
  unicode_string(text).toLower(icu::Locale::getRoot()).toUTF8String(result);
  return result;
}

std::string upper_case(std::string_view text) {
  std::string result;
  unicode_string(text).toUpper(icu::Locale::getRoot()).toUTF8String(result);
  return result;
}

bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

bool is_word_character(char32_t code) {
  constexpr std::uint32_t kLettersAndNumbers = U_GC_L_MASK | U_GC_N_MASK;
  return code == U'_' || (U_GET_GC_MASK(static_cast<UChar32>(code)) & kLettersAndNumbers) != 0;
}

int digit_value(char32_t code) { return u_charDigitValue(static_cast<UChar32>(code)); }

}  // namespace tome
