// The 8-bit dynamic code of block-wise optimizer states: a value is its block's largest absolute value times one of 256
// codes, which lie closer together towards zero (seven decades, fewer steps in each).
// arXiv 2110.02861; the codes are those of bitsandbytes' create_dynamic_map.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tome {

class DynamicCode {
 public:
  static constexpr std::size_t kBlock = 256;

  /// For first moments: -0.9929688 .. 1.
  static const DynamicCode& with_sign();
  /// For second moments: 0 .. 1. A value above zero never gets the code of zero: a second moment that vanished would
  /// leave epsilon alone below the fraction, and one step would throw the weight far off.
  static const DynamicCode& without_sign();

  /// In increasing order.
  const std::array<float, 256>& values() const { return values_; }

  /// One block, at most kBlock finite values (none negative in a code without sign): codes[i] is the nearest code of
  /// values[i] / absmax, the lower one of two equally near. Returns absmax. All zero: absmax 0, codes of zero.
  float encode(std::span<const float> values, std::uint8_t* codes) const;
  void decode(std::span<const std::uint8_t> codes, float absmax, float* values) const;

 private:
  explicit DynamicCode(bool has_sign);
  void fill_buckets();
  std::uint8_t nearest(float scaled) const;

  // |scaled| falls into a bucket by its upper bits; no bucket holds more than one border between two codes, so that one
  // comparison decides. Bucket 0 is everything below 2^-24, which is below the least border.
  static constexpr int kMantissaBits = 7;
  static constexpr std::uint32_t kFirstBucket = (127 - 24) << kMantissaBits;
  static constexpr std::size_t kBuckets = (24 << kMantissaBits) + 2;

  std::array<float, 256> values_{};
  std::array<float, 256> last_{};  // the largest number whose nearest code this is
  std::array<std::array<std::uint8_t, kBuckets>, 2>
      lowest_{};  // lowest code of a bucket's numbers; [1]: of negative ones
  bool has_sign_ = false;
  std::uint8_t zero_ = 0;
};

}  // namespace tome
