#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace tome {
namespace {

/// theta^(-2 i / C), the plain frequencies, each divided by the factor that a file states for it.
std::vector<double> plain_frequencies(std::size_t head_width, double theta, const std::vector<float>& factors) {
  TOME_CHECK(factors.empty() || factors.size() == head_width / 2, factors.size(), " factors, head width ", head_width);
  std::vector<double> frequencies(head_width / 2);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_width));
    if (!factors.empty()) frequencies[i] /= static_cast<double>(factors[i]);
  }
  return frequencies;
}

/// theta of NTK-aware scaling: the slowest frequency is divided by `stretch`, the fastest stays.
double ntk_theta(double theta, double stretch, std::size_t head_width) {
  TOME_CHECK(head_width > 2, "head width ", head_width);
  const auto width = static_cast<double>(head_width);
  return theta * std::pow(stretch, width / (width - 2));
}

/// The index of the frequency that turns `rotations` times in the original window (a real number).
double yarn_index(double rotations, std::size_t head_width, double theta, double original_context) {
  return static_cast<double>(head_width) * std::log(original_context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(theta));
}

/// Frequencies that turn often stay, those that turn less than once are divided, between them a ramp.
void apply_yarn(std::vector<double>& frequencies, std::size_t head_width, double theta, const RopeScaling& scaling) {
  const auto original = static_cast<double>(scaling.original_context);
  double low = yarn_index(scaling.beta_fast, head_width, theta, original);
  double high = yarn_index(scaling.beta_slow, head_width, theta, original);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(head_width) - 1);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = frequencies[i] / scaling.factor * ramp + frequencies[i] * (1 - ramp);
  }
}

double yarn_mscale(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

double yarn_attention_factor(const RopeScaling& scaling) {
  if (scaling.attention_factor != 0) return scaling.attention_factor;
  if (scaling.mscale != 0 && scaling.mscale_all_dim != 0) {
    return yarn_mscale(scaling.factor, scaling.mscale) / yarn_mscale(scaling.factor, scaling.mscale_all_dim);
  }
  return yarn_mscale(scaling.factor, 1);
}

/// Llama 3.1: wavelengths beyond original / low are divided, those below original / high stay, between them a blend.
void apply_llama3(std::vector<double>& frequencies, const RopeScaling& scaling) {
  const double low = scaling.low_frequency_factor, high = scaling.high_frequency_factor;
  for (double& frequency : frequencies) {
    const double turns = static_cast<double>(scaling.original_context) * frequency / (2 * std::numbers::pi);
    const double kept = std::clamp((turns - low) / (high - low), 0.0, 1.0);
    frequency = (1 - kept) * frequency / scaling.factor + kept * frequency;
  }
}

void check_settings(std::size_t head_width, double theta, const RopeScaling& scaling) {
  TOME_CHECK(head_width >= 2 && head_width % 2 == 0, "head width ", head_width);
  TOME_CHECK(theta > 1 && scaling.factor >= 1, "theta ", theta, ", factor ", scaling.factor);
  const bool needs_original =
      scaling.kind == RopeKind::kYarn || scaling.kind == RopeKind::kLlama3 || scaling.kind == RopeKind::kDynamicNtk;
  TOME_CHECK(!needs_original || scaling.original_context > 0, "original context ", scaling.original_context);
}

}  // namespace

Rope::Rope(std::size_t head_width, double theta, const RopeScaling& scaling, std::int64_t tokens) {
  check_settings(head_width, theta, scaling);
  if (scaling.kind == RopeKind::kNtk) theta = ntk_theta(theta, scaling.factor, head_width);
  if (scaling.kind == RopeKind::kDynamicNtk && tokens > scaling.original_context) {
    const double stretch = static_cast<double>(tokens) / static_cast<double>(scaling.original_context);
    theta = ntk_theta(theta, scaling.factor * stretch - (scaling.factor - 1), head_width);
  }
  std::vector<double> frequencies = plain_frequencies(head_width, theta, scaling.frequency_factors);
  if (scaling.kind == RopeKind::kLinear) {
    for (double& frequency : frequencies) frequency /= scaling.factor;
  } else if (scaling.kind == RopeKind::kYarn) {
    apply_yarn(frequencies, head_width, theta, scaling);
    attention_factor_ = static_cast<float>(yarn_attention_factor(scaling));
  } else if (scaling.kind == RopeKind::kLlama3) {
    apply_llama3(frequencies, scaling);
  }
  for (const double frequency : frequencies) frequencies_.push_back(static_cast<float>(frequency));
}

void Rope::table(std::span<const std::int64_t> positions, std::span<float> cosine, std::span<float> sine) const {
  const std::size_t half = frequencies_.size();
  TOME_CHECK(cosine.size() == positions.size() * half && sine.size() == cosine.size(), cosine.size(), " cosines, ",
             sine.size(), " sines for ", positions.size(), " positions of ", half);
  for (std::size_t t = 0; t < positions.size(); ++t) {
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(positions[t]) * static_cast<double>(frequencies_[i]);
      cosine[t * half + i] = static_cast<float>(std::cos(angle)) * attention_factor_;
      sine[t * half + i] = static_cast<float>(std::sin(angle)) * attention_factor_;
    }
  }
}

}  // namespace tome
