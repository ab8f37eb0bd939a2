// Any bytes as a training set: counted and checked against itself, in the same way whatever the number of threads.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "data/check.h"
#include "data/json_array.h"
#include "data/stats.h"
#include "data/stats_html.h"
#include "data/stats_text.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const tome::MemoryFile file(text);
  static tome::Threads one(1), two(2);
  const tome::data::Stats stats = tome::data::count_rows({file.path()}, one, nullptr);
  TOME_CHECK(tome::data::stats_text(stats) ==
             tome::data::stats_text(tome::data::count_rows({file.path()}, two, nullptr)));
  TOME_CHECK(tome::data::stats_html(stats, "x").find("<script") == std::string::npos);
  tome::data::CheckOptions options;
  options.extractive = true;
  if (stats.rows > 0) options.against = {file.path()};
  const tome::data::CheckResult result = tome::data::check_rows({file.path()}, one, options);
  TOME_CHECK(result.rows == stats.rows + stats.broken);
  TOME_CHECK(result.counts == tome::data::check_rows({file.path()}, two, options).counts);
  try {
    for (const tome::LinePlace& place : tome::data::array_elements(file.path())) {
      TOME_CHECK(place.offset + place.bytes <= size && place.bytes > 0);
    }
  } catch (const tome::UserError&) {
  }
  return 0;
}
