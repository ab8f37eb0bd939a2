// What every configuration must satisfy, whichever file it came from: files are made by strangers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/config.h"

namespace tome {

/// Both ends belong to it.
template <typename T>
struct Limits {
  T lowest, highest;
  bool contain(T value) const { return value >= lowest && value <= highest; }
};

inline constexpr Limits<std::int64_t> kLayerLimits{1, 1000};
inline constexpr Limits<std::int64_t> kWidthLimits{1,
                                                   65536};  // also of vectors inside a layer: feed-forward is 8 x that
inline constexpr Limits<std::int64_t> kFeedForwardLimits{1, 8 * 65536};
inline constexpr Limits<std::int64_t> kHeadLimits{1, 1024};
inline constexpr Limits<std::int64_t> kHeadWidthLimits{4, 256};
inline constexpr Limits<std::int64_t> kVocabularyLimits{1, std::int64_t{1} << 24};
inline constexpr Limits<std::int64_t> kContextLimits{1, std::int64_t{1} << 31};
inline constexpr Limits<double> kEpsilonLimits{1e-30, 0.5};
inline constexpr Limits<double> kThetaLimits{1.0001, 1e15};
inline constexpr Limits<double> kFactorLimits{1, 1e6};          // of RoPE scaling
inline constexpr Limits<double> kRopeDivisorLimits{1e-3, 1e6};  // of rope_freqs.weight
inline constexpr Limits<double> kSmallFactorLimits{1e-3, 1e3};  // betas, mscale, attention factors

/// What holds between the numbers: even heads, whole groups of them, one entry of `sliding` a layer. Throws UserError
/// beginning with `where`.
void check_config(const ModelConfig& config, const std::string& where);

/// The window after `scaling` of a model that states `stated` tokens.
std::int64_t scaled_context(const RopeScaling& scaling, std::int64_t stated);

/// A name from a file as one short line of printable ASCII.
std::string plain_name(std::string_view name);

}  // namespace tome
