#include "train/adamw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "train/dynamic_code.h"

namespace tome {
namespace {

constexpr std::size_t kBlock = DynamicCode::kBlock;
constexpr std::size_t kWorkSize = 64 * kBlock;  // enough to pay for handing it to a thread
constexpr std::size_t kNormBlock = 65536;
constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
std::size_t blocks_of(std::size_t size) { return (size + kBlock - 1) / kBlock; }

bool in_8bit(const OptimizedTensor& tensor, const AdamwSettings& settings) {
  return settings.eight_bit && tensor.size >= settings.least_8bit;
}

// f32: m, v. 8 bits: codes of m, codes of v, largest of each block of m, of v.
std::size_t tensor_bytes(const OptimizedTensor& tensor, const AdamwSettings& settings) {
  if (!in_8bit(tensor, settings)) return 2 * aligned(tensor.size * sizeof(float));
  return 2 * (aligned(tensor.size) + aligned(blocks_of(tensor.size) * sizeof(float)));
}

// What one step multiplies by, rounded once from double.
struct Factors {
  float gradient, keep, first, second, second_keep, step, root, epsilon;
};

void update(const Factors& f, std::size_t count, const float* gradients, float* first, float* second, float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradients[i] * f.gradient;
    first[i] += f.first * (g - first[i]);
    second[i] = second[i] * f.second_keep + f.second * g * g;
    values[i] = values[i] * f.keep - f.step * first[i] / (std::sqrt(second[i]) / f.root + f.epsilon);
  }
}

// Numbers [begin, end) of a tensor of `size`, whose moments lie at `moments`; values and gradients from `begin` on.
struct Part {
  std::size_t size, begin, end;
  std::byte* moments;
  float* values;
  const float* gradients;
};

void update_f32(const Part& part, const Factors& factors) {
  auto* first = reinterpret_cast<float*>(part.moments) + part.begin;
  auto* second = reinterpret_cast<float*>(part.moments + aligned(part.size * sizeof(float))) + part.begin;
  update(factors, part.end - part.begin, part.gradients, first, second, part.values);
}

void update_8bit(const Part& part, const Factors& factors) {
  const DynamicCode& first_code = DynamicCode::with_sign();
  const DynamicCode& second_code = DynamicCode::without_sign();
  std::byte* at = part.moments;
  auto* first_codes = reinterpret_cast<std::uint8_t*>(std::exchange(at, at + aligned(part.size)));
  auto* second_codes = reinterpret_cast<std::uint8_t*>(std::exchange(at, at + aligned(part.size)));
  auto* first_largest = reinterpret_cast<float*>(at);
  auto* second_largest = reinterpret_cast<float*>(at + aligned(blocks_of(part.size) * sizeof(float)));
  std::array<float, kBlock> first;
  std::array<float, kBlock> second;
  for (std::size_t i = part.begin; i < part.end; i += kBlock) {
    const std::size_t count = std::min(kBlock, part.end - i);
    const std::size_t block = i / kBlock;
    first_code.decode({first_codes + i, count}, first_largest[block], first.data());
    second_code.decode({second_codes + i, count}, second_largest[block], second.data());
    const std::size_t done = i - part.begin;
    update(factors, count, part.gradients + done, first.data(), second.data(), part.values + done);
    first_largest[block] = first_code.encode({first.data(), count}, first_codes + i);
    second_largest[block] = second_code.encode({second.data(), count}, second_codes + i);
  }
}

// Eight running sums in a fixed order, which the compiler may keep in vector registers.
double sum_of_squares(std::span<const float> values) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += double{values[i + lane]} * double{values[i + lane]};
  }
  for (; i < values.size(); ++i) sums[i % 8] += double{values[i]} * double{values[i]};
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

void expect_range(const char* name, double value, double least, double below) {
  if (value >= least && value < below) return;
  throw_user_error(name, ": got ", value, ", expected a number from ", least, " to below ", below);
}

}  // namespace

void AdamwSettings::check() const {
  expect_range("beta1", beta1, 0, 1);
  expect_range("beta2", beta2, 0, 1);
  expect_range("epsilon", epsilon, 0, 1);
  expect_range("weight decay", weight_decay, 0, 100);
}

std::vector<OptimizedTensor> optimized_tensors(std::span<const AdapterTensor> tensors) {
  std::vector<OptimizedTensor> result;
  result.reserve(tensors.size());
  for (const AdapterTensor& tensor : tensors) {
    std::size_t size = 1;
    for (const std::size_t extent : tensor.shape) size *= extent;
    result.push_back({tensor.offset, size, tensor.shape.size() > 1});
  }
  return result;
}

double global_norm(std::span<const float> gradients, Threads& threads) {
  std::vector<double> sums((gradients.size() + kNormBlock - 1) / kNormBlock);
  threads.for_each(sums.size(), [&](std::size_t block, int) {
    const std::size_t begin = block * kNormBlock;
    sums[block] = sum_of_squares(gradients.subspan(begin, std::min(kNormBlock, gradients.size() - begin)));
  });
  double sum = 0;
  for (const double block : sums) sum += block;
  return std::sqrt(sum);
}

double clip_factor(double norm, double largest) {
  if (largest == 0) return 1;
  return std::min(1.0, largest / (norm + 1e-6));
}

AdamW::AdamW(std::vector<OptimizedTensor> tensors, const AdamwSettings& settings, Threads& threads)
    : settings_(settings),
      tensors_(std::move(tensors)),
      threads_(threads),
      memory_(state_bytes(tensors_, settings), settings.page_folder, "the optimizer's moments") {
  settings.check();
  std::size_t place = 0;
  for (std::size_t tensor = 0; tensor < tensors_.size(); ++tensor) {
    places_.push_back(place);
    place += tensor_bytes(tensors_[tensor], settings);
    for (std::size_t begin = 0; begin < tensors_[tensor].size; begin += kWorkSize) {
      work_.push_back({tensor, begin, std::min(begin + kWorkSize, tensors_[tensor].size)});
    }
  }
}

std::size_t AdamW::state_bytes(std::span<const OptimizedTensor> tensors, const AdamwSettings& settings) {
  std::size_t bytes = 0;
  for (const OptimizedTensor& tensor : tensors) bytes += tensor_bytes(tensor, settings);
  return bytes;
}

void AdamW::step(std::span<float> values, std::span<const float> gradients, double learning_rate,
                 double gradient_scale) {
  TOME_CHECK(values.size() == gradients.size());
  ++steps_;
  const double first_weight = 1 - std::pow(settings_.beta1, steps_);
  const double second_weight = 1 - std::pow(settings_.beta2, steps_);
  Factors factors{};
  factors.gradient = static_cast<float>(gradient_scale);
  factors.first = static_cast<float>(1 - settings_.beta1);
  factors.second = static_cast<float>(1 - settings_.beta2);
  factors.second_keep = static_cast<float>(settings_.beta2);
  factors.step = static_cast<float>(learning_rate / first_weight);
  factors.root = static_cast<float>(std::sqrt(second_weight));
  factors.epsilon = static_cast<float>(settings_.epsilon);
  const auto decayed = static_cast<float>(1 - learning_rate * settings_.weight_decay);
  threads_.for_each(work_.size(), [&](std::size_t index, int) {
    const Work& work = work_[index];
    const OptimizedTensor& tensor = tensors_[work.tensor];
    TOME_CHECK(tensor.offset + tensor.size <= values.size());
    Factors mine = factors;
    mine.keep = tensor.decays ? decayed : 1.0F;
    const std::size_t at = tensor.offset + work.begin;
    const Part part{tensor.size,        work.begin,           work.end, memory_.bytes().data() + places_[work.tensor],
                    values.data() + at, gradients.data() + at};
    in_8bit(tensor, settings_) ? update_8bit(part, mine) : update_f32(part, mine);
  });
}

void AdamW::restore(std::span<const std::byte> state, std::int64_t steps) {
  TOME_CHECK(state.size() == memory_.bytes().size() && steps >= 0, state.size(), " bytes of moments, step ", steps);
  std::copy(state.begin(), state.end(), memory_.bytes().begin());
  steps_ = steps;
}

}  // namespace tome
