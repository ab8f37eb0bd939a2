#include "text/characters.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/uchar.h>

#include "base/error.h"

namespace tome {

std::string lower_case(std::string_view utf8) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece source(utf8.data(), static_cast<std::int32_t>(utf8.size()));
  icu::CaseMap::utf8ToLower("", 0, source, sink, nullptr, error);
  TOME_CHECK(U_SUCCESS(error), u_errorName(error));
  return out;
}

bool is_word_character(char32_t code) {
  return code == U'_' || (U_MASK(u_charType(static_cast<UChar32>(code))) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

bool is_white_space(char32_t code) {
  const bool separator = code >= 0x1C && code <= 0x1F;  // of files, groups, records and units
  return separator || u_isUWhiteSpace(static_cast<UChar32>(code));
}

}  // namespace tome
