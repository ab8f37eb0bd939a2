#include "text/encoding.h"

#include <gtest/gtest.h>
#include <unicode/ucnv.h>

#include <string>
#include <string_view>
#include <tuple>

#include "base/error.h"

namespace tome {
namespace {

constexpr const char* kFrench =
    "Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient si vite "
    "que "
    "je n’avais pas le temps de me dire : « Je m’endors. »\n";
constexpr const char* kRussian =
    "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. Все смешалось в доме "
    "Облонских.\n";
constexpr const char* kJapanese =
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いてい"
    "た"
    "事だけは記憶している。\n";
constexpr const char* kChinese = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。及秦灭之后，楚、汉分争。\n";
constexpr const char* kPolish =
    "Litwo! Ojczyzno moja! ty jesteś jak zdrowie. Ile cię trzeba cenić, ten tylko się dowie, kto cię stracił. Dziś "
    "piękność twą w całej ozdobie widzę i opisuję, bo tęsknię po tobie.\n";
constexpr const char* kKorean =
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 "
    "부여받았다.\n";

std::string encode(std::string_view text, const char* encoding) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out(text.size() * 4 + 16, '\0');
  const auto size = ucnv_convert(encoding, "UTF-8", out.data(), static_cast<std::int32_t>(out.size()), text.data(),
                                 static_cast<std::int32_t>(text.size()), &status);
  TOME_CHECK(U_SUCCESS(status), encoding);
  out.resize(static_cast<std::size_t>(size));
  return out;
}

class EveryEncoding : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryEncoding, IsFoundWithoutAMark) {
  const auto [encoding, text] = GetParam();
  const Decoded decoded = decode_text(encode(text, encoding));
  EXPECT_EQ(decoded.text, text) << "read as " << decoded.encoding;
  EXPECT_EQ(decoded.replaced, 0u);
  EXPECT_FALSE(looks_binary(decoded));
}

INSTANTIATE_TEST_SUITE_P(Encodings, EveryEncoding,
                         testing::Values(std::tuple("UTF-8", kRussian), std::tuple("UTF-16LE", kFrench),
                                         std::tuple("UTF-16BE", kFrench), std::tuple("UTF-32LE", kJapanese),
                                         std::tuple("UTF-32BE", kFrench), std::tuple("UTF-16LE", kChinese),
                                         std::tuple("UTF-16BE", kJapanese), std::tuple("UTF-16LE", kRussian),
                                         std::tuple("windows-1252", kFrench), std::tuple("windows-1251", kRussian),
                                         std::tuple("KOI8-R", kRussian), std::tuple("windows-1250", kPolish),
                                         std::tuple("ISO-8859-2", kPolish), std::tuple("Shift_JIS", kJapanese),
                                         std::tuple("EUC-JP", kJapanese), std::tuple("ISO-2022-JP", kJapanese),
                                         std::tuple("GB18030", kChinese), std::tuple("EUC-KR", kKorean)));

TEST(Encoding, ABomDecidesAndIsDropped) {
  EXPECT_EQ(decode_text("\xEF\xBB\xBFhello").text, "hello");
  for (const char* encoding : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"}) {
    const Decoded decoded = decode_text(encode("\xEF\xBB\xBF"
                                               "h\xC3\xA9",
                                               encoding),
                                        "windows-1251");
    EXPECT_EQ(decoded.text, "h\xC3\xA9");
    EXPECT_EQ(decoded.encoding, encoding);
  }
}

TEST(Encoding, OneOddByteFarFromTheStartIsStillGuessedFromItsSurroundings) {
  std::string text(200000, 'a');
  for (std::size_t i = 60; i < text.size(); i += 61) text[i] = '\n';
  text += "It was the caf\xE9 owner\x92s hat.\n";
  const Decoded decoded = decode_text(text);
  EXPECT_TRUE(decoded.guessed);
  EXPECT_TRUE(decoded.text.ends_with("café owner’s hat.\n")) << decoded.encoding;
}

TEST(Encoding, LongLinesDoNotMakeTheSampleSlow) {
  std::string text(4 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); i += 3) text[i] = '\xE9';
  EXPECT_EQ(decode_text(text).replaced, 0u);
}

TEST(Encoding, DeclaredIsTrustedBehindUtf8Only) {
  EXPECT_EQ(decode_text("\xF7\xE5\xEB\xEE\xE2\xE5\xEA", "windows-1251").text, "человек");
  EXPECT_EQ(decode_text("caf\xE9", "iso-8859-1").encoding, "windows-1252");
  EXPECT_EQ(decode_text("caf\xC3\xA9", "windows-1251").text, "café");
  EXPECT_EQ(decode_text("caf\xE9", "no-such-encoding").text, "café");
  EXPECT_EQ(decode_text("caf\xE9 au lait", "utf-16").text, "café au lait");
}

TEST(Encoding, DamagedUtf8StaysUtf8) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "жук ";
  const Decoded decoded = decode_text(text + "\xD0\xFF end");
  EXPECT_EQ(decoded.encoding, "UTF-8");
  EXPECT_EQ(decoded.replaced, 2u);
  EXPECT_EQ(decoded.text, text + "\xEF\xBF\xBD\xEF\xBF\xBD end");
}

TEST(Encoding, LineEndsAndNulsAreCleaned) {
  const Decoded decoded = decode_text(std::string_view("a\r\nb\rc\n\r\r\nd\0e\r", 14));
  EXPECT_EQ(decoded.text, "a\nb\nc\n\n\nde\n");
  EXPECT_EQ(decoded.nuls, 1u);
  EXPECT_FALSE(looks_binary(decoded));
}

TEST(Encoding, OverlongFormsSurrogatesAndBeyondUnicodeAreReplaced) {
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x82"}) {
    const std::string valid = valid_utf8(std::string("a") + bad + "b");
    EXPECT_TRUE(valid.starts_with("a\xEF\xBF\xBD") && valid.ends_with("b"));
    EXPECT_EQ(valid_utf8(valid), valid);
  }
}

TEST(Encoding, NoiseLooksBinary) {
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  EXPECT_TRUE(looks_binary(decode_text(noise)));
  EXPECT_TRUE(looks_binary(decode_text(std::string(1000, '\0'))));
}

}  // namespace
}  // namespace tome
