// JSON: what the fast reader gives is what nlohmann's own gives, and whatever either refuses is refused.
#include "formats/json.h"

#include <gtest/gtest.h>

#include <string_view>

#include "files.h"

namespace tome {
namespace {

using nlohmann::json;

json read(std::string_view text, int deepest = 16) {
  return parse_json(std::as_bytes(std::span(text.data(), text.size())), "x", deepest);
}

TEST(Json, AgreesWithTheStrictReader) {
  for (const char* text :
       {"null", "true", "0", "-1", "18446744073709551615", "-9223372036854775808", "18446744073709551616", "0.1", "1e5",
        "-0.0", "\"a\\u00e9\\ud83d\\ude00\\n\"", "[]", "{}", R"({"b":[1,{"a":null}],"a":"x"})", " [1,2.5,-3] ",
        "\xEF\xBB\xBF{\"a\":1}", "123456789012345678901234567890"}) {
    const json expected = json::parse(text);
    const json got = read(text);
    EXPECT_EQ(got, expected) << text;
    EXPECT_EQ(got.dump(), expected.dump()) << text;
    EXPECT_EQ(got.type(), expected.type()) << text;
  }
}

TEST(Json, Refuses) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1,\"a\":1}", "1e999", "\"\\ud800\"", "\"\\udc00\"", "\"\xFF\"",
                           "{\"\\udc00\":1}", "[[[1]]]", "{\"a\":[{}]}", "[1] 2", "\"a\nb\"", "01"}) {
    EXPECT_THROW(read(text, 2), UserError) << text;
  }
  EXPECT_NO_THROW(read("[[1]]", 2));
}

}  // namespace
}  // namespace tome
