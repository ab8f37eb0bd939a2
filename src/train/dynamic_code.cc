#include "train/dynamic_code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace tome {
namespace {

// torch.linspace(0.1, 1, count) in f32 as AVX2 and later compute it: fused, from either end to the middle.
std::vector<float> tenth_to_one(int count) {
  std::vector<float> points(static_cast<std::size_t>(count));
  const float step = (1.0F - 0.1F) / static_cast<float>(count - 1);
  for (int i = 0; i < count; ++i) {
    points[static_cast<std::size_t>(i)] = i < count / 2 ? std::fma(step, static_cast<float>(i), 0.1F)
                                                        : std::fma(-step, static_cast<float>(count - 1 - i), 1.0F);
  }
  return points;
}

}  // namespace

const DynamicCode& DynamicCode::with_sign() {
  static const DynamicCode code(true);
  return code;
}

const DynamicCode& DynamicCode::without_sign() {
  static const DynamicCode code(false);
  return code;
}

DynamicCode::DynamicCode(bool has_sign) : has_sign_(has_sign) {
  std::vector<float> values{0.0F, 1.0F};
  for (int decade = 0; decade < 7; ++decade) {
    const auto scale = static_cast<float>(std::pow(10.0, decade - 6));
    const std::vector<float> points = tenth_to_one((1 << (has_sign ? decade : decade + 1)) + 1);
    for (std::size_t i = 0; i + 1 < points.size(); ++i) {
      const float value = scale * ((points[i] + points[i + 1]) / 2);
      values.push_back(value);
      if (has_sign) values.push_back(-value);
    }
  }
  TOME_CHECK(values.size() == values_.size(), values.size());
  std::sort(values.begin(), values.end());
  std::copy(values.begin(), values.end(), values_.begin());
  zero_ = static_cast<std::uint8_t>(std::find(values.begin(), values.end(), 0.0F) - values.begin());
  fill_buckets();
}

void DynamicCode::fill_buckets() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  last_.back() = kInfinity;
  for (std::size_t i = 0; i + 1 < values_.size(); ++i) {
    const auto lower_is_nearer = [&](float x) { return double{x} - values_[i] <= double{values_[i + 1]} - x; };
    float border = (values_[i] + values_[i + 1]) / 2;
    while (!lower_is_nearer(border)) border = std::nextafter(border, -kInfinity);
    while (lower_is_nearer(std::nextafter(border, kInfinity))) border = std::nextafter(border, kInfinity);
    last_[i] = border;
  }
  const auto code_of = [&](float x) {
    return static_cast<std::uint8_t>(std::lower_bound(last_.begin(), last_.end(), x) - last_.begin());
  };
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    const auto begins = [](std::uint32_t b) {
      return b == 0 ? 0.0F : std::bit_cast<float>((kFirstBucket + b - 1) << (23 - kMantissaBits));
    };
    const float smallest = begins(bucket);
    const float largest = std::nextafter(begins(bucket + 1), 0.0F);
    lowest_[0][bucket] = code_of(smallest);
    lowest_[1][bucket] = code_of(-largest);
    TOME_CHECK(code_of(largest) <= lowest_[0][bucket] + 1 && code_of(-smallest) <= lowest_[1][bucket] + 1);
  }
}

std::uint8_t DynamicCode::nearest(float scaled) const {
  const auto bits = std::bit_cast<std::uint32_t>(scaled);
  const std::uint32_t upper = (bits & 0x7fffffffU) >> (23 - kMantissaBits);
  const std::size_t bucket = upper < kFirstBucket ? 0 : upper - kFirstBucket + 1;
  const std::uint8_t lowest = lowest_[bits >> 31][bucket];
  return static_cast<std::uint8_t>(lowest + (scaled > last_[lowest] ? 1 : 0));
}

float DynamicCode::encode(std::span<const float> values, std::uint8_t* codes) const {
  float absmax = 0;
  for (const float value : values) absmax = std::max(absmax, std::abs(value));
  if (absmax == 0) {
    std::fill_n(codes, values.size(), zero_);
    return 0;
  }
  TOME_CHECK(absmax <= std::numeric_limits<float>::max(), "a moment is not finite");
  for (std::size_t i = 0; i < values.size(); ++i) codes[i] = nearest(values[i] / absmax);
  if (!has_sign_) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (codes[i] == zero_ && values[i] > 0) ++codes[i];
    }
  }
  return absmax;
}

void DynamicCode::decode(std::span<const std::uint8_t> codes, float absmax, float* values) const {
  for (std::size_t i = 0; i < codes.size(); ++i) values[i] = values_[codes[i]] * absmax;
}

}  // namespace tome
