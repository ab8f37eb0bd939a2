// How --rope-scaling and reports spell a RopeScaling.
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "formats/printable.h"
#include "model/config_limits.h"
#include "model/rope.h"

namespace tome {
namespace {

constexpr std::array<std::pair<RopeKind, std::string_view>, 6> kNames{{{RopeKind::kNone, "none"},
                                                                       {RopeKind::kLinear, "linear"},
                                                                       {RopeKind::kNtk, "ntk"},
                                                                       {RopeKind::kDynamicNtk, "dynamic"},
                                                                       {RopeKind::kYarn, "yarn"},
                                                                       {RopeKind::kLlama3, "llama3"}}};

std::optional<RopeKind> kind_named(std::string_view word) {
  for (const auto& [kind, name] : kNames) {
    if (name == word) return kind;
  }
  return std::nullopt;
}

/// All of `word` as a number.
template <typename T>
std::optional<T> number_in(std::string_view word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// The shortest digits that read back as `value`.
std::string digits(double value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

/// Takes what comes before the next ':'; std::nullopt when nothing is left.
std::optional<std::string_view> next_word(std::optional<std::string_view>& rest) {
  if (!rest) return std::nullopt;
  const std::size_t colon = rest->find(':');
  const std::string_view word = rest->substr(0, colon);
  rest = colon == std::string_view::npos ? std::nullopt : std::optional(rest->substr(colon + 1));
  return word;
}

}  // namespace

std::string to_string(const RopeScaling& scaling) {
  std::string_view name;
  for (const auto& [kind, spelling] : kNames) {
    if (kind == scaling.kind) name = spelling;
  }
  if (scaling.kind == RopeKind::kNone) return std::string(name);
  if (scaling.original_context <= 0) return cat(name, ":", digits(scaling.factor));
  return cat(name, ":", digits(scaling.factor), ":", scaling.original_context);
}

RopeScaling parse_rope_scaling(const std::string& text, std::int64_t context_length) {
  const auto fail = [&](const auto&... parts) {
    throw_user_error(
        "--rope-scaling: got ", in_quotes(text), ", ", parts...,
        "; write none, or linear, ntk, dynamic, yarn or llama3 with a factor (yarn:4) and, if it is not the ",
        "model's own, the trained window (yarn:4:8192)");
  };
  std::optional<std::string_view> rest = text;
  const std::string_view name = *next_word(rest);
  const std::optional<RopeKind> kind = kind_named(name);
  if (!kind) fail("where ", in_quotes(name), " is unknown");
  RopeScaling scaling;
  scaling.kind = *kind;
  if (*kind == RopeKind::kNone) {
    if (rest) fail("but none takes no factor");
    return scaling;
  }
  const auto factor = number_in<double>(next_word(rest).value_or(""));
  if (!factor || !kFactorLimits.contain(*factor)) {
    fail("without a factor from ", kFactorLimits.lowest, " to ", kFactorLimits.highest);
  }
  scaling.factor = *factor;
  scaling.original_context = context_length;
  if (const auto word = next_word(rest)) {
    const auto original = number_in<std::int64_t>(*word);
    if (!original || !kContextLimits.contain(*original)) fail("where ", in_quotes(*word), " is no number of tokens");
    scaling.original_context = *original;
  }
  if (rest) fail("where ", in_quotes(*rest), " is too much");
  return scaling;
}

}  // namespace tome
