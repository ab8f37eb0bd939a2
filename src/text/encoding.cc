#include "text/encoding.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kSample = 1 << 16;                   // bytes that decide between UTF-16, UTF-32 and the rest

struct Bom {
  std::string_view bytes;
  const char* encoding;
};
// UTF-32LE before UTF-16LE, whose mark it begins with.
constexpr std::array<Bom, 6> kBoms = {{{"\xEF\xBB\xBF", "UTF-8"},
                                       {std::string_view("\xFF\xFE\0\0", 4), "UTF-32LE"},
                                       {std::string_view("\0\0\xFE\xFF", 4), "UTF-32BE"},
                                       {"\xFF\xFE", "UTF-16LE"},
                                       {"\xFE\xFF", "UTF-16BE"},
                                       {"\x84\x31\x95\x33", "gb18030"}}};

struct Utf8Scan {
  std::size_t multibyte = 0;  // good sequences of two bytes and more
  std::size_t invalid = 0;
};

// Length of the run of ASCII at `at`.
std::size_t ascii_run(std::string_view bytes, std::size_t at) {
  const std::size_t begin = at;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80) ++at;
  return at - begin;
}

// One character of UTF-8 that is not ASCII; moves `at` behind it. Negative: not UTF-8.
UChar32 next_multibyte(std::string_view bytes, std::size_t& at) {
  UChar32 character;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  U8_NEXT(data, at, bytes.size(), character);
  return character;
}

Utf8Scan scan_utf8(std::string_view bytes) {
  Utf8Scan scan;
  for (std::size_t at = ascii_run(bytes, 0); at < bytes.size(); at += ascii_run(bytes, at)) {
    ++(next_multibyte(bytes, at) < 0 ? scan.invalid : scan.multibyte);
  }
  return scan;
}

std::uint32_t unit(std::string_view bytes, std::size_t at, int width, bool big) {
  std::uint32_t value = 0;
  for (int i = 0; i < width; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    value |= static_cast<std::uint32_t>(byte) << (8 * (big ? width - 1 - i : i));
  }
  return value;
}

bool is_utf32(std::string_view bytes, bool big) {
  if (bytes.size() % 4 != 0) return false;
  for (std::size_t at = 0; at < std::min(bytes.size(), kSample); at += 4) {
    const std::uint32_t value = unit(bytes, at, 4, big);
    if (value > 0x10FFFF || U_IS_SURROGATE(value)) return false;
  }
  return true;
}

// How much the bytes look like UTF-16: the characters that every text is full of, minus those that none has.
std::ptrdiff_t utf16_score(std::string_view bytes, bool big) {
  std::ptrdiff_t common = 0, impossible = 0;
  std::uint32_t previous = 0;
  for (std::size_t at = 0; at + 2 <= std::min(bytes.size(), kSample); at += 2) {
    const std::uint32_t value = unit(bytes, at, 2, big);
    const bool letter = (value >= 0x20 && value < 0x7F) || value == '\n' || value == '\r' || value == '\t';
    const bool ideographic_stop = value == 0x3000 || value == 0x3001 || value == 0x3002 || value == 0xFF0C;
    common += letter || ideographic_stop;
    impossible += value == 0 || value == 0xFFFE || value == 0xFFFF || (U16_IS_TRAIL(value) && !U16_IS_LEAD(previous));
    previous = value;
  }
  return common - 20 * impossible;
}

// UTF-8 with a few NUL bytes strewn in; UTF-16 has many of them, or other control characters as halves of its own.
bool is_narrow(std::string_view sample) {
  const auto nuls = static_cast<std::size_t>(std::count(sample.begin(), sample.end(), '\0'));
  const auto controls = static_cast<std::size_t>(std::count_if(
      sample.begin(), sample.end(), [](char c) { return c > '\0' && c < ' ' && !(c >= '\b' && c <= '\r'); }));
  return nuls * 8 < sample.size() && controls * 50 < sample.size() &&
         scan_utf8(sample).invalid <= 1;  // a cut character
}

// Text in UTF-16 and UTF-32 holds NUL bytes (line ends, blanks), text in any other encoding does not.
const char* find_wide(std::string_view bytes) {
  const std::string_view sample = bytes.substr(0, kSample);
  if (sample.find('\0') == std::string_view::npos || is_narrow(sample)) return nullptr;
  if (is_utf32(bytes, false)) return "UTF-32LE";
  if (is_utf32(bytes, true)) return "UTF-32BE";
  const std::ptrdiff_t little = utf16_score(bytes, false), big = utf16_score(bytes, true);
  const auto units = static_cast<std::ptrdiff_t>(std::min(bytes.size(), kSample) / 2);
  if (std::max(little, big) * 50 < units || std::max(little, big) <= 0) return nullptr;
  return little >= big ? "UTF-16LE" : "UTF-16BE";
}

// ISO-2022 is ASCII with escapes that switch the alphabet: valid UTF-8, and yet not.
bool maybe_iso2022(std::string_view bytes) {
  for (std::size_t at = bytes.find('\x1B'); at != std::string_view::npos; at = bytes.find('\x1B', at + 1)) {
    if (at + 1 < bytes.size() && (bytes[at + 1] == '$' || bytes[at + 1] == '(')) return true;
  }
  return false;
}

// The detector looks at 8 KB only: give it the lines that hold something else than ASCII.
std::string detector_sample(std::string_view bytes) {
  constexpr std::size_t kBytes = 8000, kLine = 1000;
  std::string sample;
  std::size_t at = 0;
  while (at < bytes.size() && sample.size() < kBytes) {
    const std::size_t hit = at + ascii_run(bytes, at);
    if (hit >= bytes.size()) break;
    const std::size_t reach = std::max(at, hit > kLine ? hit - kLine : 0);
    const std::size_t begin = reach + (bytes.substr(reach, hit - reach).rfind('\n') + 1);  // npos + 1 is 0
    const std::size_t end = std::min({bytes.find('\n', hit), begin + 2 * kLine, bytes.size()});
    sample.append(bytes.substr(begin, end - begin)).push_back('\n');
    at = end;
  }
  return sample;
}

struct Detected {
  std::string encoding;
  int confidence = 0;  // 0 to 100
};

Detected detect(std::string_view sample) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, decltype(&ucsdet_close)> detector(ucsdet_open(&status), ucsdet_close);
  ucsdet_setText(detector.get(), sample.data(), static_cast<std::int32_t>(sample.size()), &status);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &status);
  if (U_FAILURE(status) || match == nullptr) return {};
  Detected detected{ucsdet_getName(match, &status), ucsdet_getConfidence(match, &status)};
  return U_FAILURE(status) ? Detected{} : detected;
}

bool same_name(std::string_view a, const char* b) { return ucnv_compareNames(std::string(a).c_str(), b) == 0; }

// The encoding that files with this label are truly in, as browsers know it; empty when there is no such encoding.
std::string real_encoding(std::string_view label) {
  if (label.empty() || label.size() > 60) return {};
  for (const char* latin : {"iso-8859-1", "us-ascii", "latin1"}) {
    if (same_name(label, latin)) return "windows-1252";
  }
  for (const char* chinese : {"gb2312", "gbk"}) {
    if (same_name(label, chinese)) return "gb18030";
  }
  if (same_name(label, "iso-8859-9")) return "windows-1254";
  if (same_name(label, "euc-kr") || same_name(label, "ks_c_5601-1987")) return "windows-949";
  UErrorCode status = U_ZERO_ERROR;
  UConverter* converter = ucnv_open(std::string(label).c_str(), &status);
  if (U_FAILURE(status)) return {};
  const std::string name = ucnv_getName(converter, &status);
  const int width = ucnv_getMinCharSize(converter);
  ucnv_close(converter);
  return U_FAILURE(status) || width > 1 ? std::string{} : std::string(label);  // wide ones were found by their NULs
}

std::string convert(std::string_view bytes, const std::string& encoding) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(encoding.c_str(), &status), ucnv_close);
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> to(ucnv_open("UTF-8", &status), ucnv_close);
  TOME_CHECK(U_SUCCESS(status), encoding, ": ", u_errorName(status));
  std::string text;
  std::array<UChar, 1024> pivot;
  UChar* pivot_source = pivot.data();
  UChar* pivot_target = pivot.data();
  std::array<char, 4096> buffer;
  const char* source = bytes.data();
  const char* const source_end = source + bytes.size();
  bool first = true;
  do {
    status = U_ZERO_ERROR;
    char* target = buffer.data();
    ucnv_convertEx(to.get(), from.get(), &target, buffer.data() + buffer.size(), &source, source_end, pivot.data(),
                   &pivot_source, &pivot_target, pivot.data() + pivot.size(), first, true, &status);
    text.append(buffer.data(), target);
    first = false;
  } while (status == U_BUFFER_OVERFLOW_ERROR);
  TOME_CHECK(U_SUCCESS(status), encoding, ": ", u_errorName(status));
  return text;
}

// LF line ends, no NUL; counts what it meets.
void clean(Decoded& decoded) {
  std::string& text = decoded.text;
  std::size_t to = 0;
  for (std::size_t from = 0; from < text.size(); ++from) {
    const char character = text[from];
    if (character == '\r') {
      if (from + 1 < text.size() && text[from + 1] == '\n') ++from;
      text[to++] = '\n';
    } else if (character == '\0') {
      ++decoded.nuls;
    } else {
      const bool known = (character >= '\b' && character <= '\f') || character == '\x1B';
      decoded.controls += static_cast<unsigned char>(character) < 0x20 && !known;
      text[to++] = character;
    }
  }
  text.resize(to);
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

Decoded decode_as(std::string_view bytes, std::string encoding) {
  if (encoding == "UTF-8") return decode_utf8(bytes);
  Decoded decoded;
  decoded.text = convert(bytes, encoding);
  decoded.replaced = count(decoded.text, kReplacement);
  decoded.encoding = std::move(encoding);
  clean(decoded);
  return decoded;
}

Decoded decode_guess(std::string_view bytes, const Utf8Scan& scan) {
  if (scan.multibyte > 10 * scan.invalid) return decode_as(bytes, "UTF-8");
  constexpr int kTrust = 15;  // below it the detector only throws dice
  const Detected detected = detect(detector_sample(bytes));
  std::string encoding = detected.confidence >= kTrust ? real_encoding(detected.encoding) : "";
  if (encoding.empty() || same_name(encoding, "UTF-8")) encoding = "windows-1252";
  Decoded decoded = decode_as(bytes, std::move(encoding));
  decoded.guessed = true;
  return decoded;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t run = ascii_run(text, at);
    valid.append(text.substr(at, run));
    at += run;
    if (at >= text.size()) break;
    const std::size_t begin = at;
    if (next_multibyte(text, at) < 0) {
      valid.append(kReplacement);
    } else {
      valid.append(text.substr(begin, at - begin));
    }
  }
  return valid;
}

Decoded decode_utf8(std::string_view bytes) {
  Decoded decoded;
  const Utf8Scan scan = scan_utf8(bytes);
  decoded.text = scan.invalid == 0 ? std::string(bytes) : valid_utf8(bytes);
  decoded.encoding = "UTF-8";
  decoded.replaced = scan.invalid;
  clean(decoded);
  return decoded;
}

Decoded decode_text(std::string_view bytes, std::string_view declared) {
  for (const Bom& bom : kBoms) {
    if (bytes.starts_with(bom.bytes)) return decode_as(bytes.substr(bom.bytes.size()), bom.encoding);
  }
  if (const char* wide = find_wide(bytes)) return decode_as(bytes, wide);
  const Utf8Scan scan = scan_utf8(bytes);
  const bool iso2022 = scan.multibyte == 0 && maybe_iso2022(bytes);
  if (iso2022) {
    const Detected detected = detect(bytes.substr(0, kSample));
    if (detected.encoding.starts_with("ISO-2022") && detected.confidence >= 50) {
      return decode_as(bytes, detected.encoding);
    }
  }
  if (scan.invalid == 0) return decode_as(bytes, "UTF-8");
  std::string encoding = real_encoding(declared);
  if (!encoding.empty() && !same_name(encoding, "UTF-8")) return decode_as(bytes, std::move(encoding));
  return decode_guess(bytes, scan);
}

bool looks_binary(const Decoded& decoded) {
  const std::size_t size = decoded.text.size() + decoded.nuls;
  return decoded.nuls > 4 + size / 1000 || decoded.controls > 4 + size / 50;
}

}  // namespace tome
